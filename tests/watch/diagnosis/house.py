"""A house in good health as rows, and the hands that break it: what the planted situations are made with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests import builders
from tests.show import factories as make
from trading import schedule
from trading.codes import Code
from trading.models import (
    BalanceLook,
    Cycle,
    Decision,
    Intent,
    ModelFinding,
    ModuleState,
    Order,
    Position,
    Signal,
    Trade,
)

NOW = datetime(2026, 3, 1, 12, 0, 20, tzinfo=UTC)
BTC, ETH = make.SYMBOLS[:2]
BARS = 58
OK = {"verdict": "ok", "n": 400, "value": 0.01, "limit": 0.1}


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def healthy(now: datetime = NOW) -> None:
    """Everything runs, every bar was judged and all were flat; two positions are open, a day's trades are closed."""
    from monitoring.watch.manifest import expected

    make.running(now)
    for one in expected(schedule.intervals()):
        make.beat(one.name, now)
    make.beat("stream", now, ago=1, worked=1)
    make.snapshot(now - timedelta(seconds=3), 10412.38)
    for back in range(BARS):
        make.cycle(now, back, facts={"highest": 0.27, "break_even": 0.286, "cost_r": 0.1})
    ModelFinding.objects.create(
        at=now - timedelta(seconds=40), kind="ensemble", version="20261122T1405", verdict="ok", n=400, bias=OK,
        calibration=OK, level="OBSERVE", mode=make.MODE,
    )  # fmt: skip
    BalanceLook.objects.create(at=now - timedelta(seconds=20), asked_by="beat", equity=Decimal(10_412), mode=make.MODE)
    for i in range(12):
        closed(now, make.SYMBOLS[2 + i % 6], ("long", "short")[i % 2], "8.40" if i % 3 else "-4.20", hours=3 + i)
    hold(now, BTC, "long", "0.12", "30000", "29700")
    hold(now, ETH, "short", "1", "2000", "2030")


def lively(now: datetime = NOW) -> None:
    """Health with signals: some of them traded, the others rejected for good reasons."""
    healthy(now)
    for back in range(2, BARS, 3):
        one = signal(now, back, make.SYMBOLS[back % 12], 0.31 + back % 8 / 100)
        if back % 10 == 2:
            decision = make.decided(one, "traded", sentence="Bought 1 at 100.")
            make.entry(decision, verified_at=decision.at)
        else:
            make.rejected(one, make.low(one.confidence))


def hold(now: datetime, symbol: str, side: str, quantity: str, price: str, stop: str, **changes: Any) -> Position:
    """An open position, opened 75 min ago, with both stops at the venue."""
    opened = now - timedelta(minutes=75)
    entry, trigger = Decimal(price), Decimal(stop)
    row = {"side": side, "quantity": Decimal(quantity), "opened_quantity": Decimal(quantity), "entry_price": entry}
    row |= {"stop_price": trigger, "r": abs(entry - trigger), "mark_price": entry, "best_price": entry}
    row |= {"opened_at": opened, "protected_since": opened, "expires_at": now + timedelta(minutes=30)}
    one = make.position(symbol, now, **row | changes)
    for kind in (Intent.STOP, Intent.BACKSTOP):
        make.guard(one, kind, stop, now - timedelta(seconds=3))
    return one


def closed(now: datetime, symbol: str, side: str, net: str, hours: float, seconds: float = 1500) -> Trade:
    ended = now - timedelta(hours=hours)
    began = ended - timedelta(seconds=seconds)
    one = make.position(
        symbol, now, side=side, quantity=Decimal(0), status="closed", close_reason="target", opened_at=began,
        closed_at=ended, opened_quantity=Decimal(2),
    )  # fmt: skip
    return Trade.objects.create(
        position=one, symbol=symbol, side=side, quantity=2, entry_price=100, exit_price=101, gross=Decimal(net), fees=0,
        funding=0, net=Decimal(net), r_multiple=0.5, opened_at=began, closed_at=ended, close_reason="target",
        mode=make.MODE,
    )  # fmt: skip


def signal(now: datetime, back: int, symbol: str, confidence: float = 0.43, side: str = "long", **changes: Any):
    """A signal at the bar that closed `back` bars ago; the bar counts it."""
    of = Cycle.objects.get(bar=make.bar_of(now, back))
    of.flat, of.signals = of.flat - 1, of.signals + 1
    of.facts = {**of.facts, "highest": max(of.facts.get("highest") or 0, confidence)}
    of.save(update_fields=["flat", "signals", "facts"])
    return make.signal(of, symbol, side, confidence, **changes)


def reject(of: Signal, no: dict) -> Decision:
    return make.decided(of, "rejected", no["code"], no["sentence"], rejections=[no], settled_at=of.at)


def noes(
    now: datetime, no: dict, *, symbols=make.SYMBOLS[2:7], backs=range(1, BARS), confidence=0.43, **changes
) -> None:
    """The same "no" for each symbol at each of these bars."""
    for back in backs:
        for symbol in symbols:
            reject(signal(now, back, symbol, confidence, **changes), no)


def some(now: datetime, no: dict, *, every: int, confidence: float = 0.43, offset: int = 0, **changes: Any) -> None:
    """A "no" now and then, never for the same symbols twice in a row."""
    for back in range(1 + offset, BARS, every):
        reject(signal(now, back, make.SYMBOLS[2 + back % 9], confidence, **changes), no)


def plain_no(
    code: Code | str,
    value: float | str | None = None,
    limit: float | str | None = None,
    setting: str = "",
    **facts: Any,
) -> dict:
    """A rejection whose sentence matters to nobody."""
    told = {"code": str(code), "value": value, "limit": limit, "setting": setting, "facts": facts}
    return told | {"sentence": f"{code}."}


def refused(now: datetime, error: int | None, many: int = 8, status: str = "refused", text: str = "no") -> None:
    """Entries that the venue refused, one a bar, and their failed decisions."""
    for back in range(1, 1 + many):
        one = signal(now, back, make.SYMBOLS[2 + back % 9], 0.45)
        decision = make.decided(one, "failed", Code.EXCHANGE_REJECT, f"Refused: {text}.")
        make.entry(decision, status, filled=0, average_price=None, error_code=error, error=text)


def refused_stops(now: datetime, error: int, many: int) -> None:
    for n in range(many):
        one = builders.position(symbol=f"S{n}/USDT:USDT", opened_at=now, quantity=0, status="closed", closed_at=now,
                                close_reason="SL_REJECTED_CLOSED", mode=make.MODE)  # fmt: skip
        order = make.guard(one, Intent.STOP, "99", None)
        Order.objects.filter(pk=order.pk).update(status="refused", error_code=error, updated_at=now, sent_at=now)


def silent(now: datetime, name: str, **span: float) -> None:
    """The module has not ticked, and done nothing, for so long."""
    at = now - timedelta(**span)
    ModuleState.objects.filter(name=name).update(last_tick=at, last_work=at)


def failing(now: datetime, name: str, error: str) -> None:
    ModuleState.objects.filter(name=name).update(
        last_tick=now - timedelta(seconds=4), last_error_at=now - timedelta(seconds=4), last_error=error
    )


def unjudged(now: datetime, bars: int) -> None:
    """The newest bars were never judged."""
    newest = make.bar_of(now, bars)
    Decision.objects.filter(signal__cycle__bar__gt=newest).delete()
    Cycle.objects.filter(bar__gt=newest, rows__isnull=True).delete()


def own(symbol: str) -> Position:
    return Position.objects.exclude(status="closed").get(symbol=symbol)


def change(symbol: str, **changes: Any) -> None:
    Position.objects.exclude(status="closed").filter(symbol=symbol).update(**changes)
