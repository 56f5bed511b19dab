"""The public endpoints: what anybody may ask about the market."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trading.practice import candle_faults, pricing
from trading.practice import params as read
from trading.practice.params import Params
from trading.practice.shapes import Json, plain
from trading.practice.values import Refused

if TYPE_CHECKING:
    from trading.practice.exchange import Exchange

MINUTE = 60_000
INTERVALS = {
    "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE, "1h": 60 * MINUTE,
    "2h": 120 * MINUTE, "4h": 240 * MINUTE, "6h": 360 * MINUTE, "8h": 480 * MINUTE, "12h": 720 * MINUTE,
    "1d": 1440 * MINUTE,
}  # fmt: skip
RATE_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
]


def ping(x: Exchange, p: Params) -> Json:
    return {}


def time(x: Exchange, p: Params) -> Json:
    return {"serverTime": x.now + x.faults.skew(x.now)}


def exchange_info(x: Exchange, p: Params) -> Json:
    symbols = [info | {"status": x.engine.status(s)} for s, info in x.infos.items()]
    return _info(x, symbols) | {"assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-100"}]}


def empty_info(x: Exchange, p: Params) -> Json:
    return _info(x, [])


def nothing(x: Exchange, p: Params) -> list[Any]:
    """Start-up calls of clients about accounts that exist only on a real venue."""
    return []


def klines(x: Exchange, p: Params) -> list[list[Any]]:
    rows = _klines(x, p, x.market.klines)
    symbol, width = x.symbol(p), INTERVALS[p["interval"]]
    if not candle_faults.standing(x.faults, symbol, "rest", x.now):
        return rows
    peer = _klines(x, {**p, "symbol": other(x, symbol)}, x.market.klines)
    return candle_faults.told_rows(
        x.faults, symbol, width, rows, x.now, lambda at: plain(x.market.price(symbol, at)), peer
    )


def other(x: Exchange, symbol: str) -> str:
    """Another symbol, where there is one."""
    return next((name for name in x.market.symbols if name != symbol), symbol)


def mark_klines(x: Exchange, p: Params) -> list[list[Any]]:
    return _klines(x, p, x.market.mark_klines)


def premium_index(x: Exchange, p: Params) -> Json | list[Json]:
    return _each(x, p, lambda s: premium(x, s))


def funding_rate(x: Exchange, p: Params) -> list[Json]:
    """Settled rates; with `startTime` the oldest first from there, else the newest."""
    limit = read.integer(p, "limit", 1, 1000) or 100
    end = min(read.integer(p, "endTime") or x.now, x.now)
    start = max(read.integer(p, "startTime") or 0, x.market.history_start_ms)
    symbols = [x.symbol(p)] if p.get("symbol") else list(x.market.symbols)
    found = [
        {"symbol": s, "fundingTime": t, "fundingRate": plain(rate), "markPrice": plain(x.market.mark(s, t))}
        for s in symbols
        for t, rate in _some(x.market.fundings(s, start, end), limit, first="startTime" in p)
    ]
    return sorted(found, key=lambda row: row["fundingTime"])[-1000:]


def depth(x: Exchange, p: Params) -> Json:
    symbol = x.symbol(p)
    limit = read.integer(p, "limit", 1, 1000) or 500
    if limit not in (5, 10, 20, 50, 100, 500, 1000):
        raise Refused(-4021)
    price, rules = x.market.price(symbol, x.now), x.engine.rules[symbol]
    sides = {
        name: [[plain(at), plain(quantity)] for at, quantity in pricing.depth(price, sign, limit, rules)]
        for name, sign in (("bids", -1), ("asks", 1))
    }
    return {"lastUpdateId": x.now, "E": x.now, "T": x.now, **sides}


def trades(x: Exchange, p: Params) -> list[Json]:
    """The last price points, each as one small trade."""
    quantity = x.engine.rules[x.symbol(p)].min_quantity
    return [
        {
            "id": at,
            "price": plain(price),
            "qty": plain(quantity),
            "quoteQty": plain(price * quantity),
            "time": at,
            "isBuyerMaker": False,
        }
        for at, price in _last_points(x, p)
    ]


def agg_trades(x: Exchange, p: Params) -> list[Json]:
    quantity = plain(x.engine.rules[x.symbol(p)].min_quantity)
    return [
        {"a": at, "p": plain(price), "q": quantity, "f": at, "l": at, "T": at, "m": False}
        for at, price in _last_points(x, p)
    ]


def ticker_24h(x: Exchange, p: Params) -> Json | list[Json]:
    if p.get("symbol"):
        return ticker(x, x.symbol(p), x.market.ticker(x.symbol(p), x.now))
    return [ticker(x, s, day) for s, day in x.market.tickers(x.now).items()]


def ticker_price(x: Exchange, p: Params) -> Json | list[Json]:
    return _each(x, p, lambda s: last_price(x, s))


def book_ticker(x: Exchange, p: Params) -> Json | list[Json]:
    return _each(x, p, lambda s: best_prices(x, s))


# -- shared with the streams -------------------------------------------------------------------------------------------
def last_price(x: Exchange, symbol: str) -> Json:
    heard = x.market.heard_ms(symbol, x.now)
    return {"symbol": symbol, "price": plain(x.market.price(symbol, x.now)), "time": heard}


def premium(x: Exchange, symbol: str) -> Json:
    since = candle_faults.frozen_at(x.faults, symbol, x.now)
    at = x.now if since is None else since
    mark = plain(x.market.mark(symbol, at))
    return {
        "symbol": symbol,
        "markPrice": mark,
        "indexPrice": plain(x.market.price(symbol, at)),
        "estimatedSettlePrice": mark,
        "lastFundingRate": plain(x.market.funding_rate(symbol, x.now)),
        "interestRate": "0.00010000",
        "nextFundingTime": x.market.next_funding_ms(x.now, symbol),
        "time": x.market.heard_ms(symbol, x.now),
    }


def best_prices(x: Exchange, symbol: str) -> Json:
    price, rules = x.market.price(symbol, x.now), x.engine.rules[symbol]
    (bid, bid_quantity), (ask, ask_quantity) = (pricing.depth(price, sign, 1, rules)[0] for sign in (-1, 1))
    return {
        "symbol": symbol,
        "bidPrice": plain(bid),
        "bidQty": plain(bid_quantity),
        "askPrice": plain(ask),
        "askQty": plain(ask_quantity),
        "time": x.market.heard_ms(symbol, x.now),
    }


def ticker(x: Exchange, symbol: str, day: Json) -> Json:
    """The last 24 hours of wall time."""
    row = {name: value if isinstance(value, int) else plain(value) for name, value in day.items()}
    last_quantity = plain(x.engine.rules[symbol].min_quantity)
    return {"symbol": symbol, **row, "lastQty": last_quantity, "closeTime": x.now, "firstId": 1, "lastId": day["count"]}


def kline_row(k: Any, interval: int) -> list[Any]:
    return [
        k.open_time, plain(k.open), plain(k.high), plain(k.low), plain(k.close), plain(k.volume),
        k.open_time + interval - 1, plain(k.quote_volume), k.trades, plain(k.volume / 2), plain(k.quote_volume / 2),
        "0",
    ]  # fmt: skip


def _last_points(x: Exchange, p: Params) -> list[tuple[int, Decimal]]:
    limit = read.integer(p, "limit", 1, 1000) or 500
    start = max(x.now - limit * x.market.candle_ms // 60, x.market.history_start_ms)
    return x.market.path(x.symbol(p), start, x.now)[-limit:]


def _klines(x: Exchange, p: Params, ask: Any) -> list[list[Any]]:
    symbol = x.symbol(p)
    interval = INTERVALS[read.choice(p, "interval", INTERVALS, -1120)]
    limit = read.integer(p, "limit", 1, 1500) or 500
    start, end = read.integer(p, "startTime"), read.integer(p, "endTime")
    if start is not None and end is not None and start > end:
        raise Refused(-1023, "Start time is greater than end time.")
    if interval % (x.market.candle_ms // 60):
        raise Refused(-1120)
    return [kline_row(k, interval) for k in ask(symbol, interval, start, end, limit, x.now)]


def _some(rows: list[Any], limit: int, *, first: bool) -> list[Any]:
    return rows[:limit] if first else rows[-limit:]


def _each(x: Exchange, p: Params, one: Any) -> Json | list[Json]:
    return one(x.symbol(p)) if p.get("symbol") else [one(s) for s in x.market.symbols]


def _info(x: Exchange, symbols: list[Json]) -> Json:
    return {
        "timezone": "UTC",
        "serverTime": x.now,
        "futuresType": "U_MARGINED",
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "symbols": symbols,
    }


ROUTES = {
    ("GET", "/fapi/v1/ping"): ping,
    ("GET", "/fapi/v1/time"): time,
    ("GET", "/fapi/v1/exchangeInfo"): exchange_info,
    ("GET", "/fapi/v1/klines"): klines,
    ("GET", "/fapi/v1/markPriceKlines"): mark_klines,
    ("GET", "/fapi/v1/premiumIndex"): premium_index,
    ("GET", "/fapi/v1/fundingRate"): funding_rate,
    ("GET", "/fapi/v1/fundingInfo"): nothing,
    ("GET", "/fapi/v1/depth"): depth,
    ("GET", "/fapi/v1/trades"): trades,
    ("GET", "/fapi/v1/aggTrades"): agg_trades,
    ("GET", "/fapi/v1/ticker/24hr"): ticker_24h,
    ("GET", "/fapi/v1/ticker/price"): ticker_price,
    ("GET", "/fapi/v2/ticker/price"): ticker_price,
    ("GET", "/fapi/v1/ticker/bookTicker"): book_ticker,
    ("GET", "/api/v3/ping"): ping,
    ("GET", "/api/v3/time"): time,
    ("GET", "/api/v3/exchangeInfo"): empty_info,
    ("GET", "/dapi/v1/ping"): ping,
    ("GET", "/dapi/v1/time"): time,
    ("GET", "/dapi/v1/exchangeInfo"): empty_info,
    ("GET", "/sapi/v1/margin/allPairs"): nothing,
    ("GET", "/sapi/v1/margin/isolated/allPairs"): nothing,
    ("GET", "/sapi/v1/margin/allAssets"): nothing,
}
