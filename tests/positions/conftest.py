"""A practice exchange in this process, its market under our hand, and entries that the gates accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import builders
from trading.exchange.connection import Connection
from trading.exchange.gateway import CcxtGateway, connect
from trading.exchange.venue import Side
from trading.models import Intent, Position
from trading.orders.intents import client_order_id
from trading.positions import entering, keeper
from trading.practice import market as markets
from trading.practice import tables
from trading.practice.exchange import Exchange
from trading.practice.ledger import Ledger

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SYMBOL = "BTC/USDT:USDT"
HOUR = 3600
_number = count(1)


class Killed(BaseException):
    """This process died here."""


class Clock:
    """Time under our hand. Waiting makes it pass."""

    def __init__(self, start: datetime) -> None:
        self.at = start

    def __call__(self) -> datetime:
        return self.at

    def ms(self) -> int:
        return round(self.at.timestamp() * 1000)

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Venue:
    """The exchange, its market and our gateway to it."""

    def __init__(self, start: datetime = START) -> None:
        self.clock = Clock(start)
        self.market = markets.synthetic(5, ("BTCUSDT", "ETHUSDT", "SOLUSDT"), 60_000, self.clock.ms())
        self.exchange = Exchange(self.market, tables.load(), Ledger(), self.clock.ms, {"k": "s"})
        self.after: Callable[[str, str], None] = lambda method, path: None
        self.rewrite: Callable[[str, str, Any], Any] = lambda method, path, body: body
        self.gateway = self.connect()
        self.hold()

    def connect(self) -> CcxtGateway:
        return connect(Connection("http://practice", "k", "s", "practice"), transport=self.carry, clock=self.clock)

    def carry(self, method: str, url: str, headers: dict, body: str | None) -> tuple[int, dict, Any]:
        """One request to the exchange and its answer; `after` may lose it on the way back."""
        parts = urlsplit(url)
        answer = self.exchange.handle(method, parts.path, parts.query, headers, body or "")
        self.after(method, parts.path)
        body = self.rewrite(method, parts.path, answer.body)
        text = body if isinstance(body, str) else json.dumps(body)
        return answer.status, dict(answer.headers), text

    # -- the market
    def price(self, symbol: str = SYMBOL) -> Decimal:
        return self.market.price(self.id(symbol), self.clock.ms())

    def hold(self) -> None:
        """Every price stands still for a day, until it is driven."""
        for name in self.market.symbols:
            price = float(self.market.price(name, self.clock.ms()))
            self.market.drive(name, [(0, price), (24 * HOUR, price)], self.clock.ms())
        self.wait(1)

    def drive(self, *prices: Decimal | float, symbol: str = SYMBOL, every: float = 1) -> None:
        """Jump from price to price, one each second, then stand still. Time passes with it."""
        path = [(every * i, float(p)) for i, p in enumerate(prices)]
        self.market.drive(self.id(symbol), [*path, (24 * HOUR, float(prices[-1]))], self.clock.ms())
        self.clock.sleep(every * len(prices))
        self.exchange.advance(self.clock.ms())

    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.exchange.advance(self.clock.ms())

    def id(self, symbol: str) -> str:
        return symbol.split("/")[0] + "USDT"

    # -- what is really there
    def fault(self, kind: str, times: int | None = 1, path: str = "", method: str = "POST", **params: Any) -> int:
        match = {"method": method} | ({"path": path} if path else {})
        body = {"kind": kind, "match": match, "params": params} | ({"times": times} if times else {"seconds": HOUR})
        return self.exchange.faults.add(body, self.clock.ms()).id

    def amount(self, symbol: str = SYMBOL) -> Decimal:
        return self.exchange.engine.account.position(self.id(symbol)).amount

    def stops(self, symbol: str = SYMBOL) -> list[Any]:
        return sorted(self.exchange.engine.open_algos(self.id(symbol)), key=lambda a: a.algo_id)

    def resting(self, symbol: str = SYMBOL) -> list[Any]:
        return self.exchange.engine.open_orders(self.id(symbol))

    def fills(self, symbol: str = SYMBOL) -> list[Any]:
        return self.exchange.ledger.fills(
            symbol=self.id(symbol), order_id=None, since=0, until=None, from_id=None, limit=1000
        )

    # -- our side
    def accept(self, side: Side = Side.LONG, symbol: str = SYMBOL, quantity: str = "0.05", r: float = 0.02) -> Intent:
        """An entry that the gates accepted: R is a share of the price."""
        price = self.price(symbol)
        distance = round(price * Decimal(str(r)), 1)
        cycle = builders.cycle(at=self.clock())
        signal = builders.signal(
            cycle=cycle,
            symbol=symbol,
            side=side,
            price=price,
            atr=float(distance) / 1.5,
            r=float(distance),
            at=self.clock(),
        )
        ticket = {
            "symbol": symbol, "side": side.value, "quantity": quantity, "price": str(price), "r": str(distance),
            "backstop_distance": str(distance * 5 / 3), "target_r": "2.5", "leverage": 3, "margin_mode": "isolated",
            "risk": str(distance * Decimal(quantity)), "notional": str(price * Decimal(quantity)),
            "margin": str(price * Decimal(quantity) / 3), "horizon_bars": 48,
        }  # fmt: skip
        decision = builders.decision(signal=signal, ticket=ticket, at=self.clock())
        return Intent.objects.create(
            client_order_id=client_order_id("entry", f"{next(_number)}"),
            kind="entry",
            decision=decision,
            symbol=symbol,
            side=side.entry,
            type="MARKET",
            quantity=Decimal(quantity),
            created_at=self.clock(),
            expires_at=self.clock() + timedelta(seconds=30),
            mode="practice",
        )

    def enter(self, side: Side = Side.LONG, **options: Any) -> Position:
        """A position, opened and protected."""
        intent = self.accept(side, **options)
        entering.enter(intent.pk, self.gateway, self.clock)
        return Position.objects.get(decision=intent.decision)

    def sweep(self) -> None:
        keeper.sweep(self.gateway, self.clock)

    def at(self, position: Position, r: float) -> Decimal:
        """The price at which the position is `r` R in profit."""
        return position.entry_price + Side(position.side).sign * position.r * Decimal(str(r))


@pytest.fixture
def venue(db) -> Venue:
    entering.one_way_seen.clear()
    return Venue()
