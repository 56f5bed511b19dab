"""A house of which every metric tells something: what dashboards and alert rules are held against."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.models import Alert, AlertDelivery, DrillRun, HealthScore, Incident, LawMinute
from tests.show import factories as make
from trading.models import AccountSnapshot, ClockReading, Cycle, DailyMoney, Order, ProcessState, VenueLook


def full(now: datetime) -> None:
    make.holdings(now)
    make.no_trades(now)
    Order.objects.filter(pk=Order.objects.order_by("pk").values("pk")[:1]).update(status="unknown")
    Cycle.objects.filter(pk=Cycle.objects.order_by("-bar").values("pk")[:1]).update(not_evaluated={"FEED_STALE": 2})
    AccountSnapshot.objects.update(latency_ms=40)
    points = [{"probe": "x", "of": 10, "state": state} for state in ("ok", "ok", "fail", "unknown")]
    HealthScore.objects.create(
        at=now, overall=50, coverage=94, status="capped", evidence={"parts": [{"points": points}]}
    )
    ClockReading.objects.create(source="feed", offset_ms=-120, round_trip_ms=30, at=now)
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    LawMinute.objects.create(law="protected", at=minute, state="broken")
    VenueLook.objects.create(at=now, agrees=True, balance=1, mode=make.MODE)
    DailyMoney.objects.create(day=now.date(), state="unknown", difference=Decimal("0.2"), since=now, compared_until=now,
                              read_until=now, checked_at=now, mode=make.MODE)  # fmt: skip
    Incident.objects.create(key="A:b", code="A", subsystem="b", severity="high", first_seen=now, last_seen=now)
    row = {"severity": "page", "code": "X", "owner": "operator", "link": "/", "first_at": now, "last_at": now}
    alert = Alert.objects.create(key="k", **row)
    AlertDelivery.objects.create(alert=alert, channel="a", kind="begun", due_at=now)
    DrillRun.objects.create(
        name="worker-killed", outcome="passed", requested_at=now, broken_at=now, ended_at=now, detected_s=2.5,
        acted_s=3, verified_s=4, unprotected_s=0, by="x", build="b", seed="7", profile="embedded", mode=make.MODE,
    )  # fmt: skip
    row = {"pid": 1, "build": "b", "config_hash": "c", "started_at": now, "doing": "x", "doing_since": now}
    for name, code in (("web", "one"), ("worker", "two")):
        ProcessState.objects.update_or_create(name=name, host="other", defaults=row | {"code": code, "beat_at": now})
