"""A trim from the button to the resized stops: the action, its bell, the keeper at a real exchange, the answer."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from monitoring.control import actions, apikeys, audit
from monitoring.control.permissions import OPERATOR, VIEWER, Actor, NotAllowed, machine
from monitoring.models import AuditEntry
from tests import builders as build
from tests.positions.conftest import Venue
from tests.show import factories as make
from trading import events
from trading.models import Position, TrimProposal, TrimRequest
from trading.positions import entering, trimmer

pytestmark = pytest.mark.django_db
ANNA = machine("anna")


@pytest.fixture
def venue() -> Venue:
    entering.one_way_seen.clear()
    return Venue()


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    calls: list[tuple] = []
    monkeypatch.setattr("monitoring.control.actions.trims.PATIENCE", 0)
    monkeypatch.setattr(events, "ring", lambda *args, **options: calls.append(args) or True)
    monkeypatch.setattr(events, "publish", lambda message: None)
    return calls


def proposed(venue: Venue) -> TrimProposal:
    return build.trim(venue.enter(), quantity="0.02")


def client_of(*roles: str, now) -> Client:
    one = make.user("-".join(roles), roles)
    return Client(headers={"Authorization": f"Bearer {apikeys.create(one, now)[1]}"})


def post(client: Client, number: int, body: dict | None = None):
    return client.post(f"/api/v1/controls/trims/{number}/apply", body or {}, content_type="application/json")


def test_the_answer_is_what_the_exchange_did(venue: Venue, monkeypatch, django_capture_on_commit_callbacks):
    def worker(task: str, *args, **options) -> bool:
        assert task == "trading.trim"
        trimmer.trim(args[0], venue.gateway, venue.clock)
        return True

    row = proposed(venue)
    monkeypatch.setattr(events, "ring", worker)
    with django_capture_on_commit_callbacks(execute=True):
        asked = actions.apply_trim(row.pk, "too much", ANNA, venue.clock())
    assert (asked.state, asked.over) == ("waiting", False)
    done = actions.trimming(asked.request_id, patience=0)
    assert (done.state, str(done.filled), str(done.left)) == ("done", "0.020000000000", "0.030000000000")
    assert done.average_price is not None and done.net is not None and done.net < 0, "the fee was paid"
    assert venue.amount() == done.left
    row.refresh_from_db()
    assert (row.state, row.ended_by) == ("accepted", "anna")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("trim.apply", "too much") and audit.verify().ok


def test_asked_twice_it_is_one_request_and_one_audit_row(venue: Venue):
    row = proposed(venue)
    first, second = (actions.apply_trim(row.pk, "", ANNA, venue.clock()) for _ in range(2))
    assert first.request_id == second.request_id
    assert TrimRequest.objects.count() == AuditEntry.objects.count() == 1


def test_who_may_not_changes_nothing(venue: Venue):
    row = proposed(venue)
    with pytest.raises(NotAllowed):
        actions.apply_trim(row.pk, "", Actor("vera", frozenset({VIEWER})), venue.clock())
    with pytest.raises(actions.BadRequest, match="There is no trim 999"):
        actions.apply_trim(999, "", ANNA, venue.clock())
    assert not TrimRequest.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "closing"}, "closed or being closed"),
        ({"quantity": "0.02"}, "smaller by now"),
    ],
)
def test_a_position_that_has_changed_meanwhile_answers_stale(venue: Venue, change, says):
    row = proposed(venue)
    Position.objects.update(**change)
    with pytest.raises(actions.Stale, match=says):
        actions.apply_trim(row.pk, "", ANNA, venue.clock())
    assert not TrimRequest.objects.exists()


def test_one_trim_at_a_time_and_none_that_is_over(venue: Venue):
    first = proposed(venue)
    second = build.trim(first.position, why="LEVERAGE", quantity="0.01")
    actions.apply_trim(first.pk, "", ANNA, venue.clock())
    with pytest.raises(actions.Stale, match="Another trim"):
        actions.apply_trim(second.pk, "", ANNA, venue.clock())
    TrimProposal.objects.filter(pk=second.pk).update(state="dismissed", ended_at=venue.clock())
    with pytest.raises(actions.Stale, match="ended already: dismissed"):
        actions.apply_trim(second.pk, "", ANNA, venue.clock())


def test_what_the_page_showed_must_still_hold(venue: Venue):
    row = proposed(venue)
    with pytest.raises(actions.Stale, match="quantity is 0.02 by now, and was 0.01 on the page"):
        actions.apply_trim(row.pk, "", ANNA, venue.clock(), actions.Shown({"quantity": "0.01"}))
    actions.apply_trim(row.pk, "", ANNA, venue.clock(), actions.Shown({"quantity": "0.020"}))


# -- over HTTP, in the admin, on the command line ---------------------------------------------------------------------


def test_over_http_it_is_accepted_then_done_and_conflicts_are_409(venue: Venue, now):
    row = proposed(venue)
    client = client_of(OPERATOR, now=now)
    answer = post(client, row.pk, {"reason": "too much"})
    assert (answer.status_code, answer.json()["state"], answer.json()["stage"]) == (202, "pending", "waiting")
    trimmer.trim(TrimRequest.objects.get().pk, venue.gateway, venue.clock)
    answer = post(client, row.pk)
    assert (answer.status_code, answer.json()["state"], answer.json()["filled"]) == (200, "done", "0.02")
    listed = client.get("/api/v1/trims?state=accepted").json()["items"]
    assert [one["id"] for one in listed] == [row.pk] and listed[0]["request"]["state"] == "done"
    other = build.trim(row.position, why="LEVERAGE", quantity="0.01")
    Position.objects.update(status="closing")
    assert post(client, other.pk).status_code == 409
    assert post(client, 12345).status_code == 404
    assert post(client_of(VIEWER, now=now), other.pk).status_code == 403
    assert client.get("/api/v1/trims?state=maybe").status_code == 400


def test_the_page_states_the_consequence_and_acts(venue: Venue, client):
    row = proposed(venue)
    client.force_login(make.user("mira", [OPERATOR]))
    page = client.get(f"/control/trim/?target={row.pk}").content.decode()
    assert "Close 40\u00a0% of BTC/USDT?" in page and "resized to the rest" in page
    answer = client.post("/control/trim/", {"target": row.pk, "reason": "x", "shown.quantity": "0.02"})
    assert answer.status_code == 202 and "accepted, pending" in answer.content.decode()
    assert TrimRequest.objects.get().requested_by == "mira"
    assert client.get(f"/control/trim/?target={row.pk}").status_code == 409


def test_the_command_line_lists_and_applies(venue: Venue):
    row = proposed(venue)

    def run(*args: str) -> str:
        out = StringIO()
        call_command("trim", *args, stdout=out)
        return out.getvalue()

    assert f"{row.pk}  BTC/USDT:USDT  by 0.02 (40%): CORRELATED" in run("list")
    assert "accepted, waiting" in run("apply", str(row.pk), "--reason", "too much")
    trimmer.trim(TrimRequest.objects.get().pk, venue.gateway, venue.clock)
    assert "0.02 closed at" in run("apply", str(row.pk)) and run("list") == "No trim is proposed now.\n"
    with pytest.raises(CommandError, match="There is no trim 77"):
        run("apply", "77")


def test_the_admin_applies_by_the_same_action(venue: Venue, client):
    from django.urls import reverse

    row = proposed(venue)
    boss = make.user("boss", [OPERATOR])
    boss.is_staff = True
    boss.save()
    client.force_login(boss)
    body = {"action": "apply", "_selected_action": [row.pk], "reason": "too much"}
    answer = client.post(reverse("admin:trading_trimproposal_changelist"), body, follow=True)
    assert [str(m) for m in answer.context["messages"]] == ["BTC/USDT: its trim is asked for."]
    assert TrimRequest.objects.get().reason == "too much"
