"""The account as the venue shows it, and the funding that was paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter
from weakref import WeakKeyDictionary

from trading.exchange.venue import Gateway
from trading.models import AccountSnapshot
from trading.orders.sender import Clock
from trading.positions import rows, store
from trading.runtime import Report

FUNDING_ASKED = timedelta(minutes=1)  # how far apart; it is paid by the hour, and asking is dear
funding_asked: WeakKeyDictionary[Gateway, datetime] = WeakKeyDictionary()


def account(gateway: Gateway, clock: Clock, mode: str) -> Report:
    """The account as the venue shows it, what is there that is not ours, and the funding that was paid."""
    began = perf_counter()
    shown = gateway.account()
    latency = round((perf_counter() - began) * 1000)
    positions = gateway.positions()
    AccountSnapshot.objects.create(
        at=clock(),
        equity=shown.equity,
        balance=shown.balance,
        available=shown.available,
        margin_used=shown.margin_used,
        unrealized=shown.unrealized,
        latency_ms=latency,
        external=rows.external(positions),
        mode=mode,
    )
    paid = take_funding(gateway, clock(), mode)
    return Report(examined=1 + len(positions), actions=paid, panels=("account",))


def take_funding(gateway: Gateway, now: datetime, mode: str) -> int:
    """Book the funding that was paid since the last look, once a minute. How many bookings."""
    if now - funding_asked.get(gateway, datetime.min.replace(tzinfo=UTC)) < FUNDING_ASKED:
        return 0
    shown = gateway.income(rows.funding_since(now))
    funding_asked[gateway] = now
    return store.take_funding(shown, mode)
