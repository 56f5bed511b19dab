"""Every kind of fault and its parameters; a value that does not fit is refused by the name of its field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from trading.practice.candle_faults import DAMAGES, KLINE_KINDS, LETTER


class BadFault(ValueError):
    """What is wrong with a posted fault, by field."""

    def __init__(self, field_name: str, message: str) -> None:
        self.field = field_name
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Number:
    """A number within its bounds; only a whole one where `whole`."""

    low: float
    high: float
    whole: bool = False

    def check(self, value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return f"a number within {self.low:g}..{self.high:g} is wanted, was {value!r}"
        if self.whole and not isinstance(value, int):
            return f"a whole number is wanted, was {value!r}"
        return None


@dataclass(frozen=True, slots=True)
class Amount:
    """A positive decimal number, as a number or as text."""

    def check(self, value: Any) -> str | None:
        try:
            read = Decimal(str(value)) if isinstance(value, str | int | float) else Decimal(0)
        except InvalidOperation:
            read = Decimal(0)
        fits = not isinstance(value, bool) and read.is_finite() and Decimal("1e-12") <= read <= Decimal("1e12")
        return None if fits else f"a number above 0 is wanted, was {value!r}"


@dataclass(frozen=True, slots=True)
class Text:
    def check(self, value: Any) -> str | None:
        return None if isinstance(value, str) else f"a string is wanted, was {value!r}"


@dataclass(frozen=True, slots=True)
class Flag:
    def check(self, value: Any) -> str | None:
        return None if isinstance(value, bool) else f"true or false is wanted, was {value!r}"


@dataclass(frozen=True, slots=True)
class Choice:
    words: tuple[str, ...]

    def check(self, value: Any) -> str | None:
        return None if value in self.words else f"one of {', '.join(self.words)} is wanted, was {value!r}"


Param = Number | Amount | Text | Flag | Choice
STATUS = Number(400, 599, whole=True)
CODE = Number(-30_000, -1, whole=True)
WAIT = Number(0, 120)
WHERE = Choice(("rest", "stream"))  # both, unless it says
CANDLES = Number(1, 10_000, whole=True)  # how many, from the one that forms when the fault begins
SILENCE = Number(1, 86_400, whole=True)  # the Retry-After of 429 and 418

# What a request meets: an answer in the exchange's place, or one that its answer is turned into.
ON_REQUEST: Mapping[str, dict[str, Param]] = {
    "http_status": {"status": STATUS, "body": Text()},
    "error_code": {"code": CODE, "status": STATUS, "message": Text(), "spares_exits": Flag()},
    "rate_limit": {"seconds": SILENCE, "weight": Number(0, 100_000, whole=True)},
    "ban": {"seconds": SILENCE},
    "key_revoked": {},
    "timeout_before": {"seconds": WAIT, "answered": Flag()},
    "timeout_after": {"seconds": WAIT, "answered": Flag()},
    "reset_after": {"executed": Flag()},
    "garbage_body": {"executed": Flag(), "body": Text(), "status": Number(200, 599, whole=True)},
    "html_body": {"executed": Flag(), "body": Text(), "status": Number(200, 599, whole=True)},
    "delay": {"seconds": WAIT},
    "reject_stop": {"code": CODE},
    "partial_fill": {"share": Number(0, 1), "rest": Choice(("cancelled", "rests")), "seconds": Number(0, 86_400)},
    "ack_only": {"seconds": Number(0.001, 86_400)},
}
# What is so as long as the fault stands; it meets no single request.
STANDING: Mapping[str, dict[str, Param]] = {
    "mute_stream": {"stream": Text()},
    "drop_stream": {"stream": Text()},
    "duplicate_fill_event": {"copies": Number(1, 10, whole=True)},
    "reorder_events": {"count": Number(2, 50, whole=True), "seconds": Number(0, 60)},
    "change_account_mode": {"hedge": Flag(), "multi_assets": Flag()},
    "clock_skew": {"seconds": Number(-86_400, 86_400)},
    "latency": {"seconds": Number(0, 60), "jitter": Number(0, 60)},
    "cancel_stop": {
        "seconds": Number(0, 86_400),
        "type": Choice(("STOP", "STOP_MARKET")),
        "status": Choice(("CANCELED", "EXPIRED")),
    },
    "liquidate": {},
    "delist": {"status": Choice(("SETTLING", "BREAK", "CLOSE", "PENDING_TRADING"))},
    "change_filters": {"tick": Amount(), "step": Amount(), "min_quantity": Amount(), "min_notional": Amount()},
    "stale_klines": {"where": WHERE},
    "missing_klines": {"where": WHERE, "candles": CANDLES},
    "frozen_price": {"where": WHERE, "candles": CANDLES, "quiet": Flag()},
    "bad_kline": {"where": WHERE, "candles": CANDLES, "damage": Choice(DAMAGES), "field": Choice(tuple(LETTER))},
}
PARAMS = {**ON_REQUEST, **STANDING}
BUILT = tuple(PARAMS)
NEEDED = {
    "error_code": ("code", "error_code needs the code to answer"),
    "clock_skew": ("seconds", "clock_skew needs the seconds that the clock is ahead"),
}
UNCOUNTED = (
    "change_account_mode",
    "clock_skew",
    "latency",
    *KLINE_KINDS,
    "delist",
    "change_filters",
)  # stand for a time, are never used up


def check_kind(kind: Any) -> str:
    """The kind, where it is built."""
    if not isinstance(kind, str) or kind not in BUILT:
        raise BadFault("kind", f"unknown kind {kind!r}; built are {', '.join(BUILT)}")
    return kind


def check_params(kind: str, params: Mapping[str, Any]) -> None:
    for name, value in params.items():
        known = PARAMS[kind].get(name)
        if known is None:
            raise BadFault(f"params.{name}", f"unknown for {kind}")
        if wrong := known.check(value):
            raise BadFault(f"params.{name}", wrong)
    if kind in NEEDED and NEEDED[kind][0] not in params:
        raise BadFault(f"params.{NEEDED[kind][0]}", NEEDED[kind][1])
