"""Facts for probes: a system in good health, changed by keyword."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitoring.watch.probes.facts import (
    Account,
    Balance,
    Bell,
    Champion,
    Check,
    Cycles,
    Facts,
    Finding,
    Holding,
    Limits,
    LogFile,
    Machine,
    Pulse,
    Supervision,
    Tally,
    Topic,
    Training,
    Universe,
)
from monitoring.watch.probes.held import Held
from monitoring.watch.scorecard import PARTS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BAR = timedelta(minutes=1)
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
CHECKS = (
    "tables", "columns", "types", "constraints", "indexes", "migrations", "write", "read", "roll_back", "room",
    "durability", "references", "integrity", "identity",
)  # fmt: skip


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def pulse(name: str, **changes: Any) -> Pulse:
    by = "stream" if name == "data_feed" else "beat"
    row = Pulse(name, timedelta(seconds=10), ago(seconds=4), ago(seconds=4), examined=3, called_by=by)
    return replace(row, **changes)


def tally(outcome: str = "rejected", code: str = "COOLDOWN_ACTIVE", n: int = 198, **changes: Any) -> Tally:
    row = Tally(outcome, code, n, ago(minutes=58), ago(seconds=50))
    return replace(row, **changes)


def holding(symbol: str = SYMBOLS[0], **changes: Any) -> Holding:
    seen = ago(seconds=3)
    row = Holding(1, symbol, Decimal(1000), ago(minutes=20), None, ago(minutes=19), seen, seen, seen)
    return replace(row, **changes)


def held(symbol: str = SYMBOLS[0], **changes: Any) -> Held:
    """A long position with its stop 2 % below."""
    row = Held(
        id=1, symbol=symbol, side="long", status="open", entry=100.0, r=2.0, stop=98.0, best=100.5, quantity=10.0,
        notional=1000.0, leverage=3, ticket_leverage=None, opened_at=ago(minutes=20), expires_at=ago(minutes=-20),
        looked_at=ago(seconds=3), mark_at=ago(seconds=3), unprotected_since=None, protected=True, breached_at=None,
        flat_seen_at=None, trailing=False, mode="practice",
    )  # fmt: skip
    return replace(row, **changes)


def champion(kind: str, **changes: Any) -> Champion:
    return replace(Champion(kind, "v1", ago(minutes=30), "", 0.59, 0.60, 8000), **changes)


def healthy(**changes: Any) -> Facts:
    """Every probe says yes."""
    seen = Facts(
        now=NOW,
        bar=BAR,
        window=timedelta(hours=1),
        limits=Limits(
            data_age=timedelta(seconds=95), stop_seen=timedelta(seconds=20), idle=timedelta(minutes=30),
            max_positions=6, max_leverage=3,
        ),
        pulses={part.key: pulse(part.key) for part in PARTS},
        stream=pulse("stream"),
        cycles=Cycles(60, 180, 180, {}, ago(minutes=1, seconds=50), ago(seconds=49), 3, {}),
        decided=(tally("traded", "", 2, first=ago(minutes=9), last=ago(minutes=9)), tally(n=5)),
        last_traded=ago(minutes=9),
        holdings=(holding(),),
        held=(held(),),
        worst_gap=(1, 1.4),
        sent=8,
        policy=(3, ago(minutes=34)),
        champions=tuple(champion(kind) for kind in ("lightgbm", "xgboost", "extratrees", "logistic")),
        training=Training(outcome="done", ended_at=ago(minutes=30)),
        universe=Universe(ago(minutes=2), SYMBOLS, dict.fromkeys(SYMBOLS, ago(seconds=50))),
        account=Account(ago(seconds=5), Decimal(10_000), 40),
        ping=(14, ago(seconds=3)),
        clock=(12, ago(seconds=3)),
        finding=Finding(ago(minutes=2), 1.2, tuple(Check(name, True, "there") for name in CHECKS)),
        supervision=Supervision(ago(seconds=20), Topic("ok", 400, 0.55, 0.65), Topic("ok", 400, 0.01, 0.05)),
        balance=Balance(ago(seconds=8), "beat"),
        machine=Machine(
            80_000_000_000, 100_000_000_000, (LogFile("web", 1000, True, 0, ago(minutes=3)),),
            6_000_000_000, 8_000_000_000,
        ),
        slots=(1190, 1200),
        running={"web": ago(hours=1)},
        bells={"trade": Bell(ago(seconds=8), 40), "work": Bell(ago(seconds=8), 90)},
    )  # fmt: skip
    return replace(seen, **changes)


def with_pulse(name: str, **changes: Any) -> Facts:
    """A healthy system, but for one module's row."""
    facts = healthy()
    return replace(facts, pulses={**facts.pulses, name: pulse(name, **changes)})
