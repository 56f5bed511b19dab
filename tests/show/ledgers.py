"""A trading house's books: candles around the open positions, moved stops, refused orders, a week of closed trades."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from tests import builders
from tests.show import factories as make
from trading.models import Candle, Fill, FundingPayment, Intent, Order, OrderMove, Position, Trade

REASONS = ("stop", "target", "stop", "trailing", "stop", "time", "stop", "target", "manual")


def walk(symbol: str, now: datetime, ends: float, bars: int = 220, missing: range = range(0)) -> list[Candle]:
    """Candles that wander and end at a price; `missing` bars, counted back from the newest, are left out."""
    chance = random.Random(symbol)
    price, rows = ends, []
    for back in range(bars):
        opened = price * (1 + chance.gauss(0, 0.0011) + 0.0006 * math.sin(back / 17))
        top, low = max(opened, price), min(opened, price)
        if back not in missing:
            rows.append(
                Candle(
                    symbol=symbol, timeframe=settings.QUANTUM.timeframe, open_time=make.bar_of(now, back), open=opened,
                    close=price, high=top * (1 + abs(chance.gauss(0, 0.0006))), volume=90 + 80 * chance.random() ** 3,
                    low=low * (1 - abs(chance.gauss(0, 0.0006))),
                )
            )  # fmt: skip
        price = opened
    return Candle.objects.bulk_create(rows)


def moved(order: Order, *path: tuple[str, str, datetime]) -> None:
    OrderMove.objects.bulk_create(OrderMove(order=order, was=a, became=b, at=at) for a, b, at in path)


def trail(position: Position, prices: list[str], now: datetime) -> None:
    """Earlier working stops of a position, each replaced by the next, the newest resting."""
    resting = Order.objects.get(intent__position=position, intent__kind=Intent.STOP)
    for i, trigger in enumerate(prices):
        at = position.opened_at + (now - position.opened_at) * (i / (len(prices) + 1))
        intent = builders.intent(
            kind="stop", position=position, reason="initial stop" if not i else "trailing", requester="trailing",
            symbol=position.symbol, side=resting.intent.side, type="STOP", quantity=position.quantity,
            trigger=Decimal(trigger), reduce_only=True, created_at=at, client_order_id=f"q-was-{position.pk}-{i}",
        )  # fmt: skip
        order = Order.objects.create(intent=intent, status="canceled", venue_order_id=str(4000 + intent.pk),
                                     sent_at=at, updated_at=at, verified_at=at, mode=make.MODE)  # fmt: skip
        moved(order, ("sending", "new", at), ("new", "canceled", at + timedelta(minutes=6)))
    at = now - timedelta(minutes=4)
    Order.objects.filter(pk=resting.pk).update(sent_at=at)


def refused(position: Position, code: int, error: str, at: datetime) -> Order:
    intent = builders.intent(
        kind="target", position=position, reason="take profit", requester="position_monitor", symbol=position.symbol,
        side="sell" if position.side == "long" else "buy", type="TAKE_PROFIT_MARKET", quantity=position.quantity,
        trigger=position.target_price, reduce_only=True, created_at=at, client_order_id=f"q-refused-{position.pk}",
    )  # fmt: skip
    order = Order.objects.create(intent=intent, status="refused", error_code=code, error=error, sent_at=at,
                                 updated_at=at, mode=make.MODE)  # fmt: skip
    moved(order, ("sending", "refused", at))
    return order


def week(now: datetime, n: int = 60) -> list[Trade]:
    """Closed trades over the days before, of every kind of ending."""
    chance, made = random.Random(8), []
    for i in range(n):
        reason, symbol = REASONS[i % len(REASONS)], make.SYMBOLS[i % 9]
        r = {"stop": -1.04, "target": 2.31}.get(reason, chance.uniform(-0.6, 1.4)) + chance.gauss(0, 0.05)
        closed = now - timedelta(hours=2 + (n - i) * 2.7)
        opened = closed - timedelta(minutes=8 + 40 * chance.random())
        side = "long" if chance.random() < 0.55 else "short"
        gross = Decimal(str(round(r * 48, 2)))
        p = builders.position(
            symbol=symbol, side=side, status="closed", quantity=Decimal(0), opened_quantity=Decimal(2),
            entry_price=Decimal(100), close_reason=reason, closed_at=closed, opened_at=opened,
            expires_at=closed + timedelta(hours=1), seconds_unprotected=1.1,
        )  # fmt: skip
        way = 1 if side == "long" else -1
        made.append(
            Trade.objects.create(
                position=p, symbol=symbol, side=side, quantity=Decimal(2), entry_price=Decimal(100),
                exit_price=Decimal(100) + way * gross / 20, gross=gross, fees=Decimal("1.92"),
                funding=Decimal("-0.11"), net=gross - Decimal("2.03"), r_multiple=round(float(gross - 2) / 48, 4),
                opened_at=opened, closed_at=closed, close_reason=reason, mode=make.MODE,
            )
        )  # fmt: skip
    return made


def books(now: datetime) -> list[Position]:
    """Four open positions with their candles, moves and refusals, and a week of closed trades."""
    for k in range(400):
        wave = 10000 + 300 * math.sin(k / 90) + 60 * math.sin(k / 9) + k * 0.4
        if not 150 < k < 190:
            make.snapshot(now - timedelta(days=7) + timedelta(minutes=24 * k), wave)
    week(now)
    held = make.holdings(now)
    make.no_trades(now)
    Candle.objects.all().delete()
    for p in held:
        walk(p.symbol, now, float(p.mark_price), missing=range(70, 79) if p.symbol.startswith("SOL") else range(0))
    for symbol in make.SYMBOLS[4:]:
        walk(symbol, now, 14.2)
    for p in held:
        moved(p.decision.intent.order, ("sending", "filled", p.opened_at))
        Fill.objects.filter(order__intent__decision__position=p).update(
            position=p, price=p.entry_price, quantity=p.quantity
        )
    trail(held[0], ["29880.0", "29905.5", "29921.0"], now)
    refused(held[2], -2021, "Order would immediately trigger.", now - timedelta(minutes=20))
    FundingPayment.objects.create(income_id="f1", position=held[1], symbol=held[1].symbol, amount=Decimal("-0.3561"),
                                  at=now - timedelta(minutes=10), mode=make.MODE)  # fmt: skip
    return held
