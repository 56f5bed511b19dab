"""What is pushed over WebSocket: which streams exist, and what each has to say this second."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from trading.practice import candle_faults, market_api
from trading.practice.exchange import Exchange
from trading.practice.market_api import INTERVALS
from trading.practice.shapes import Json, plain

KLINE = re.compile(r"(\w+)@(kline|markPriceKline)_(\w+)")
SINGLE = re.compile(r"(\w+)@(markPrice|markPrice@1s|bookTicker|miniTicker|ticker|aggTrade|trade)")
ALL = ("!markPrice@arr", "!markPrice@arr@1s", "!miniTicker@arr", "!ticker@arr", "!bookTicker")
CATCH_UP = 100


class UnknownStream(ValueError):
    """A stream name that nobody serves."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A parsed stream name."""

    name: str
    kind: str
    symbol: str = ""
    interval: str = ""

    @property
    def every(self) -> int:
        """Seconds between two messages."""
        return 3 if self.kind in ("markPrice", "!markPrice@arr") else 1


def parse(name: str, symbols: tuple[str, ...]) -> Stream:
    if name in ALL:
        return Stream(name, name)
    match = KLINE.fullmatch(name) or SINGLE.fullmatch(name)
    if match is None or match[1].upper() not in symbols:
        raise UnknownStream(name)
    interval = match[3] if match.re is KLINE else ""
    if interval and interval not in INTERVALS:
        raise UnknownStream(name)
    return Stream(name, match[2], match[1].upper(), interval)


@dataclass(slots=True)
class Teller:
    """Makes each stream's messages, once per second for all who listen. Remembers what it told last."""

    exchange: Exchange
    told: dict[str, Any] = field(default_factory=dict)
    heard: dict[tuple[str, str], int] = field(default_factory=dict)  # by stream and symbol: the price that was told

    def begin(self, stream: Stream) -> None:
        """From now on somebody listens: the candle that forms at this moment will be told to its end."""
        if stream.interval and stream.name not in self.told:
            now, width = self.exchange.now, INTERVALS[stream.interval]
            self.told[stream.name] = (now - now % width, None)

    def forget(self, names: set[str]) -> None:
        """Nobody listens to these any more."""
        for name in names & set(self.told):
            del self.told[name]
        self.heard = {key: at for key, at in self.heard.items() if key[0] not in names}

    def messages(self, stream: Stream, second: int) -> list[str]:
        """What this stream has to say now, serialised; nothing where nothing changed."""
        if second % stream.every:
            return []
        if stream.interval:
            return [json.dumps(m) for m in self._klines(stream)]
        made = self._make(stream)
        if not made:
            return []
        body = made if isinstance(made, list) else [made]
        return [json.dumps(made)] if stream.name.endswith(("@arr", "@arr@1s")) else [json.dumps(m) for m in body]

    def _make(self, stream: Stream) -> Any:
        x = self.exchange
        kind = stream.kind.removesuffix("@1s")
        if kind == "markPrice":
            return [mark_price(x, s) for s in self._confirmed(stream)]
        if kind == "!markPrice@arr":
            return [mark_price(x, s) for s in self._confirmed(stream)]
        if kind in ("bookTicker", "!bookTicker"):
            return [book_ticker(x, s) for s in self._confirmed(stream)]
        if "icker" in kind:
            shape = mini_ticker if "mini" in kind else full_ticker
            confirmed = self._confirmed(stream)
            return [shape(row, x.now) for row in self._tickers(stream) if row["symbol"] in confirmed]
        return self._trades(stream)

    def _confirmed(self, stream: Stream) -> list[str]:
        """Symbols whose price was heard since this stream told it: an old price is not told as a new one."""
        x, found = self.exchange, []
        for symbol in _symbols(x, stream):
            at = x.market.heard_ms(symbol, x.now)
            if at == x.now or at > self.heard.get((stream.name, symbol), 0):
                self.heard[(stream.name, symbol)] = at
                found.append(symbol)
        return found

    def _klines(self, stream: Stream) -> list[Json]:
        """Candles that closed since the last message, each once, then the forming one where it changed."""
        x, width = self.exchange, INTERVALS[stream.interval]
        mark = stream.kind == "markPriceKline"
        ask = x.market.mark_klines if mark else x.market.klines
        since, last = self.told[stream.name]
        new = [k for k in ask(stream.symbol, width, since, None, CATCH_UP, x.now) if k != last]
        if new:
            self.told[stream.name] = (new[-1].open_time, new[-1])
        if mark:
            return [kline("markPrice_kline", k, stream, width, x.now) for k in new]
        told = (kline("kline", k, stream, width, x.now) for k in new)
        peer = market_api.other(x, stream.symbol)
        return candle_faults.told_events(
            x.faults, stream.symbol, width, told, x.now, lambda at: plain(x.market.price(stream.symbol, at)), peer
        )

    def _tickers(self, stream: Stream) -> list[Json]:
        x = self.exchange
        if stream.symbol:
            return [market_api.ticker(x, stream.symbol, x.market.ticker(stream.symbol, x.now))]
        return [market_api.ticker(x, s, day) for s, day in x.market.tickers(x.now).items()]

    def _trades(self, stream: Stream) -> list[Json]:
        """Price points since the last message, as trades."""
        x = self.exchange
        since = self.told.get(stream.name, x.now - 1000)
        self.told[stream.name] = x.now
        quantity = str(x.engine.rules[stream.symbol].min_quantity)
        return [
            trade(stream.kind, stream.symbol, at, str(price), quantity, x.now)
            for at, price in x.market.path(stream.symbol, since, x.now)[-CATCH_UP:]
        ]


# -- messages ----------------------------------------------------------------------------------------------------------
def kline(event: str, k: Any, stream: Stream, width: int, now: int) -> Json:
    row = market_api.kline_row(k, width)
    return {
        "e": event,
        "E": now,
        "s": stream.symbol,
        "k": {
            "t": row[0], "T": row[6], "s": stream.symbol, "i": stream.interval, "f": 1, "L": k.trades,
            "o": row[1], "c": row[4], "h": row[2], "l": row[3], "v": row[5], "n": k.trades, "x": k.closed,
            "q": row[7], "V": row[9], "Q": row[10], "B": "0",
        },
    }  # fmt: skip


def mark_price(x: Exchange, symbol: str) -> Json:
    row = market_api.premium(x, symbol)
    return {
        "e": "markPriceUpdate", "E": x.now, "s": symbol, "p": row["markPrice"], "i": row["indexPrice"],
        "P": row["estimatedSettlePrice"], "r": row["lastFundingRate"], "T": row["nextFundingTime"],
    }  # fmt: skip


def book_ticker(x: Exchange, symbol: str) -> Json:
    row = market_api.best_prices(x, symbol)
    return {
        "e": "bookTicker", "u": x.now, "E": x.now, "T": x.now, "s": symbol, "b": row["bidPrice"],
        "B": row["bidQty"], "a": row["askPrice"], "A": row["askQty"],
    }  # fmt: skip


def mini_ticker(row: Json, now: int) -> Json:
    return {
        "e": "24hrMiniTicker", "E": now, "s": row["symbol"], "c": row["lastPrice"], "o": row["openPrice"],
        "h": row["highPrice"], "l": row["lowPrice"], "v": row["volume"], "q": row["quoteVolume"],
    }  # fmt: skip


def full_ticker(row: Json, now: int) -> Json:
    return mini_ticker(row, now) | {
        "e": "24hrTicker", "p": row["priceChange"], "P": row["priceChangePercent"], "w": row["weightedAvgPrice"],
        "Q": row["lastQty"], "O": row["openTime"], "C": row["closeTime"], "F": 1, "L": row["count"], "n": row["count"],
    }  # fmt: skip


def trade(kind: str, symbol: str, at: int, price: str, quantity: str, now: int) -> Json:
    common = {"e": kind, "E": now, "T": at, "s": symbol, "p": price, "q": quantity, "m": False}
    if kind == "trade":
        return common | {"t": at, "X": "MARKET"}
    return common | {"a": at, "f": at, "l": at}


def _symbols(x: Exchange, stream: Stream) -> tuple[str, ...]:
    return (stream.symbol,) if stream.symbol else x.market.trading(x.now)
