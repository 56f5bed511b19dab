"""Time moves: the price path of every symbol at stake is walked point by point, in the order of time over all symbols.

A point at which nothing can happen costs a few comparisons (`Band`); only the others reach the engine. Funding is
settled at its hours.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from decimal import Decimal

from trading.practice.engine import Engine
from trading.practice.values import Quote

CHUNK_BARS = 60  # a long absence is walked in pieces of about so many bars of the source
NEVER_LOW, NEVER_HIGH = Decimal("-Infinity"), Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Band:
    """Within these bounds nothing happens."""

    price_low: Decimal
    price_high: Decimal
    mark_low: Decimal
    mark_high: Decimal

    def holds(self, price: Decimal, mark: Decimal) -> bool:
        return self.price_low < price < self.price_high and self.mark_low < mark < self.mark_high


def band_of(engine: Engine, symbol: str) -> Band:
    """The nearest prices on either side at which a limit, a trigger or the liquidation acts."""
    lows: dict[str, list[Decimal]] = {"CONTRACT_PRICE": [NEVER_LOW], "MARK_PRICE": [NEVER_LOW]}
    highs: dict[str, list[Decimal]] = {"CONTRACT_PRICE": [NEVER_HIGH], "MARK_PRICE": [NEVER_HIGH]}
    for algo in engine.open_algos(symbol):
        (highs if algo.rises else lows)[algo.working_type].append(algo.trigger)
    for order in engine.open_orders(symbol):
        if order.order_id in engine.late:
            continue
        (lows if order.side == "BUY" else highs)["CONTRACT_PRICE"].append(order.price)
    position = engine.account.position(symbol)
    if position.amount:
        limit = engine.liquidation_price(position)
        if position.amount > 0 or limit > 0:
            (lows if position.amount > 0 else highs)["MARK_PRICE"].append(limit)
    return Band(
        max(lows["CONTRACT_PRICE"]), min(highs["CONTRACT_PRICE"]), max(lows["MARK_PRICE"]), min(highs["MARK_PRICE"])
    )


class Course:
    """One symbol's points of one stretch of time; `seek` finds the next at which something happens."""

    def __init__(self, engine: Engine, symbol: str, start: int, end: int) -> None:
        self.engine, self.symbol = engine, symbol
        self.points = engine.market.quotes(symbol, start, end)
        self.next = 0
        self.time = 0
        self.quote = Quote(Decimal(0), Decimal(0))

    def seek(self) -> bool:
        band = band_of(self.engine, self.symbol)
        for i in range(self.next, len(self.points)):
            time, price, mark = self.points[i]
            if not band.holds(price, mark):
                self.next, self.time, self.quote = i + 1, time, Quote(price, mark)
                return True
        return False


def walk(engine: Engine, end: int) -> None:
    """Bring the engine up to `end`."""
    market = engine.market
    chunk = max(1, CHUNK_BARS // market.speed) * market.candle_ms
    while engine.walked < end:
        symbols = engine.at_stake()
        if not symbols:
            engine.walked = end
            break
        funding = market.next_funding_ms(engine.walked)
        stop = min(end, funding, engine.walked + chunk)
        _play(engine, symbols, engine.walked, stop)
        engine.walked = stop
        if stop == funding:
            engine.settle_funding(stop)
    engine.now = max(engine.now, end)
    engine.expire_overdue()
    engine.take_up_late()


def _play(engine: Engine, symbols: list[str], start: int, end: int) -> None:
    courses = {s: Course(engine, s, start, end) for s in symbols}
    queue = [(c.time, s) for s, c in courses.items() if c.seek()]
    heapq.heapify(queue)
    while queue:
        time, symbol = heapq.heappop(queue)
        course = courses[symbol]
        engine.now = time
        engine.touch(symbol, course.quote)
        if course.seek():
            heapq.heappush(queue, (course.time, symbol))
