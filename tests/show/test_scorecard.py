"""The scorecard on the page and in the API: the number, what holds it, and a reason for every lost point."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from monitoring.control import apikeys, audit
from monitoring.models import HealthScore
from monitoring.show import panels
from monitoring.watch import history, validator
from tests.show import factories as make

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def api(now):
    return Client(headers={"Authorization": f"Bearer {apikeys.create(make.user(), now)[1]}"})


@pytest.fixture
def busy(now):
    make.no_trades(now)
    make.holdings(now)
    validator.store(validator.validate(now))


def get(client, path, status=200):
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == status, answer.content
    return answer.json()


def html(now):
    return panels.render(["scorecard"], now)[0].html


# -- the API ----------------------------------------------------------------------------------------------------------


def test_the_scorecard_has_every_group_component_and_point(api, busy):
    card = get(api, "scorecard")
    assert [group["name"] for group in card["groups"]] == [
        "Core Trading", "AI System", "Data & Infrastructure", "Monitoring",
    ]  # fmt: skip
    components = [one for group in card["groups"] for one in group["components"]]
    assert len(components) == 15
    for one in components:
        assert one["out_of"] == 10 and one["score"] == sum(mark["points"] for mark in one["points"])
        assert sum(mark["of"] for mark in one["points"]) == 10
        assert all(mark["why"] and mark["evidence"]["probe"] for mark in one["points"])
        assert all(mark["fix"] for mark in one["points"] if not mark["points"])
        assert one["as_of"].endswith("Z") and one["age_s"] >= 0
    assert card["overall"] == 50 and card["status"] == "critical"


def test_the_caps_say_why(api, busy):
    caps = get(api, "scorecard")["caps"]
    idle = next(cap for cap in caps if cap["code"] == "idle")
    assert (idle["at"], idle["component"]) == (50, "executor")
    assert idle["why"].startswith("198 signals and no executed order for 1\u00a0h")
    dark = next(cap for cap in caps if cap["code"] == "dark")
    assert "is not known:" in dark["why"]


def test_the_weights_and_points_add_up_to_the_overall(api, busy):
    card = get(api, "scorecard")
    parts = [one for group in card["groups"] for one in group["components"]]
    earned = sum(one["weight"] * one["score"] for one in parts)
    assert card["uncapped"] == earned * 100 // sum(one["weight"] * one["out_of"] for one in parts)
    assert card["overall"] == min([card["uncapped"], *(cap["at"] for cap in card["caps"])])


def test_a_score_of_before_is_computed_again(api, busy, now):
    then = now - timedelta(hours=3)
    row = history.store(history.measure(then))
    old = get(api, "scorecard?at=" + (then + SECOND).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert (old["overall"], old["coverage"]) == (row.overall, row.coverage)
    none = get(api, "scorecard?at=2001-01-01T00:00:00Z")
    assert none["overall"] is None and none["groups"] == []


def test_the_history_is_paged_newest_first(api, busy, now):
    for minute in range(3):
        history.store(history.measure(now - timedelta(minutes=minute)))
    first = get(api, "scorecard/history?limit=2")
    assert [set(one) >= {"at", "overall", "coverage"} for one in first["items"]] == [True, True]
    rest = get(api, f"scorecard/history?cursor={first['next']}")
    assert len(rest["items"]) == 1 and rest["next"] is None
    assert get(api, "scorecard/history?since=2099-01-01")["items"] == []


def test_changes_name_component_points_reason_and_who(api, busy, now):
    history.store(history.measure(now))
    HealthScore.objects.update(at=now - timedelta(minutes=10))
    audit.append(who="mira", action="universe.refresh", now=now - timedelta(minutes=5))
    make.UniverseSnapshot.objects.update(at=now - timedelta(hours=1))
    told = get(api, "scorecard/changes?since=" + (now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    change = next(one for one in told["changes"] if one["component"] == "universe")
    assert (change["from"], change["to"], change["by"]) == (10, 6, "mira")
    assert change["why"] == "Snapshot 1\u00a0h old; limit 15\u00a0min."
    assert told["overall"]["from"] == 50


def test_without_a_past_nothing_has_changed(api, busy):
    told = get(api, "scorecard/changes")
    assert (told["changes"], told["overall"], told["compared_with"]) == ([], None, None)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("scorecard?at=yesterday", "at"),
        ("scorecard?limit=3", "limit"),
        ("scorecard/history?limit=5001", "limit"),
        ("scorecard/history?limit=0", "limit"),
        ("scorecard/history?cursor=x", "cursor"),
        ("scorecard/changes?since=12", "since"),
        ("scorecard/changes?until=2026-01-01", "until"),
    ],
)
def test_nonsense_is_refused_by_its_name(api, path, field):
    assert field in get(api, path, 400)["error"]["fields"]


def test_the_scorecard_asks_few_questions_whatever_the_rows(api, busy):
    get(api, "scorecard")
    with CaptureQueriesContext(connection) as queries:
        get(api, "scorecard")
    assert len(queries) <= 39  # the probes' and the door's


def test_the_scorecard_wants_a_key(client):
    assert client.get("/api/v1/scorecard").status_code == 401


# -- the panel --------------------------------------------------------------------------------------------------------


def test_the_panel_shows_number_cap_and_the_worst_component_open(busy, now):
    shown = html(now)
    assert 'data-overall="50"' in shown and 'data-status="critical"' in shown
    assert "Held at 50: 198 signals and no executed order" in shown
    assert shown.count("<details") + shown.count("is-perfect") == 15
    assert shown.count(" open>") == 1 and 'data-key="score-executor" open>' in shown
    assert "−5" in shown and "/decisions/?code=COOLDOWN_ACTIVE" in shown


def test_each_component_has_ten_pips(busy, now):
    groups = html(now).split('class="groups"')[1]
    assert sum(groups.count(pip) for pip in ("<i></i>", '<i class="lost"></i>', '<i class="dark"></i>')) == 150


def test_the_score_of_yesterday_stands_beside_todays(busy, now):
    assert "yesterday" not in html(now)
    history.store(history.measure(now))
    HealthScore.objects.update(at=now - timedelta(hours=24, minutes=2), overall=88)
    assert "yesterday 88" in html(now)


def test_a_page_without_any_row_scores_what_is_known_and_says_what_is_missing(now):
    shown = html(now)
    assert 'data-status="unknown"' in shown
    assert "Built, and never called" in shown


def test_the_overview_shows_the_score(reader, busy):
    page = reader.get("/").content.decode()
    assert 'data-panel="scorecard"' in page and "/static/scorecard.css" in page


def test_two_looks_at_the_same_moment_are_drawn_alike(busy, now):
    one, two = panels.render(["scorecard"], now)[0], panels.render(["scorecard"], now)[0]
    assert one.substance == two.substance
