"""Scores are kept when they change and each minute, grow fewer with age, and tell what changed, why and by whom."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.control import audit
from monitoring.models import HealthScore
from monitoring.watch import history, validator
from monitoring.watch.keeping import HealthScorecard
from monitoring.watch.probes import answers
from monitoring.watch.scorecard import score
from tests.show import factories as make
from tests.watch.probes.builders import NOW, ago, healthy
from trading.runtime import MODULES

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def card(at=NOW, **changes):
    return score(answers(healthy(**changes)), at)


def test_a_score_is_stored_on_change_and_at_least_every_minute():
    assert history.keep(card(NOW))
    assert not history.keep(card(NOW + SECOND * 10))
    assert HealthScore.objects.count() == 1
    assert not history.keep(card(NOW + SECOND * 60))
    assert HealthScore.objects.count() == 2
    assert history.keep(card(NOW + SECOND * 70, account=None))
    assert HealthScore.objects.count() == 3
    newest = HealthScore.objects.latest()
    assert (newest.overall, newest.status) == (50, "critical")


def test_ages_alone_are_no_change():
    history.keep(card(NOW, account=None, worst_gap=(1, 1.0)))
    assert not history.keep(card(NOW + SECOND, account=None, worst_gap=(1, 2.0)))


def test_any_stored_score_recomputes_exactly():
    for changes in ({}, {"account": None}, {"universe": None, "supervision": None}, {"faults": {"gap": 3}}):
        row = history.store(card(**changes))
        row.refresh_from_db()
        back = history.recomputed(row)
        assert (back.overall, back.coverage, back.status) == (row.overall, row.coverage, row.status)


def test_old_scores_grow_fewer_and_those_of_reports_stay():
    day = timedelta(days=1)
    for minute in range(0, 60, 5):  # two days old: four quarters stay
        history.store(card(NOW - day * 2 - timedelta(minutes=minute + 1)))
    for hour in range(4):  # forty days old: one of that day stays
        history.store(card(NOW - day * 40 - timedelta(hours=hour)))
    history.store(card(NOW - day * 40), reported=True)
    history.store(card(NOW - day * 800))
    for minute in range(5):  # today: all stay
        history.store(card(NOW - timedelta(minutes=minute)))
    history.thin(NOW)
    ages = [(NOW - at).days for at in HealthScore.objects.order_by("-at").values_list("at", flat=True)]
    assert ages.count(0) == 5
    assert ages.count(2) == 4
    assert ages.count(40) == 2
    assert ages.count(800) == 0
    assert history.thin(NOW) == 0


def test_what_changed_is_told_with_who_did_it():
    history.store(card(NOW))
    audit.append(who="mira", action="universe.refresh", now=NOW + SECOND)
    audit.append(who="lars", action="apikey.create", now=NOW + SECOND * 2)
    turn = history.since(NOW, card(NOW + SECOND * 9, universe=None, account=None))
    assert turn and turn.before.overall == 100 and turn.now.overall == 50
    assert {one.component: (one.was, one.now) for one in turn.changes} == {
        "data_feed": (10, 8), "universe": (10, 3), "exchange": (10, 6),
    }  # fmt: skip
    assert turn.by == {"data_feed": "mira", "universe": "mira"}


def test_before_the_first_score_there_is_nothing_to_compare_with():
    assert history.since(NOW, card()) is None
    history.store(card(NOW + SECOND))
    later = history.since(NOW, card(NOW + SECOND * 9))
    assert later and later.before.at == NOW + SECOND


# -- from the rows ----------------------------------------------------------------------------------------------------


def lively(now):
    make.no_trades(now)
    make.holdings(now)
    validator.store(validator.validate(now))


def test_signals_without_an_order_cap_the_score_of_a_real_database():
    now = timezone.now()
    lively(now)
    seen = history.measure(now)
    assert seen.overall == 50
    assert "idle" in {cap.code for cap in seen.caps}
    executor = seen.component("executor")
    assert executor.score == 5 and executor.gone[0].params["signals"] == 198


def test_halting_on_purpose_costs_nothing():
    now = timezone.now()
    lively(now)
    make.switch("halted", now)
    assert history.measure(now).component("executor").score == 10


def test_the_whole_score_is_made_of_few_queries_whatever_the_rows():
    now = timezone.now()
    lively(now)
    with CaptureQueriesContext(connection) as few:
        history.measure(now)
    for back in range(70, 90):
        of = make.cycle(now, back, flat=11, signals=1)
        make.decided(make.signal(of, "ADA/USDT:USDT"), "traded")
    with CaptureQueriesContext(connection) as more:
        history.measure(now)
    assert len(few) == len(more) <= 37


def test_an_empty_database_scores_next_to_nothing_and_says_why():
    seen = history.measure(timezone.now())
    assert seen.overall <= 50 and seen.status == "unknown"
    assert seen.component("executor").gone[0].code == "never-called"


def test_a_switched_off_schedule_is_seen():
    from django_celery_beat.models import PeriodicTask

    from monitoring.watch.probes.rows import read
    from trading import schedule

    now = timezone.now()
    lively(now)
    schedule.sync(MODULES)
    PeriodicTask.objects.filter(name="tick: policy").update(enabled=False)
    assert answers(read(now))["policy.punctual"].code == "schedule-off"


def test_the_keeper_measures_stores_and_says_so():
    module = MODULES["scorekeeper"]
    assert isinstance(module, HealthScorecard)
    now = timezone.now()
    lively(now)
    assert module.tick(now).actions == 1
    assert module.tick(now + SECOND).actions in (0, 1)
    assert HealthScore.objects.first().evidence["parts"][0]["key"] == "executor"


def test_the_history_survives_a_database_that_lost_a_day():
    history.store(card(ago(days=3)))
    turn = history.since(ago(days=1), card())
    assert turn and turn.before.at == ago(days=3)
