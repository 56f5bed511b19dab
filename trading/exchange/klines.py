"""Between the venue's klines and our bars. Pure. No single row raises: what is wrong with it is its flaw.

A row that can't be read is neither repaired nor lost: it becomes a bar with a flaw, which `feed/quality.py` puts aside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from trading.exchange.venue import Bar, Flaw
from trading.exchange.wire import Json, market_id, moment, ms, symbol_of, true

NUMBERS = ("open", "high", "low", "close", "volume")
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # the open time of a row whose own can't be read
LETTERS = "ohlcv"
CLOSE_TIME = 6  # place of the venue's closeTime in a row of klines: the candle's last millisecond


def loose(value: Any) -> float:
    """A number, or NaN."""
    if isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def opening(value: Any) -> datetime | None:
    """Milliseconds as a moment; None for what is none of this century."""
    try:
        at = moment(value)
    except (TypeError, ValueError, OverflowError, OSError, ArithmeticError):
        return None
    return at if 2000 <= at.year < 2100 else None


def shown(value: Any) -> str:
    """What stood there, for people: `null`, `"abc"`, `missing`."""
    return "null" if value is None else f'"{value}"'[:40] if isinstance(value, str) else repr(value)[:40]


def made(symbol: str, opened: Any, closes: Any, values: Sequence[Any], step: timedelta | None) -> Bar:
    """A bar of what stood in the five places, with its first flaw."""
    at = opening(opened)
    numbers = [loose(value) for value in values]
    flaw = None
    if at is None:
        flaw = Flaw("shape", ("open_time",), f"open time is {shown(opened)}")
    elif bad := [i for i, value in enumerate(numbers) if not math.isfinite(value)]:
        told = ", ".join(f"{NUMBERS[i]} is {shown(values[i])}" for i in bad)
        flaw = Flaw("nan", tuple(NUMBERS[i] for i in bad), told)
    elif step is not None and loose(closes) != ms(at + step) - 1:
        flaw = Flaw(
            "shape", ("close_time",), f"close time is {shown(closes)}, a {step} candle ends at {ms(at + step) - 1}"
        )
    return whole(symbol, at or NEVER, numbers, flaw)


def whole(symbol: str, at: datetime, numbers: Sequence[float], flaw: Flaw | None) -> Bar:
    o, h, low, c, v = numbers
    return Bar(symbol, at, o, h, low, c, v, flaw)


def bar(row: Any, symbol: str, step: timedelta | None = None) -> Bar:
    """One row of klines. With `step`, its close time must be that of such a candle."""
    if not isinstance(row, list):
        return whole(symbol, NEVER, [math.nan] * 5, Flaw("shape", ("row",), f"the row is {shown(row)}"))
    cells = row + ["missing"] * (CLOSE_TIME + 1 - len(row))
    return made(symbol, cells[0], cells[CLOSE_TIME], cells[1:CLOSE_TIME], step)


def closed_bars(rows: Iterable[Any], symbol: str, now: datetime, step: timedelta) -> list[Bar]:
    """The bars that have ended, and those with a flaw, by open time; the venue's forming one is left out."""
    if not isinstance(rows, list):
        raise ValueError("klines are a list")
    found = [bar(row, symbol, step) for row in rows]
    return sorted((one for one in found if not forming(one, now, step)), key=lambda one: one.open_time)


def forming(one: Bar, now: datetime, step: timedelta) -> bool:
    """Not over yet. One that is not even due to begin is no forming one: it is judged, and put aside."""
    return one.open_time != NEVER and now - step < one.open_time <= now + step


def streamed_bar(raw: Json, timeframe: str = "", step: timedelta | None = None) -> tuple[Bar, bool] | None:
    """A kline event: the bar, and whether it is closed; None for a symbol that is none of ours."""
    k = raw["k"]
    symbol = symbol_of(str(raw.get("s", k.get("s"))))
    if symbol is None:
        return None
    found = made(symbol, k.get("t"), k.get("T"), [k.get(letter, "missing") for letter in LETTERS], step)
    closed = true(k.get("x"))
    flaw = foreign(raw, k, timeframe) or (too_early(raw, k) if closed else None)
    return (replace(found, flaw=flaw) if flaw else found), closed


def foreign(raw: Json, k: Json, timeframe: str) -> Flaw | None:
    """The event's two symbols differ, or its interval is another one."""
    if raw.get("s") is not None and raw["s"] != k.get("s"):
        return Flaw("foreign", ("symbol",), f"an event of {raw['s']} carries a candle of {shown(k.get('s'))}")
    if timeframe and k.get("i") != timeframe:
        return Flaw("foreign", ("interval",), f"interval is {shown(k.get('i'))}, listened to is {timeframe}")
    return None


def too_early(raw: Json, k: Json) -> Flaw | None:
    """Called closed although the event was made before the candle's end."""
    said, end = loose(raw.get("E")), loose(k.get("T"))
    return (
        Flaw("unclosed", ("closed",), f"called closed {(end - said) / 1000:.1f} s before its end")
        if said < end
        else None
    )


def params(symbol: str, timeframe: str, since: datetime | None, limit: int) -> dict[str, Any]:
    """What is asked for: one bar more than wanted, since the newest may not be closed."""
    asked: dict[str, Any] = {"symbol": market_id(symbol), "interval": timeframe, "limit": min(limit + 1, 1500)}
    if since is not None:
        asked["startTime"] = ms(since)
    return asked
