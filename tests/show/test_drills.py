"""Drills and promises on the page and over HTTP."""

import json
from datetime import timedelta

import pytest

from monitoring.control.drills import asking, house
from monitoring.control.permissions import VIEWER
from monitoring.models import AuditEntry, DrillRun
from monitoring.show.panels import render
from monitoring.watch.drills.catalogue import ALL
from monitoring.watch.reliability import PROMISES, STOPS
from tests.show import factories as make
from trading.models import SwitchChange

pytestmark = pytest.mark.django_db
NAME = "stop-cancelled"


def ran(now, name=NAME, **changes) -> DrillRun:
    row = {"requested_at": now - timedelta(minutes=3), "outcome": "passed", "broken_at": now - timedelta(minutes=2),
           "ended_at": now - timedelta(minutes=1), "detected_s": 0.02, "acted_s": 0.41, "verified_s": 1.25,
           "unprotected_s": 0.41, "by": "someone", "build": "abc123", "seed": "synthetic, seed 7",
           "profile": "embedded", "mode": "practice"}  # fmt: skip
    return DrillRun.objects.create(name=name, **row | changes)


def failed(now, name=NAME, **changes) -> DrillRun:
    row = {"outcome": "failed", "why": "NOT_ACTED", "params": {"limit": 5.0, "missing": "venue.stop"}, "acted_s": None,
           "verified_s": None}  # fmt: skip
    return ran(now, name, **row | changes)


def panel(name, now) -> str:
    return render([name], now)[0].html


@pytest.fixture
def viewer(client):
    client.force_login(make.user("looks", (VIEWER,)))
    return client


@pytest.fixture
def running(monkeypatch):
    """A house that runs; nothing is really launched."""
    launched = []
    monkeypatch.setattr(house, "supervisor", lambda var, name="worker": 4711)
    monkeypatch.setattr(asking, "launch", launched.append)
    return launched


class TestPage:
    def test_before_the_first_one_nothing_is_known(self, reader):
        page = reader.get("/drills/").content.decode()
        assert "No drill has been run yet" in page and "never run" in page
        assert all(f'data-key="{drill.name}"' in page for drill in ALL)

    def test_a_passed_one_shows_its_times_and_its_limits(self, reader, now):
        ran(now)
        html = panel("drills", now)
        row = html[html.index(f'data-key="{NAME}"') :].split("</tr>")[0]
        assert 'class="shape ok"' in row or "passed" in row
        assert "0.02\u00a0s" in row.replace("&nbsp;", "\u00a0") and "limit 5 s" in row

    def test_a_failed_one_says_what_was_missing_and_leads_the_page(self, reader, now):
        failed(now)
        page = reader.get("/drills/").content.decode()
        assert "1 drill failed in its last run" in page
        assert "Not acted on within 5 s. Missing: venue.stop." in page

    def test_what_was_last_run_a_week_ago_is_not_known(self, now):
        ran(now, ended_at=now - timedelta(days=8), requested_at=now - timedelta(days=9))
        html = panel("drills", now)
        assert "not run for 8 days" in html and 'data-shape="ok"' not in html

    def test_the_newest_run_counts_and_two_make_a_trend(self, now):
        failed(now)
        ran(now)
        ran(now, acted_s=0.5)
        html = panel("drills", now)
        assert "<polyline" in html and "Not acted on" not in html

    def test_a_running_one_shows_how_far_it_is_and_no_other_can_be_started(self, reader, now):
        ran(now, outcome="running", ended_at=None, acted_s=None, verified_s=None, stage="detected")
        page = reader.get("/drills/").content.decode()
        assert "Drill: The working stop is cancelled" in page and "Found; waiting to be acted on" in page
        assert "/control/drill/" not in page

    def test_the_history_of_one_has_every_run_and_the_newest_evidence(self, reader, now):
        row = ran(now)
        row.evidence = {
            "facts": [[(row.broken_at + timedelta(seconds=0.41)).isoformat(), "venue.stop", "BTC/USDT:USDT"]]
        }
        row.save()
        failed(now, requested_at=now - timedelta(days=1))
        page = reader.get(f"/drills/{NAME}/").content.decode()
        assert "venue.stop" in page and "0.41" in page and "abc123" in page
        assert "Missing: venue.stop." in page and "What must follow" in page

    def test_an_unknown_one_is_not_found(self, reader):
        assert reader.get("/drills/nothing-such/").status_code == 404


class TestReliability:
    def test_where_nothing_was_run_everything_is_unknown(self, reader):
        page = reader.get("/reliability/").content.decode()
        assert 'data-panel="reliability"' in page and 'data-state="ok"' not in page and "not known" in page
        assert f"None of {len(PROMISES)} promises was measured lately" in page

    def test_a_promise_shows_the_worst_with_build_and_market(self, now):
        for n, name in enumerate(STOPS):
            ran(now, name, acted_s=0.4 + n)
        html = panel("reliability", now)
        row = html[html.index('data-key="stop-back"') :].split("</tr>")[0]
        assert 'data-state="ok"' in row and "3.40 s" in row and "at most 5 s" in row
        assert "4 of 4 drills" in row and "abc123" in row and "synthetic, seed 7" in row

    def test_few_queries_whatever_was_run(self, now, django_assert_max_num_queries):
        for name in STOPS:
            ran(now, name)
        with django_assert_max_num_queries(5):
            panel("reliability", now)


class TestApi:
    def test_the_list_has_every_drill_with_its_last_run(self, reader, now):
        failed(now)
        said = reader.get("/api/v1/drills").json()
        assert len(said["items"]) == len(ALL) and said["going"] is None
        one = next(item for item in said["items"] if item["name"] == NAME)
        assert one["last"]["outcome"] == "failed" and one["last"]["code"] == "NOT_ACTED"
        assert one["limits_s"] == {"detected": 5, "acted": 5, "verified": 10} and one["runs"] == 1

    def test_runs_are_filtered_and_paged(self, reader, now):
        ran(now)
        failed(now, "worker-killed")
        said = reader.get("/api/v1/drills/runs?outcome=failed").json()
        assert [row["name"] for row in said["items"]] == ["worker-killed"]
        assert reader.get("/api/v1/drills/runs?outcome=maybe").status_code == 400

    def test_starting_one_is_accepted_and_audited(self, reader, running):
        answer = reader.post("/api/v1/drills", json.dumps({"name": NAME}), content_type="application/json")
        assert answer.status_code == 202 and answer.json()["outcome"] == "queued"
        assert [row.name for row in running] == [NAME]
        assert AuditEntry.objects.filter(action="drill.start", target=NAME).count() == 1

    def test_an_unknown_one_is_404(self, reader, running):
        answer = reader.post("/api/v1/drills", json.dumps({"name": "x"}), content_type="application/json")
        assert answer.status_code == 404 and not DrillRun.objects.exists()

    def test_a_viewer_may_look_and_not_start(self, viewer, running):
        answer = viewer.post("/api/v1/drills", json.dumps({"name": NAME}), content_type="application/json")
        assert answer.status_code == 403 and not DrillRun.objects.exists()
        page = viewer.get("/drills/").content.decode()
        assert 'data-panel="drills"' in page and "/control/drill/" not in page

    def test_while_halted_it_is_409_with_a_sentence(self, reader, running, now):
        SwitchChange.objects.create(state="halted", at=now, by="x", reason="y")
        answer = reader.post("/api/v1/drills", json.dumps({"name": NAME}), content_type="application/json")
        assert answer.status_code == 409 and "on halted" in answer.json()["error"]["message"]

    def test_promises_say_what_is_not_known(self, reader, now):
        said = reader.get("/api/v1/reliability").json()
        assert {item["state"] for item in said["items"]} == {"unknown"} and said["figures"] == []


class TestButton:
    def test_the_page_that_confirms_it_states_the_consequence(self, reader):
        page = reader.get(f"/control/drill/?target={NAME}").content.decode()
        assert "Run the drill: The working stop is cancelled?" in page and "everything is put right afterwards" in page

    def test_pressed_it_is_accepted(self, reader, running):
        answer = reader.post("/control/drill/", {"target": NAME}, headers={"Accept": "application/json"})
        assert answer.status_code == 202 and NAME in answer.json()["message"] and len(running) == 1
