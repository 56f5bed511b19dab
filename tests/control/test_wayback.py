"""Former models brought back: page, API, command line, admin; what stands in the way is said and changes nothing."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from monitoring.control import actions, apikeys
from monitoring.control.permissions import ADMIN, OPERATOR, RISK_OFFICER, VIEWER, Actor, NotAllowed, machine
from monitoring.models import AuditEntry
from monitoring.show.audience import Audience
from monitoring.show.controls import offer
from monitoring.show.wayback import roll_back
from tests.champions import START, champions, publish, trained  # noqa: F401
from tests.show import factories as make
from trading import events
from trading.forecast import store
from trading.models import ModelVersion

pytestmark = pytest.mark.django_db
ANNA = machine("anna")
LATER = START + timedelta(hours=1)


@pytest.fixture
def rung(monkeypatch):
    calls: list[tuple] = []
    monkeypatch.setattr(events, "ring", lambda *args, **options: True)
    monkeypatch.setattr(store, "ring", lambda *args, **options: calls.append(args) or True)
    return calls


@pytest.fixture
def versions(champions, trained, rung) -> tuple[str, str]:  # noqa: F811
    """A former version, and the one in force."""
    return champions[0].version, publish(trained, LATER)[0].version


def in_force() -> set[str]:
    return {row.version for row in ModelVersion.objects.filter(status="champion")}


def test_a_former_set_votes_again_and_the_audit_says_who_and_why(versions, rung, django_capture_on_commit_callbacks):
    old, new = versions
    with django_capture_on_commit_callbacks(execute=True):
        done = actions.roll_back(old, "it lost money", ANNA, LATER)
    assert (done.version, done.replaced, len(done.kinds)) == (old, (new,), 4)
    assert in_force() == {old}
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.action, entry.reason) == ("anna", "model.rollback", "it lost money")
    assert (entry.before["in_force"], entry.after["in_force"]) == ([new], [old])
    assert ("trading.tick", "executor", "trainer") in rung


def test_it_needs_a_reason_and_the_role(versions):
    with pytest.raises(actions.BadRequest, match="needs a reason"):
        actions.roll_back(versions[0], " ", ANNA, LATER)
    for role in (VIEWER, OPERATOR):
        with pytest.raises(NotAllowed, match="admin or risk officer"):
            actions.roll_back(versions[0], "why", Actor("olga", frozenset({role})), LATER)
    assert in_force() == {versions[1]}


@pytest.mark.parametrize("role", [RISK_OFFICER, ADMIN])
def test_a_risk_officer_may_and_so_may_an_admin(versions, role):
    assert actions.roll_back(versions[0], "why", Actor("olga", frozenset({role})), LATER).version == versions[0]


def test_a_page_that_shows_other_models_in_force_is_told_so(versions, trained):  # noqa: F811
    old, new = versions
    newest = publish(trained, LATER + timedelta(hours=1))[0].version
    with pytest.raises(actions.Stale, match=f"in_force is {newest} by now, and was {new}"):
        actions.roll_back(old, "why", ANNA, LATER, actions.Shown({"in_force": new}))
    assert in_force() == {newest}
    assert not AuditEntry.objects.exists()


def broken_file(old: str) -> None:
    row = ModelVersion.objects.filter(version=old).first()
    (store.root() / row.path).write_bytes(b"broken")


def removed(old: str) -> None:
    ModelVersion.objects.filter(version=old).update(pruned_at=LATER)


def other_question(old: str) -> None:
    for row in ModelVersion.objects.filter(version=old):
        row.settings["label"]["target_r"] = 9.0
        row.save()


def never_voted(old: str) -> None:
    ModelVersion.objects.filter(version=old).update(status="challenger")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (broken_file, "Nothing was changed: .* has changed"),
        (removed, "were removed, so it can't come back"),
        (other_question, "learned another question"),
        (never_voted, "has never voted"),
    ],
)
def test_what_stands_in_the_way_is_said_and_nothing_changes(versions, spoil, said):
    old, new = versions
    spoil(old)
    with pytest.raises(actions.Stale, match=said):
        actions.roll_back(old, "why", ANNA, LATER)
    assert in_force() == {new}
    assert not AuditEntry.objects.exists()
    assert [one.version for one in actions.former_sets()] == ([old] if spoil is broken_file else [])


def test_the_one_in_force_and_an_unknown_one_are_no_way_back(versions):
    with pytest.raises(actions.Stale, match="votes already"):
        actions.roll_back(versions[1], "why", ANNA, LATER)
    with pytest.raises(actions.BadRequest, match="There is no version 1999"):
        actions.roll_back("1999", "why", ANNA, LATER)


@pytest.fixture
def reader(client, db) -> Client:
    client.force_login(make.user("rita"))
    return client


def test_the_page_offers_it_states_the_consequence_and_does_it(versions, reader):
    old, new = versions
    assert f'name="target" value="{old}"' in reader.get("/models/").content.decode()
    asked = reader.get("/control/rollback/", {"target": old}).content.decode()
    assert f"Bring version {old} back?" in asked
    assert f"Version {new} retires and stays for a way back." in asked
    body = {"target": old, "reason": "it lost money", "shown": {"in_force": new}}
    said = reader.post(
        "/control/rollback/", orjson.dumps(body), "application/json", headers={"Accept": "application/json"}
    )
    assert (said.status_code, said.json()["message"]) == (200, f"4 models of version {old} vote again.")
    again = reader.post(
        "/control/rollback/", orjson.dumps(body), "application/json", headers={"Accept": "application/json"}
    )
    assert (again.status_code, again.json()["error"]["code"]) == (409, "stale")


def test_an_operator_is_not_offered_it(versions):
    control = roll_back(actions.former_sets()[0], LATER)
    assert offer(control, Audience("en", frozenset({OPERATOR}))) is None
    assert offer(control, Audience("en", frozenset({RISK_OFFICER}))) is control


def client_of(*roles: str) -> Client:
    one = make.user("-".join(roles).replace(" ", "-"), roles)
    return Client(headers={"Authorization": f"Bearer {apikeys.create(one, LATER)[1]}"})


def send(client: Client, **body):
    return client.post("/api/v1/retraining/rollback", orjson.dumps(body), "application/json")


def test_over_http(versions):
    old, new = versions
    assert send(client_of(OPERATOR), version=old, reason="why").status_code == 403
    client = client_of(RISK_OFFICER)
    assert send(client, reason="why").status_code == 400
    assert send(client, version="1999", reason="why").status_code == 400
    assert send(client, version=old, reason="why", shown={"in_force": "other"}).status_code == 409
    said = send(client, version=old, reason="why", shown={"in_force": new})
    assert (said.status_code, said.json()["version"], said.json()["replaced"]) == (200, old, [new])
    assert send(client, version=old, reason="why").status_code == 409


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_by_the_command_line(versions):
    old, new = versions
    assert run("rollback", "list").startswith(f"{old}  extratrees, lightgbm")
    told = run("rollback", "to", old, "--reason", "it lost money")
    assert told.startswith(f"version {old} votes (") and told.endswith(f"in place of {new}\n")
    with pytest.raises(CommandError, match="votes already"):
        run("rollback", "to", old, "--reason", "again")


def test_by_the_command_line_with_nothing_kept(rung, db):
    assert run("rollback", "list") == "No former models are kept.\n"


def test_in_the_admin_a_version_is_brought_back_once(versions, client):
    old, _new = versions
    client.force_login(make.user("boss", is_staff=True))
    rows = list(ModelVersion.objects.filter(version=old).values_list("pk", flat=True))
    body = {"action": "back", "_selected_action": rows, "reason": "it lost money"}
    answer = client.post(reverse("admin:trading_modelversion_changelist"), body, follow=True)
    assert [str(one) for one in answer.context["messages"]] == [f"Version {old} votes again."]
    assert in_force() == {old}
