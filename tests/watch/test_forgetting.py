"""What ended half a year ago is forgotten, an hour's worth at once; what goes on never is."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.models import Alert, AlertDelivery, Incident, RemedyAttempt
from monitoring.watch import forgetting, selfhealing
from monitoring.watch.alerts.modules import Notifier
from monitoring.watch.hands import BY
from monitoring.watch.safety import EMERGENCY_KEY
from monitoring.watch.selfhealing import SelfHealing
from trading.gates import store
from trading.gates.directives import Level
from trading.models import Directive
from trading.runtime import Report

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=181), NOW - timedelta(days=179)


def incident(key: str, closed: datetime | None) -> Incident:
    began = OLD - timedelta(days=1)
    row = Incident.objects.create(key=key, code="FEED_STALE", subsystem="data_feed", severity="high", first_seen=began,
                                  last_seen=began, closed_at=closed, verified=closed is not None)  # fmt: skip
    RemedyAttempt.objects.create(incident=row, action="backfill_candles", at=began)
    return row


def directive(key: str, ended: datetime | None, by: str = BY) -> None:
    store.direct(Level.REDUCED, key, "careful", BY, OLD - timedelta(days=1))
    if ended:
        store.lift(key, by, ended)


def alert(key: str, resolved: datetime | None) -> None:
    row = Alert.objects.create(key=key, severity="page", code="INCIDENT", owner="operator", link="/", first_at=OLD,
                               last_at=OLD, resolved_at=resolved)  # fmt: skip
    AlertDelivery.objects.create(alert=row, channel="c", kind="begun", due_at=OLD)


def keys(model: type) -> set[str]:
    return set(model.objects.values_list("key", flat=True))


def test_what_ended_long_ago_goes_with_what_belongs_to_it():
    for key, at in (("old", OLD), ("young", YOUNG), ("open", None)):
        incident(key, at)
        directive(key, at)
        alert(key, at)
    directive("over", OLD)
    assert forgetting.healed(NOW) == 3
    assert forgetting.told(NOW) == 1
    assert keys(Incident) == keys(Directive) == keys(Alert) == {"young", "open"}
    assert set(RemedyAttempt.objects.values_list("incident__key", flat=True)) == {"young", "open"}
    assert AlertDelivery.objects.count() == 2


def test_what_a_person_lifted_is_known_for_as_long_as_its_fault_goes_on():
    incident("FEED_STALE", None)
    directive("FEED_STALE", OLD, by="mira")
    directive(EMERGENCY_KEY, OLD, by="mira")
    assert forgetting.healed(NOW) == 0
    assert Directive.objects.filter(ended_by="mira").count() == 2


def test_it_is_done_in_parts_and_once_an_hour(monkeypatch):
    monkeypatch.setattr(forgetting, "MOST", 2)
    for n in range(5):
        incident(f"FEED_STALE:{n}", OLD)
    forget = forgetting.Hourly(forgetting.healed)
    done = [forget(NOW + timedelta(minutes=minutes)) for minutes in (0, 1, 59, 60, 61, 120, 180)]
    assert done == [2, 0, 0, 2, 0, 1, 0]
    assert forget(NOW) == 0 and forget.at == NOW, "a clock that was set back ends no forgetting"


def test_self_healing_and_the_notifier_forget_what_is_theirs(monkeypatch):
    monkeypatch.setattr(selfhealing, "look", lambda now, born, hands: Report(1))
    incident("FEED_STALE", OLD)
    alert("incident:FEED_STALE", OLD)
    assert SelfHealing().tick(NOW).examined == 1
    assert not Incident.objects.exists()
    Notifier(lambda channel, due: "", lambda: NOW).tick(NOW)
    assert not Alert.objects.exists()
