"""The outbox: once begun, once over, nothing lost, nothing said twice without need."""

from datetime import timedelta

import pytest
from django.conf import settings

from monitoring.models import Alert, AlertDelivery, Incident, LawMinute
from monitoring.watch.alerts import minutes, outbox
from monitoring.watch.alerts.burn import Law
from monitoring.watch.alerts.modules import Notifier, wanted
from monitoring.watch.alerts.routing import Habits
from monitoring.watch.alerts.sources import Trouble, Wanted, from_incidents
from tests.show import factories as make
from trading.models import Decision, ModuleState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def running(now):
    ModuleState.objects.create(name="notifier", last_tick=now)


AT_ONCE = Habits(timedelta(0))
CHANNELS = ("jsons-aaaaaa", "mailtos-bbbbbb")


class Sink:
    """Takes what is sent, or refuses it."""

    def __init__(self, problem: str = "") -> None:
        self.problem, self.got = problem, []

    def __call__(self, channel, due):
        if not self.problem:
            self.got += [(channel, one.alert.key, one.kind, one.dedup) for one in due]
        return self.problem


def page(now, key="incident:STREAM_SILENT", severity="page"):
    return Wanted(key, severity, "INCIDENT", "operator", "/incidents/", now,
                  {"incident": "STREAM_SILENT", "seconds": 30.0, "limit": 20.0})  # fmt: skip


def deliver(sink, now):
    return outbox.deliver(CHANNELS, sink, now, lambda: now)


def test_each_channel_is_told_of_the_beginning_and_of_the_end(now):
    sink = Sink()
    outbox.settle([page(now)], CHANNELS, AT_ONCE, now)
    assert deliver(sink, now) == (2, 0)
    assert deliver(sink, now) == (0, 0)
    outbox.settle([], CHANNELS, AT_ONCE, now + timedelta(minutes=1))
    deliver(sink, now + timedelta(minutes=1))
    assert [(channel, kind) for channel, _key, kind, _dedup in sink.got] == [
        (CHANNELS[0], "begun"), (CHANNELS[1], "begun"), (CHANNELS[0], "over"), (CHANNELS[1], "over"),
    ]  # fmt: skip


def test_a_channel_that_is_set_later_is_told_of_what_goes_on_and_only_once(now):
    sink = Sink()
    outbox.settle([page(now)], CHANNELS[:1], AT_ONCE, now)
    outbox.deliver(CHANNELS[:1], sink, now, lambda: now)
    for _ in range(2):
        outbox.settle([page(now)], CHANNELS, AT_ONCE, now)
        deliver(sink, now)
    assert [(channel, kind) for channel, _key, kind, _dedup in sink.got] == [
        (CHANNELS[0], "begun"), (CHANNELS[1], "begun"),
    ]  # fmt: skip


def test_five_hundred_times_the_same_is_one_and_a_count(now):
    sink = Sink()
    for n in range(500):
        outbox.settle([page(now)], CHANNELS, AT_ONCE, now + timedelta(seconds=n))
        deliver(sink, now + timedelta(seconds=n))
    assert len(sink.got) == 2
    assert Alert.objects.get().count == 500


def flap(sink, now, states):
    """One state a minute: there or not."""
    for n, there in enumerate(states):
        at = now + timedelta(minutes=n)
        outbox.settle([page(at)] if there else [], CHANNELS[:1], AT_ONCE, at)
        deliver(sink, at)
    return [kind for _channel, _key, kind, _dedup in sink.got]


def test_what_flaps_is_told_twice_and_not_again(now):
    kinds = flap(Sink(), now, [True, False] * 6)
    assert kinds.count("begun") == 2
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_the_last_word_about_what_came_back_is_not_that_it_is_over(now):
    assert flap(Sink(), now, [True, False, True, True]) == ["begun", "over", "begun"]
    assert flap(Sink(), now + timedelta(minutes=4), [False, True, True]) == []


def test_what_came_back_is_over_when_it_has_stayed_so(now):
    assert flap(Sink(), now, [True, False, True] + [False] * 14) == ["begun", "over", "begun"]
    assert flap(Sink(), now + timedelta(minutes=17), [False] * 2) == ["over"]


def test_a_ticket_that_was_told_is_told_again_as_a_page(now):
    sink, later = Sink(), now + timedelta(hours=2)
    outbox.settle([page(now, severity="ticket")], CHANNELS, AT_ONCE, now)
    deliver(sink, now)
    outbox.settle([page(now)], CHANNELS, AT_ONCE, later)
    assert deliver(sink, later) == (2, 0)
    assert Alert.objects.get(resolved_at=None).severity == "page"
    assert len({dedup for *_, dedup in sink.got}) == 4
    outbox.settle([page(now)], CHANNELS, AT_ONCE, later + timedelta(seconds=5))
    assert deliver(sink, later + timedelta(seconds=5)) == (0, 0)


def test_the_end_of_what_lasted_for_days_is_tried_for_a_day_too(now):
    sink, days = Sink(), now + timedelta(days=3)
    outbox.settle([page(now)], CHANNELS[:1], AT_ONCE, now)
    deliver(sink, now)
    outbox.settle([], CHANNELS[:1], AT_ONCE, days)
    deliver(Sink("503"), days)
    assert deliver(sink, days + timedelta(minutes=1)) == (1, 0)


def test_a_page_about_what_began_days_ago_is_not_given_up_after_one_try(now):
    outbox.settle([page(now - timedelta(days=3))], CHANNELS[:1], AT_ONCE, now)
    deliver(Sink("503"), now)
    assert deliver(Sink(), now + timedelta(minutes=1)) == (1, 0)


def test_what_is_refused_is_tried_again_with_the_same_key(now):
    outbox.settle([page(now)], CHANNELS[:1], AT_ONCE, now)
    assert deliver(Sink("503"), now) == (0, 1)
    assert deliver(sink := Sink(), now) == (0, 0)  # not at once
    assert deliver(sink, now + timedelta(seconds=6)) == (1, 0)
    row = AlertDelivery.objects.get()
    assert (row.attempts, row.sent_at is not None, sink.got[0][3]) == (2, True, row.dedup)


def test_one_channel_that_fails_does_not_hold_up_the_other(now):
    outbox.settle([page(now)], CHANNELS, AT_ONCE, now)
    good = []
    sent = outbox.deliver(CHANNELS, lambda c, due: "no" if c == CHANNELS[0] else good.append(c) or "", now, lambda: now)
    assert (sent, good) == ((1, 1), [CHANNELS[1]])


def test_tickets_are_told_together(now):
    sink = Sink()
    messages = []
    tickets = [page(now, f"incident:X:{n}", "ticket") for n in range(7)]
    outbox.settle(tickets, CHANNELS[:1], Habits(timedelta(hours=1)), now)
    assert deliver(sink, now) == (0, 0)
    outbox.deliver(CHANNELS, lambda c, due: messages.append(len(due)) or "", now + timedelta(hours=1), lambda: now)
    assert messages == [7]


def test_what_becomes_a_page_does_not_wait_for_the_digest(now):
    habits = Habits(timedelta(hours=1))
    outbox.settle([page(now, severity="ticket")], CHANNELS[:1], habits, now)
    outbox.settle([page(now)], CHANNELS[:1], habits, now + timedelta(seconds=5))
    assert deliver(Sink(), now + timedelta(seconds=5)) == (1, 0)


def test_what_can_not_be_sent_for_a_day_is_given_up_and_kept(now):
    outbox.settle([page(now)], CHANNELS[:1], AT_ONCE, now)
    for hours in range(26):
        deliver(Sink("503"), now + timedelta(hours=hours))
    row = AlertDelivery.objects.get()
    assert row.given_up_at
    assert row.error == "503"


def kinds(sink, channel=CHANNELS[0]):
    return [kind for to, _key, kind, _dedup in sink.got if to == channel]


def test_the_last_word_after_an_outage_of_the_channel_is_about_the_newest(now):
    """It began and ended unheard, and began again later than a repetition: "over" is not what is heard last."""
    sink, down, one = Sink(), Sink("503"), CHANNELS[:1]
    outbox.settle([page(now)], one, AT_ONCE, now)
    deliver(down, now)
    outbox.settle([], one, AT_ONCE, now + timedelta(minutes=1))
    deliver(down, now + timedelta(minutes=1))
    back = now + timedelta(minutes=20)
    outbox.settle([page(back)], one, AT_ONCE, back)
    for minutes_ in range(60):
        deliver(sink, back + timedelta(minutes=minutes_))
    assert kinds(sink) == ["begun"]
    assert Alert.objects.filter(resolved_at=None).count() == 1
    assert AlertDelivery.objects.filter(given_up_at=back).count() == 2
    outbox.settle([], one, AT_ONCE, back + timedelta(hours=2))
    deliver(sink, back + timedelta(hours=2))
    assert kinds(sink) == ["begun", "over"]


def test_the_last_word_of_one_channel_is_true_where_the_other_was_told_in_time(now):
    sink, late = Sink(), CHANNELS[1]

    def half(channel, due):
        return "503" if channel == late else sink(channel, due)

    for minute, told in enumerate(([page(now)], [], [page(now)])):
        at = now + timedelta(minutes=minute)
        outbox.settle(told, CHANNELS, AT_ONCE, at)
        outbox.deliver(CHANNELS, half, at, lambda at=at: at)
    for minute in range(3, 60):
        deliver(sink, now + timedelta(minutes=minute))
    assert kinds(sink) == ["begun", "over", "begun"]
    assert kinds(sink, late) == ["begun"]


def test_an_open_page_is_sent_when_its_channel_is_back_after_a_tick(now):
    """Its address was missing for a moment, as while settings are read anew."""
    sink, later = Sink(), now + timedelta(seconds=5)
    outbox.settle([page(now)], CHANNELS, AT_ONCE, now)
    outbox.deliver(CHANNELS[1:], Sink("503"), now, lambda: now)
    assert AlertDelivery.objects.get(channel=CHANNELS[0]).given_up_at
    outbox.settle([page(now)], CHANNELS, AT_ONCE, later)
    assert deliver(sink, later + timedelta(seconds=1)) == (2, 0)
    assert kinds(sink) == ["begun"]


def test_an_open_page_outlasts_a_channel_that_fails_for_days_and_does_not_hammer_it(now):
    sink, tried = Sink(), []

    def down(channel, due):
        tried.append(len(due))
        return "503"

    for minute in range(0, 2 * 24 * 60, 2):
        at = now + timedelta(minutes=minute)
        outbox.settle([page(now)], CHANNELS[:1], AT_ONCE, at)
        outbox.deliver(CHANNELS[:1], down, at, lambda at=at: at)
    assert 2 * 24 * 5 < len(tried) < 2 * 24 * 7
    over = now + timedelta(days=2)
    outbox.settle([page(now)], CHANNELS[:1], AT_ONCE, over)
    deliver(sink, over + timedelta(minutes=10))
    assert kinds(sink) == ["begun"]


def test_a_ticket_whose_channel_is_back_waits_for_its_digest(now):
    hourly = Habits(timedelta(hours=1))
    outbox.settle([page(now, severity="ticket")], CHANNELS[:1], hourly, now)
    outbox.deliver((), Sink(), now, lambda: now)
    outbox.settle([page(now, severity="ticket")], CHANNELS[:1], hourly, now + timedelta(seconds=5))
    assert deliver(Sink(), now + timedelta(seconds=6)) == (0, 0)
    assert deliver(Sink(), now + timedelta(hours=1)) == (1, 0)


def test_what_is_over_is_not_begun_again_for_a_channel_that_came_back(now):
    outbox.settle([page(now)], CHANNELS[:1], AT_ONCE, now)
    outbox.deliver((), Sink(), now, lambda: now)
    outbox.settle([], CHANNELS[:1], AT_ONCE, now + timedelta(seconds=5))
    assert deliver(Sink(), now + timedelta(seconds=6)) == (0, 0)


def test_a_critical_incident_is_a_page_and_its_end_is_told(now, settings):
    incident = Incident.objects.create(key="STREAM_SILENT", code="STREAM_SILENT", subsystem="data_feed",
                                       severity="critical", params={"seconds": 30.0, "limit": 20.0},
                                       first_seen=now, last_seen=now)  # fmt: skip
    ModuleState.objects.create(name="self_healing", last_tick=now)
    sink = Sink()
    report = Notifier(sink, lambda: now).tick(now)
    assert report.examined
    assert Alert.objects.get().severity == "page"
    incident.verified, incident.closed_at = True, now
    incident.save()
    Notifier(sink, lambda: now).tick(now + timedelta(seconds=5))
    assert Alert.objects.get(key="incident:STREAM_SILENT").resolved_at


def test_what_became_milder_is_not_told_as_over(now, settings):
    incident = Incident.objects.create(key="CLOCK_OFF", code="CLOCK_OFF", subsystem="exchange", severity="high",
                                       params={}, first_seen=now, last_seen=now)  # fmt: skip
    outbox.settle(wanted(now), CHANNELS, AT_ONCE, now)
    deliver(Sink(), now)
    Incident.objects.update(severity="low")
    outbox.settle(wanted(now), CHANNELS, AT_ONCE, now + timedelta(minutes=1))
    assert Alert.objects.get().resolved_at is None
    Incident.objects.filter(pk=incident.pk).update(closed_at=now, verified=True)
    outbox.settle(wanted(now), CHANNELS, AT_ONCE, now + timedelta(minutes=2))
    assert Alert.objects.get().resolved_at is not None


def test_what_was_never_worse_than_medium_is_told_to_nobody(now):
    Incident.objects.create(key="GAP_OPEN", code="GAP_OPEN", subsystem="data_feed", severity="medium", params={},
                            first_seen=now, last_seen=now)  # fmt: skip
    assert wanted(now) == []


def test_the_minutes_of_a_broken_law_burn_its_budget(now):
    Incident.objects.create(key="UNPROTECTED:1", code="UNPROTECTED", subsystem="position_monitor", severity="critical",
                            params={"symbol": "BTC/USDT:USDT", "seconds": 99.0, "limit": 10.0},
                            first_seen=now - timedelta(minutes=3), last_seen=now)  # fmt: skip
    ModuleState.objects.create(name="self_healing", last_tick=now)
    minutes.mark(now)
    states = dict(LawMinute.objects.values_list("law", "state"))
    assert states == {"accounted": "kept", "known": "kept", "protected": "broken", "fresh": "kept", "running": "kept"}
    assert "burn:protected:page" in {one.key for one in wanted(now)}


def test_a_minute_in_which_the_house_was_off_is_no_evidence(now):
    assert minutes.mark(now + timedelta(minutes=5)) == 0
    assert LawMinute.objects.count() == 0


def test_a_minute_is_judged_once(now):
    assert minutes.mark(now) > 0  # nobody looked: not known
    minutes.mark(now)
    assert LawMinute.objects.count() == len(Law)


def test_a_signal_without_a_decision_breaks_the_first_law(now):
    make.no_trades(now)
    minutes.mark(now)
    assert LawMinute.objects.get(law="accounted").state == "kept"
    Decision.objects.filter(pk=Decision.objects.latest("id").pk).delete()
    ModuleState.objects.update(last_tick=now + timedelta(minutes=1))
    minutes.mark(now + timedelta(minutes=1))
    assert LawMinute.objects.filter(law="accounted").latest("at").state == "broken"


def test_without_a_channel_alerts_are_kept_for_the_page(now):
    assert settings.QUANTUM.alert_channels == ()
    outbox.settle([page(now)], (), AT_ONCE, now)
    assert Alert.objects.count() == 1
    assert AlertDelivery.objects.count() == 0


def test_that_the_page_is_silent_is_told_at_once(now):
    silent = Trouble("PROCESS_SILENT:web", "PROCESS_SILENT", "high", now, paged=False, seen=False)
    assert [one.severity for one in from_incidents([silent])] == ["page"]
