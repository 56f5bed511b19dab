"""Incidents on the page and over HTTP."""

import json
import re
from datetime import timedelta

import pytest

from monitoring.models import Incident, RemedyAttempt
from monitoring.show import mending
from monitoring.show.panels import render
from monitoring.watch import ailments
from monitoring.watch.detectors.findings import Ailment
from tests import builders
from tests.show import factories as make
from trading.gates import store
from trading.gates.directives import Level
from trading.models import BalanceLook, CloseRequest, Directive, TrimProposal

pytestmark = pytest.mark.django_db
STALE = {"symbols": 12, "of": 12, "symbol": "BTC/USDT:USDT", "seconds": 29_929, "limit": 90}


def incident(now, **changes) -> Incident:
    row = {"key": "FEED_STALE", "code": "FEED_STALE", "subsystem": "data_feed", "severity": "critical",
           "params": STALE, "impacts_trading": True}  # fmt: skip
    return Incident.objects.create(**row | {"first_seen": now - timedelta(minutes=2), "last_seen": now} | changes)


def closed(now, **changes) -> Incident:
    row = {"verified": True, "closed_at": now - timedelta(minutes=1), "evidence": {"newest_s": 4.2}}
    return incident(now, **row | changes)


def panel(name, now) -> str:
    return render([name], now)[0].html


def get(reader, path: str):
    answer = reader.get(f"/api/v1/{path}")
    return answer.status_code, answer.json()


class TestPage:
    def test_before_the_first_look_it_says_so(self, reader):
        page = reader.get("/incidents/").content.decode()
        assert "Self-healing has not looked yet." in page and "within half a minute" in page
        assert 'data-panel="incidents"' in page

    def test_an_open_incident_has_its_numbers_its_remedies_and_what_comes_next(self, reader, now):
        row = incident(now, attempts=1, remedy="backfill_candles", count=4)
        RemedyAttempt.objects.create(incident=row, action="backfill_candles", at=now, done=True, detail="0 fetched")
        store.direct(Level.NO_NEW_TRADES, row.key, "All candles are old", "self_healing", now)
        page = reader.get("/incidents/").content.decode()
        assert "<h1>All candles are old.</h1>" in page and "No new trades while this lasts." in page
        assert "8\u00a0h 18\u00a0min old on BTC/USDT, limit 90\u00a0s; all 12 symbols are late." in page
        assert "Fetch the missing candles" in page and "0 fetched" in page
        assert "The next remedy is tried in" in page and "seen 4 times" in page
        assert "Acknowledge" in page and "Lift this directive" in page

    def test_who_may_not_press_sees_no_button(self, client, now):
        incident(now)
        store.direct(Level.NO_NEW_TRADES, "FEED_STALE", "All candles are old", "self_healing", now)
        client.force_login(make.user("vera", roles=["viewer"]))
        page = client.get("/incidents/").content.decode()
        assert "All candles are old" in page
        assert 'action="/control/acknowledge/"' not in page and 'action="/control/lift/"' not in page

    def test_a_healed_one_shows_how_long_it_lasted_and_the_proof(self, reader, now):
        make.beat("self_healing", now)
        closed(now)
        page = reader.get("/incidents/").content.decode()
        assert "No open incident." in page and "The last one was healed at" in page
        assert "newest candle 4\u00a0s" in page and "60\u00a0s" in page

    @pytest.mark.parametrize("code", Ailment)
    def test_every_ailment_can_be_drawn(self, now, code):
        params = STALE | {"module": "Risk Guard", "every": 30, "process": "worker", "error": "OSError: no <route>",
                          "ms": 1200, "limit_ms": 1000, "modules": 3, "restarts": 3, "most": 3,
                          "until": now.isoformat()}  # fmt: skip
        wanted = re.findall(r"%\((\w+)\)s", f"{ailments.TITLES[code]} {ailments.SENTENCES[code]}")
        params = dict.fromkeys(wanted, 7) | params
        incident(now, code=code, key=code, params=params, escalated_at=now, attempts=3)
        html = panel("incidents", now)
        next_ = "Entries are held until there is room again" if code == Ailment.RESTARTS_EXHAUSTED else (
            "3 remedies within ten minutes in vain: a person is needed."
        )  # fmt: skip
        assert f'data-code="{code}"' in html and next_ in html
        assert "%(" not in html and "<route>" not in html and "could not be drawn" not in html

    def test_pressing_acknowledge_and_lift(self, reader, now):
        row = incident(now)
        standing = store.direct(Level.NO_NEW_TRADES, row.key, "All candles are old", "self_healing", now)
        assert "Acknowledge this incident?" in reader.get(f"/control/acknowledge/?target={row.pk}").content.decode()
        done = reader.post("/control/acknowledge/", {"target": row.pk}, headers={"accept": "application/json"})
        assert done.status_code == 200
        asked = json.dumps({"target": str(standing.pk), "reason": "seen by me"})
        done = reader.post("/control/lift/", asked, "application/json", headers={"accept": "application/json"})
        assert done.status_code == 200 and "NO_NEW_TRADES was lifted" in done.json()["message"]
        assert not Directive.objects.filter(ended_at=None).exists()
        again = reader.post("/control/lift/", asked, "application/json", headers={"accept": "application/json"})
        assert again.status_code == 409
        assert reader.get("/control/acknowledge/?target=77").status_code == 404

    def test_queries_do_not_grow_with_what_is_shown(self, now, django_assert_num_queries):
        for i in range(5):
            row = incident(now, key=f"k{i}")
            RemedyAttempt.objects.create(incident=row, action="backfill_candles", at=now)
            closed(now, key=f"c{i}")
        with django_assert_num_queries(8):
            render(["incidents_said", "directives", "incidents", "healed"], now)


class TestBalance:
    def test_without_a_position_it_teaches(self, now):
        assert "No open positions yet." in panel("balance", now)

    @pytest.mark.parametrize("why", ["LEVERAGE", "OPEN_RISK", "CONCENTRATION", "CORRELATED"])
    def test_figures_and_a_proposal_with_its_numbers(self, now, why):
        seen = {"positions": 2, "gross": "6600", "net": "6600", "long": "6600", "short": "0", "risk": "99",
                "leverage": 0.66, "risk_share": 0.0099, "shares": {}, "herfindahl": 0.5}  # fmt: skip
        pairs = [{"first": "BTC/USDT:USDT", "second": "ETH/USDT:USDT", "rho": 0.91}]
        BalanceLook.objects.create(
            at=now, asked_by="beat", equity=10_000, figures=seen, mode="practice", pairs=pairs
        )  # fmt: skip
        place = builders.position(decision=builders.decision())
        TrimProposal.objects.create(
            position=place, symbol=place.symbol, why=why, share=0.4, quantity=1, value=0.91, limit=0.7,
            setting="QT_MAX_CORRELATION", facts={"other": "ETH/USDT:USDT", "other_side": "long", "share": 0.5},
            after=seen, proposed_at=now, seen_at=now, mode="practice",
        )  # fmt: skip
        html = panel("balance", now)
        assert "6,600.00 USDT" in html and "0.91" in html and "as much as 2.0 equal positions" in html
        assert "Trim BTC/USDT by 40\u00a0%" in html and "at risk" in html and "%(" not in html


class TestSafety:
    """The policy in force: why, what it does, since when, how it ends; and the restarts."""

    def test_with_nothing_open_all_is_allowed_and_no_restart_is_used(self, now):
        html = panel("directives", now)
        assert 'data-level="ALLOW_ALL"' in html and "All is allowed" in html and "holds nothing back" in html
        assert 'data-restarts="0"' in html and "0 of 3 restarts in ten minutes are used." in html

    @pytest.mark.parametrize(
        ("level", "key", "by", "says", "ends"),
        [
            (Level.REDUCED, "ORDER_UNKNOWN:1", "self_healing", "risk half as much", "healed and proven"),
            (Level.NO_NEW_TRADES, "FEED_STALE", "self_healing", "No entry is sent.", "healed and proven"),
            (Level.NO_NEW_TRADES, "by hand", "mira", "No entry is sent.", "It ends when a risk officer lifts it."),
            (Level.DEFENSIVE_EXIT, "UNPROTECTED:1", "self_healing", "where it has no stop", "healed and proven"),
            (Level.EMERGENCY_SHUTDOWN, "EMERGENCY_SHUTDOWN", "self_healing", "every position is closed at market",
             "Only a person ends it"),
        ],
    )  # fmt: skip
    def test_each_level_says_what_it_does_and_how_it_ends(self, now, level, key, by, says, ends):
        store.direct(level, key, "All candles are old", by, now - timedelta(minutes=3))
        html = panel("directives", now)
        assert f'data-level="{level}"' in html and says in html and ends in html
        assert "All candles are old" in html and f"by {by} at" in html and "since" in html and "%(" not in html

    def test_the_strictest_is_in_force_and_each_has_its_own_end(self, now):
        store.direct(Level.REDUCED, "a", "The database is slow", "self_healing", now - timedelta(minutes=5))
        store.direct(Level.NO_NEW_TRADES, "b", "by hand", "mira", now, until=now + timedelta(minutes=5))
        html = panel("directives", now)
        assert 'data-level="NO_NEW_TRADES"' in html and html.count("<li data-key") == 2 and "It ends at" in html

    def test_used_restarts_are_counted_and_an_open_circuit_says_when_the_next_may_come(self, now):
        row = incident(now, key="RESTARTS_EXHAUSTED", code="RESTARTS_EXHAUSTED", subsystem="self_healing", params={})
        for minutes in (1, 2, 4, 11):
            RemedyAttempt.objects.create(incident=row, action="restart_process", at=now - timedelta(minutes=minutes))
        RemedyAttempt.objects.create(incident=row, action="run_module", at=now)
        store.direct(Level.NO_NEW_TRADES, "RESTARTS_EXHAUSTED", "Too many restarts", "self_healing", now)
        html = panel("directives", now)
        at = f"{now - timedelta(minutes=4) + timedelta(minutes=10):%H:%M:%S}"
        assert f"3 of 3 restarts in ten minutes are used; the next may come at {at}." in html
        assert f"It ends by itself at {at}, when one more restart is allowed" in html

    def test_what_self_healing_closed_is_told_with_its_reason(self, now):
        place = builders.position(decision=builders.decision())
        why = "DEFENSIVE_EXIT: no stop at the exchange for 60 s, limit 10 s"
        CloseRequest.objects.create(position=place, requested_by="self_healing", code="self_healing", reason=why,
                                    requested_at=now)  # fmt: skip
        html = panel("directives", now)
        assert "closed by self-healing" in html and "no stop at the exchange for 60 s, limit 10 s" in html

    def test_over_http(self, reader, now):
        store.direct(Level.DEFENSIVE_EXIT, "UNPROTECTED:1", "BTC/USDT has no stop", "self_healing", now)
        status, body = get(reader, "safety")
        assert status == 200 and body["level"] == "DEFENSIVE_EXIT" and body["since"]
        assert body["restarts"] == {"used": 0, "most": 3, "window_s": 600.0, "again_at": None}
        assert body["directives"][0]["ends"].startswith("It ends by itself") and body["closes"] == []


class TestApi:
    def test_the_list_and_its_filters(self, reader, now):
        first, second = closed(now), incident(now, key="MODULE_SILENT:executor", severity="high")
        status, body = get(reader, "incidents")
        assert status == 200 and [i["id"] for i in body["items"]] == [second.pk, first.pk]
        one = body["items"][1]
        for name in (
            "key",
            "severity",
            "first_seen",
            "last_seen",
            "count",
            "remedy",
            "attempts",
            "verified",
            "closed_at",
        ):
            assert name in one
        assert one["title"] == "All candles are old" and one["verified"] is True
        assert [i["id"] for i in get(reader, "incidents?status=open")[1]["items"]] == [second.pk]
        assert [i["id"] for i in get(reader, "incidents?status=closed")[1]["items"]] == [first.pk]
        assert [i["id"] for i in get(reader, "incidents?severity=high")[1]["items"]] == [second.pk]
        page = get(reader, "incidents?limit=1")[1]
        assert page["next"] and get(reader, f"incidents?limit=1&cursor={page['next']}")[1]["items"][0]["id"] == first.pk

    @pytest.mark.parametrize(
        ("query", "field"), [("status=broken", "status"), ("severity=9", "severity"), ("colour=red", "colour")]
    )
    def test_what_makes_no_sense_is_named(self, reader, query, field):
        status, body = get(reader, f"incidents?{query}")
        assert status == 400 and field in body["error"]["fields"]

    def test_acknowledging(self, reader, now):
        row = incident(now)
        for changed in (True, False):
            done = reader.post(f"/api/v1/incidents/{row.pk}/acknowledge", "{}", "application/json")
            assert (done.status_code, done.json()["changed"], done.json()["acknowledged_by"]) == (200, changed, "mira")
        assert reader.post("/api/v1/incidents/99/acknowledge", "{}", "application/json").status_code == 404
        wrong = reader.post(f"/api/v1/incidents/{row.pk}/acknowledge", '{"why": 1}', "application/json")
        assert wrong.status_code == 400 and "why" in wrong.json()["error"]["fields"]

    def test_a_viewer_may_look_and_not_acknowledge(self, client, now):
        row = incident(now)
        client.force_login(make.user("vera", roles=["viewer"]))
        assert client.get("/api/v1/incidents").status_code == 200
        assert client.post(f"/api/v1/incidents/{row.pk}/acknowledge", "{}", "application/json").status_code == 403


def test_the_sentence_of_several_names_the_worst(now):
    incident(now, key="a", code="DATABASE_SLOW", severity="medium", params={"ms": 1, "limit_ms": 1})
    incident(now)
    from monitoring.show.scene import Scene

    assert mending.headline(Scene(now))[1] == "2 open incidents. All candles are old."
