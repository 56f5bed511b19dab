"""Seeded days: more than a hundred trades with partial fills, fees, funding, liquidations, strangers and restarts.

At every midnight the day that ended agrees with the venue's income to the cent, whatever happened on it.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.positions.conftest import HOUR, START, Killed, Venue
from trading.exchange.errors import VenueError
from trading.exchange.venue import Side
from trading.models import DailyMoney, Fill, FundingPayment, IncomeEntry, Installation, Position, SwitchChange, Trade
from trading.orders import rows as order_rows
from trading.positions import accounting, books, entering, reckoning

pytestmark = pytest.mark.django_db
SIZES = {"BTC/USDT:USDT": "0.05", "ETH/USDT:USDT": "0.5", "SOL/USDT:USDT": "9"}
DAYS = 3
EVENTS = 9  # a day and symbol


class House:
    """One seeded market with our keeper, and everything that can come in between."""

    def __init__(self, venue: Venue, seed: int) -> None:
        self.venue, self.chance = venue, random.Random(seed)
        self.happened: dict[str, int] = {}
        Installation.objects.create(mode="practice", venue="here", created_at=venue.clock())

    def note(self, what: str) -> None:
        self.happened[what] = self.happened.get(what, 0) + 1

    def sweep(self) -> None:
        with suppress(VenueError):
            self.venue.sweep()

    def move(self, symbol: str, share: float) -> None:
        """A jump, a few steps and their noise."""
        was = float(self.venue.price(symbol))
        path = [was * (1 + share * i / 4 + self.chance.gauss(0, 0.0004)) for i in range(1, 5)]
        self.venue.drive(*path, symbol=symbol, every=self.chance.choice((1, 2, 7)))

    def one(self, symbol: str) -> None:
        """One entry, what becomes of it, and perhaps what nobody has ordered."""
        if order_rows.switch_state() != SwitchChange.ACTIVE:  # a liquidation has halted entries: somebody goes on
            SwitchChange.objects.create(state="active", at=self.venue.clock(), by="anna", reason="on with it")
        if not self.venue.amount(symbol) and not self.held(symbol):  # the gates see to that
            if self.chance.random() < 0.4:
                share, rest = self.chance.choice((0.4, 0.6)), self.chance.choice(("cancelled", "rests"))
                self.venue.fault("partial_fill", path="/fapi/v1/order", share=share, rest=rest)
                self.note("partial")
            side = self.chance.choice((Side.LONG, Side.SHORT))
            intent = self.venue.accept(side, symbol=symbol, quantity=SIZES[symbol], r=self.chance.choice((0.01, 0.02)))
            self.killed_or_not(lambda: entering.enter(intent.pk, self.venue.gateway, self.venue.clock))
        self.move(symbol, self.chance.gauss(0, 0.06))
        chance = self.chance.random()
        if chance < 0.08:
            self.liquidate(symbol)
        elif chance < 0.16:
            self.stranger(symbol)
        self.venue.wait(self.chance.choice((5, 60, 1800)))
        if self.chance.random() < 0.8:
            self.killed_or_not(self.sweep)

    def killed_or_not(self, act) -> None:
        """Sometimes the process dies after some request; the next sweep is another process."""
        if self.chance.random() < 0.12:
            left = [self.chance.randint(1, 8)]

            def die(method: str, path: str) -> None:
                left[0] -= 1
                if left[0] == 0:
                    raise Killed

            self.venue.after = die
            self.note("killed")
        try:
            act()
        except Killed:
            self.venue.gateway = self.venue.connect()
        finally:
            self.venue.after = lambda method, path: None

    def liquidate(self, symbol: str) -> None:
        """The stops are lost and the price runs away."""
        engine, name = self.venue.exchange.engine, self.venue.id(symbol)
        position = engine.account.position(name)
        if not position.amount or not position.isolated:
            return
        for algo in engine.open_algos(name):
            engine.cancel_algo(algo)
        limit = float(engine.liquidation_price(position))
        self.venue.drive(limit * (0.999 if position.amount > 0 else 1.001), symbol=symbol)
        self.note("liquidated")

    def held(self, symbol: str) -> bool:
        return Position.objects.filter(symbol=symbol).exclude(status="closed").exists()

    def stranger(self, symbol: str) -> None:
        """Somebody else trades on the account: against our position or with it; or, where there is none, in and out.

        Not between our stop's fill and our look at it: what is there then can't be told from our own.
        """
        self.sweep()
        side = self.chance.choice(("BUY", "SELL"))
        self.by_hand(symbol, side)
        if not self.held(symbol) and self.venue.amount(symbol):
            self.move(symbol, 0.01)
            self.by_hand(symbol, "BUY" if side == "SELL" else "SELL")
        self.note("stranger")

    def by_hand(self, symbol: str, side: str) -> None:
        quantity = str(Decimal(SIZES[symbol]) / 10)
        params = {"symbol": self.venue.id(symbol), "side": side, "type": "MARKET", "quantity": quantity}
        self.venue.gateway._ask("fapiPrivatePostOrder", params, lambda raw: raw["orderId"], write=True)

    def midnight(self) -> None:
        """Past the day's end; the keeper has looked, the account was watched, the books are compared."""
        now = self.venue.clock()
        ends = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        self.venue.wait((ends - now).total_seconds() + 700)
        for symbol in SIZES:
            self.calm(symbol)
        for _ in range(4):
            self.sweep()
            self.venue.wait(20)
        accounting.account(self.venue.gateway, self.venue.clock, "practice")
        reckoning.reconcile(self.venue.gateway, self.venue.clock, "practice")

    def calm(self, symbol: str) -> None:
        price = float(self.venue.price(symbol))
        self.venue.market.drive(self.venue.id(symbol), [(0, price), (48 * HOUR, price)], self.venue.clock.ms())


@pytest.mark.parametrize("seed", [1, 2])
def test_every_day_agrees_to_the_cent_whatever_happened_on_it(venue, seed):
    house = House(venue, seed)
    for n in range(DAYS):
        for _ in range(EVENTS):
            for symbol in SIZES:
                house.one(symbol)
        house.midnight()
        row = DailyMoney.objects.get(day=(START + timedelta(days=n)).date())
        assert (row.state, row.worst < books.CENT) == ("ok", True), (row.day, row.worst, row.lines[:3], row.notes)
    whole = DailyMoney.objects.filter(state="ok")
    assert whole.count() == DAYS
    told = sum(
        e.amount for e in IncomeEntry.objects.exclude(kind="TRANSFER").filter(at__lt=whole.latest().compared_until)
    )
    assert abs(sum(row.theirs for row in whole) - told) < books.CENT
    assert (
        abs(venue.exchange.engine.account.wallet - 10_000 - sum(e.amount for e in IncomeEntry.objects.all()))
        < books.CENT
    )
    assert Trade.objects.count() > 12 * DAYS and Fill.objects.count() > 2 * Trade.objects.count()
    assert FundingPayment.objects.exists() and house.happened.keys() >= {"partial", "killed", "liquidated", "stranger"}
    print(seed, house.happened, Trade.objects.count(), "trades", IncomeEntry.objects.count(), "lines")
