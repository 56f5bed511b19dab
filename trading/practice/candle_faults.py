"""Faults of market data: what clients are told of candles and marks. What trades is untouched. Pure.

They concern the candle that forms when the fault begins and those after it, in the answers of klines and in the kline
stream alike (`where` limits them to one): `stale_klines` tells none of them, `missing_klines` leaves some out,
`frozen_price` lets prices stand still, and `bad_kline` damages each in one of the ways of `DAMAGES`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading.practice.faults import Desk, Fault

Row = list[Any]
Json = dict[str, Any]
LETTER = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
PLACE = {"t": 0, "o": 1, "h": 2, "l": 3, "c": 4, "v": 5, "T": 6}
INSTEAD = {"nan": "NaN", "inf": "Infinity", "null": None, "empty": "", "text": "abc", "huge": "1e308", "zero": "0"}
SHIFT_MS = 17_000  # how far off the grid a misaligned candle is
AHEAD = 10  # candles that one of the future is ahead
REVISED = Decimal("1.001")
USUAL = "high_below_low"  # the damage, where none is named
KLINE_KINDS = ("stale_klines", "missing_klines", "frozen_price", "bad_kline")


# -- which candles ----------------------------------------------------------------------------------------------------


def reached(fault: Fault, opened: int, width: int) -> bool:
    """The candle that formed when the fault began, and those after it; `candles` says how many."""
    first = fault.began - fault.began % width
    many = fault.params.get("candles", 1 if fault.kind == "missing_klines" else None)
    return first <= opened and (many is None or opened < first + many * width)


def hidden(fault: Fault, opened: int, width: int) -> bool:
    return fault.kind in ("stale_klines", "missing_klines") and reached(fault, opened, width)


def standing(desk: Desk, symbol: str, where: str, now: int) -> list[Fault]:
    """The faults of this symbol's candles that are in force, in the order in which they work."""
    found = [fault for kind in KLINE_KINDS for fault in desk.standing(kind, now) if fault.concerns(symbol)]
    return [fault for fault in found if fault.params.get("where", where) == where]


def frozen_at(desk: Desk, symbol: str, now: int) -> int | None:
    """Since when the symbol's prices stand still, or None."""
    return next((fault.began for fault in desk.standing("frozen_price", now) if fault.concerns(symbol)), None)


# -- in answers -------------------------------------------------------------------------------------------------------


def told_rows(
    desk: Desk, symbol: str, width: int, rows: list[Row], now: int, price: Callable[[int], str], peer: list[Row]
) -> list[Row]:
    """What an answer of klines tells. `price` gives the price of a moment, `peer` another symbol's rows."""
    for fault in standing(desk, symbol, "rest", now):
        touched = [row for row in rows if reached(fault, row[0], width)]
        fault.hits += len(touched)
        if fault.kind in ("stale_klines", "missing_klines"):
            rows = [row for row in rows if not hidden(fault, row[0], width)]
        elif fault.kind == "frozen_price":
            rows = [_flat_row(row, price(fault.began), fault) if row in touched else row for row in rows]
        elif fault.params.get("damage", USUAL) == "order":
            rows = rows[::-1] if touched else rows
        else:
            others = {row[0]: row for row in peer}
            rows = [
                bad for row in rows for bad in (_bad_rows(row, width, fault, now, others) if row in touched else [row])
            ]
    return rows


def _flat_row(row: Row, price: str, fault: Fault) -> Row:
    return [row[0], price, price, price, price, "0" if fault.params.get("quiet") else row[5], *row[6:]]


def _bad_rows(row: Row, width: int, fault: Fault, now: int, others: dict[int, Row]) -> list[Row]:
    name, closed = fault.params.get("damage", USUAL), row[6] < now
    if name == "unclosed":
        return [row] if closed else [[*row[:6], now - 1, *row[7:]]]
    if not closed:
        return [row]
    if name == "duplicate":
        return [row, row]
    if name == "revised":
        return [row, _put_row(row, revised(_cells(row)))]
    if name == "wrong_symbol":
        return [[row[0], *others[row[0]][1:]] if row[0] in others else row]
    if name == "missing_field":
        place = PLACE[LETTER[fault.params.get("field", "volume")]]
        return [row[:place] + row[place + 1 :]]
    if name == "extra_field":
        return [[*row[:5], "0", *row[5:]]]
    return [_put_row(row, damaged(_cells(row), name, fault.params.get("field", "close"), width))]


def _cells(row: Row) -> Json:
    return {letter: row[place] for letter, place in PLACE.items()}


def _put_row(row: Row, cells: Json) -> Row:
    return [*(cells[letter] for letter in PLACE), *row[len(PLACE) :]]


# -- in the stream ----------------------------------------------------------------------------------------------------


def told_events(
    desk: Desk, symbol: str, width: int, events: Iterable[Json], now: int, price: Callable[[int], str], peer: str
) -> list[Json]:
    """What the kline stream tells. `peer` is the name of another symbol."""
    found = list(events)
    for fault in standing(desk, symbol, "stream", now):
        found = [told for event in found for told in _told(event, fault, width, price, peer)]
    return found


def _told(event: Json, fault: Fault, width: int, price: Callable[[int], str], peer: str) -> Iterator[Json]:
    k = event["k"]
    if not reached(fault, k["t"], width):
        yield event
    elif fault.kind == "frozen_price":
        fault.hits += 1
        flat = dict.fromkeys("ohlc", price(fault.began)) | ({"v": "0"} if fault.params.get("quiet") else {})
        yield event | {"k": k | flat}
    elif fault.kind == "bad_kline":
        if k["x"] or fault.params.get("damage", USUAL) == "unclosed":
            fault.hits += 1
            yield from _bad_events(event, fault, width, peer)
        else:
            yield event
    else:
        fault.hits += 1


def _bad_events(event: Json, fault: Fault, width: int, peer: str) -> Iterator[Json]:
    name, k = fault.params.get("damage", USUAL), event["k"]
    if name == "unclosed":
        yield event | {"k": k | {"x": True}}
    elif name == "duplicate":
        yield from (event, copy.deepcopy(event))
    elif name == "revised":
        yield from (event, event | {"k": k | revised(k)})
    elif name == "order":
        yield from (event, event | {"k": k | {"t": k["t"] - width, "T": k["T"] - width}})
    elif name == "wrong_symbol":
        yield event | {"k": k | {"s": peer}}
    elif name == "wrong_interval":
        yield event | {"k": k | {"i": "3d"} | damaged(k, name, "", width)}
    elif name == "missing_field":
        gone = LETTER[fault.params.get("field", "volume")]
        yield event | {"k": {key: value for key, value in k.items() if key != gone}}
    elif name == "extra_field":
        yield event | {"k": k | {"z": "0"}}
    else:
        yield event | {"k": k | damaged(k, name, fault.params.get("field", "close"), width)}


# -- damages ----------------------------------------------------------------------------------------------------------


def revised(cells: Json) -> Json:
    close = Decimal(cells["c"]) * REVISED
    return cells | {"c": str(close), "h": str(max(close, Decimal(cells["h"])))}


def times(cells: Json, factor: Decimal) -> Json:
    return cells | {letter: str(Decimal(cells[letter]) * factor) for letter in "ohlc"}


def damaged(cells: Json, name: str, field: str, width: int) -> Json:
    """A candle's cells (t, o, h, l, c, v, T) with one damage; the others stay."""
    if name in INSTEAD:
        return cells | {LETTER[field]: INSTEAD[name]}
    return WAYS[name](cells, LETTER.get(field, "c"), width)


WAYS: dict[str, Callable[[Json, str, int], Json]] = {
    "negative": lambda k, at, width: k | {at: f"-{k[at]}"},
    "negative_volume": lambda k, at, width: k | {"v": "-1"},
    "high_below_low": lambda k, at, width: k | {"h": str(Decimal(k["l"]) * Decimal("0.99"))},
    "close_outside": lambda k, at, width: k | {"c": str(Decimal(k["h"]) * Decimal("1.5"))},
    "open_outside": lambda k, at, width: k | {"o": str(Decimal(k["l"]) * Decimal("0.5"))},
    "future": lambda k, at, width: k | {"t": k["t"] + AHEAD * width, "T": k["T"] + AHEAD * width},
    "misaligned": lambda k, at, width: k | {"t": k["t"] + SHIFT_MS, "T": k["T"] + SHIFT_MS},
    "wrong_interval": lambda k, at, width: k | {"T": k["t"] + 3 * width - 1},
    "spike_up": lambda k, at, width: times(k, Decimal(10)),
    "spike_down": lambda k, at, width: times(k, Decimal("0.1")),
    "flat": lambda k, at, width: k | dict.fromkeys("ohlc", k["o"]),
}
STRUCTURAL = ("duplicate", "revised", "unclosed", "order", "wrong_symbol", "missing_field", "extra_field")
DAMAGES = (*INSTEAD, *WAYS, *STRUCTURAL)
