"""Acknowledging an incident, lifting a directive, dismissing a trim: who may, what is kept, and what it changes."""

from datetime import timedelta

import pytest

from monitoring.control import audit
from monitoring.control.actions import BadRequest, Stale
from monitoring.control.incidents import acknowledge, dismiss_trim, lift_directive
from monitoring.control.permissions import Actor, NotAllowed
from monitoring.models import AuditEntry, Incident
from tests import builders as make
from tests.builders import NOW
from trading.gates import store
from trading.gates.directives import Level
from trading.models import TrimProposal

pytestmark = pytest.mark.django_db

VIEWER, OPERATOR, OFFICER = (Actor(role, frozenset({role})) for role in ("viewer", "operator", "risk officer"))


def incident(**changes) -> Incident:
    row = {"key": "FEED_STALE", "code": "FEED_STALE", "subsystem": "data_feed", "severity": "critical"}
    return Incident.objects.create(**row | {"first_seen": NOW, "last_seen": NOW} | changes)


def trim(**changes) -> TrimProposal:
    row = {"position": make.position(decision=make.decision()), "symbol": "BTC/USDT:USDT", "why": "CORRELATED"}
    row |= {"share": 0.5, "quantity": 1, "value": 0.9, "limit": 0.7, "setting": "QT_MAX_CORRELATION"}
    return TrimProposal.objects.create(**row | {"proposed_at": NOW, "seen_at": NOW, "mode": "practice"} | changes)


def test_an_acknowledged_incident_has_a_name_and_an_audit_row_and_stays_open():
    row = incident()
    done = acknowledge(row.pk, OPERATOR, NOW, "looking at it")
    again = acknowledge(row.pk, OFFICER, NOW + timedelta(seconds=1))
    row.refresh_from_db()
    assert (done.changed, again.changed) == (True, False)
    assert (row.acknowledged_by, row.acknowledged_at, row.closed_at) == ("operator", NOW, None)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.reason) == ("incident.acknowledge", str(row.pk), "looking at it")
    assert audit.verify().ok


def test_a_viewer_may_do_none_of_it():
    store.direct(Level.NO_NEW_TRADES, "k", "why", "self_healing", NOW)
    for act in (lambda: acknowledge(incident().pk, VIEWER, NOW), lambda: lift_directive(1, "x", VIEWER, NOW),
                lambda: dismiss_trim(1, VIEWER, NOW)):  # fmt: skip
        with pytest.raises(NotAllowed):
            act()
    assert not AuditEntry.objects.exists()


def test_lifting_needs_a_risk_officer_and_a_reason_and_ends_it():
    row = store.direct(Level.NO_NEW_TRADES, "FEED_STALE", "All candles are old", "self_healing", NOW)
    with pytest.raises(NotAllowed):
        lift_directive(row.pk, "because", OPERATOR, NOW)
    with pytest.raises(BadRequest, match="needs a reason"):
        lift_directive(row.pk, " ", OFFICER, NOW)
    assert store.standing(NOW).halts
    done = lift_directive(row.pk, "the venue is in maintenance", OFFICER, NOW)
    assert (done.ended_by, store.standing(NOW).level) == ("risk officer", Level.ALLOW_ALL)
    entry = AuditEntry.objects.get()
    assert (entry.before["level"], entry.after["level"]) == ("NO_NEW_TRADES", "ALLOW_ALL")
    with pytest.raises(Stale):
        lift_directive(row.pk, "again", OFFICER, NOW)


def test_what_is_not_there_is_named():
    for act in (lambda: acknowledge(9, OPERATOR, NOW), lambda: lift_directive(9, "x", OFFICER, NOW),
                lambda: dismiss_trim(9, OPERATOR, NOW)):  # fmt: skip
        with pytest.raises(BadRequest, match="9"):
            act()


def test_a_dismissed_trim_is_over_and_does_not_come_again():
    row = trim()
    done = dismiss_trim(row.pk, OPERATOR, NOW, "it is fine")
    assert (done.state, done.ended_by) == ("dismissed", "operator")
    with pytest.raises(Stale):
        dismiss_trim(row.pk, OPERATOR, NOW)
    assert store.expire(NOW) == 0, "what is over stays as it ended"
