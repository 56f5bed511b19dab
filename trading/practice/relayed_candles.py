"""Candles as the upstream told them: what it did not tell is missing, and stays so."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from trading.practice.candles import number_of, opening_of


class Candle(NamedTuple):
    """One candle of one symbol, in the upstream's numbers; volumes as it wrote them, for they have more digits."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: str
    quote_volume: str
    trades: int
    closed: bool


def from_rest(row: Sequence[Any], width: int, upstream_ms: int) -> Candle:
    """A row of klines; it is closed when the upstream's clock is past its end."""
    o, high, low, c = (float(row[i]) for i in range(1, 5))
    opened = int(row[0])
    closed = opened + width <= upstream_ms
    return sound(Candle(opened, o, high, low, c, str(row[5]), str(row[7]), int(row[8]), closed))


def from_stream(k: dict[str, Any]) -> Candle:
    """The `k` of a kline event."""
    o, high, low, c = (float(k[name]) for name in ("o", "h", "l", "c"))
    return sound(Candle(int(k["t"]), o, high, low, c, str(k["v"]), str(k["q"]), int(k["n"]), bool(k["x"])))


def sound(candle: Candle) -> Candle:
    """The candle; ValueError where no market can have made it (NaN fails too)."""
    low_enough = 0 < candle.low <= min(candle.open, candle.close)
    high_enough = max(candle.open, candle.close) <= candle.high < float("inf")
    if not (low_enough and high_enough and Decimal(candle.volume) >= 0 and Decimal(candle.quote_volume) >= 0):
        raise ValueError(f"the upstream told an impossible candle: {candle}")
    return candle


class Book:
    """One symbol's candles of one width, in order. Up to `complete` nothing is left to ask the upstream for."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.opens: list[int] = []
        self.rows: list[Candle] = []
        self.complete = 0  # the open time of a closed candle

    def put(self, candle: Candle) -> None:
        """Take it in; a closed candle never becomes an open one again."""
        at = bisect_left(self.opens, candle.open_time)
        if at < len(self.opens) and self.opens[at] == candle.open_time:
            if candle.closed or not self.rows[at].closed:
                self.rows[at] = candle
        else:
            self.opens.insert(at, candle.open_time)
            self.rows.insert(at, candle)
        if candle.closed and candle.open_time == self.complete + self.width:
            self.complete = candle.open_time

    def fill(self, candles: Sequence[Candle]) -> None:
        """All that the upstream has since `complete`: what is not among them does not exist."""
        for candle in candles:
            self.put(candle)
        self.complete = max([self.complete, *(c.open_time for c in candles if c.closed)])

    def lacks(self, upstream_ms: int) -> bool:
        """Whether a candle that must have closed by now is still to be asked for."""
        return self.complete < opening_of(number_of(upstream_ms, self.width) - 1, self.width)

    def since(self, start: int) -> list[Candle]:
        return self.rows[bisect_left(self.opens, start) :]

    def forget(self, most: int) -> None:
        """Keep the newest `most`."""
        if len(self.rows) > 2 * most:
            self.opens, self.rows = self.opens[-most:], self.rows[-most:]


def folded(candles: Sequence[Candle], source: int, width: int) -> Iterator[Candle]:
    """Wider candles; one of which a part is missing is left out, for nobody knows what it looked like."""
    for number, parts in groupby(candles, key=lambda c: number_of(c.open_time, width)):
        group, opened = list(parts), opening_of(number, width)
        if group[0].open_time != opened or group[-1].open_time != opened + (len(group) - 1) * source:
            continue
        last = group[-1]
        ended = last.closed and len(group) * source == width
        if not ended and last is not candles[-1]:
            continue
        yield Candle(
            opened,
            group[0].open,
            max(c.high for c in group),
            min(c.low for c in group),
            last.close,
            str(sum(Decimal(c.volume) for c in group)),
            str(sum(Decimal(c.quote_volume) for c in group)),
            sum(c.trades for c in group),
            ended,
        )
