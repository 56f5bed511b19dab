"""The fault desk: ways in which the exchange can be made to misbehave, for tests and drills. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trading.practice.values import Answer

STANDING = ("mute_stream", "change_account_mode", "clock_skew")  # meet no single request
BUILT = ("http_status", "error_code", "timeout_after", "reject_stop", *STANDING)
PLANNED = (
    "timeout_before", "reset_after", "garbage_body", "html_body", "delay", "partial_fill", "cancel_stop", "ack_only",
    "duplicate_fill_event", "reorder_events", "drop_stream", "stale_klines", "missing_klines", "bad_kline",
    "frozen_price", "delist", "change_filters", "rate_limit", "ban", "key_revoked", "liquidate", "latency",
)  # fmt: skip
ALGO_ORDER = ("POST", "/fapi/v1/algoOrder")
MAX_FAULTS = 100


class BadFault(ValueError):
    """What is wrong with a posted fault, by field."""

    def __init__(self, field_name: str, message: str) -> None:
        self.field = field_name
        super().__init__(message)


@dataclass(slots=True)
class Fault:
    """One injected fault: what it does, to which requests or streams, how often or until when."""

    id: int
    kind: str
    match: dict[str, str]
    params: dict[str, Any]
    times: int | None = None
    until: int | None = None
    hits: int = 0

    def live(self, now: int) -> bool:
        return (self.times is None or self.hits < self.times) and (self.until is None or now < self.until)

    def meets(self, method: str, path: str, symbol: str) -> bool:
        wanted = self.match
        return (
            wanted.get("method", method).upper() == method
            and wanted.get("path", path) == path
            and wanted.get("symbol", symbol).upper() == symbol.upper()
        )

    def describe(self, now: int) -> dict[str, Any]:
        left = None if self.until is None else max(0, self.until - now) / 1000
        times_left = None if self.times is None else self.times - self.hits
        row = {"id": self.id, "kind": self.kind, "match": self.match, "params": self.params, "hits": self.hits}
        return row | {"times_left": times_left, "seconds_left": left}


@dataclass(slots=True)
class Desk:
    """All faults that are in force."""

    faults: dict[int, Fault] = field(default_factory=dict)
    last_id: int = 0

    def add(self, body: Any, now: int) -> Fault:
        """A fault from its JSON; `BadFault` names the field that is wrong."""
        self.prune(now)
        if len(self.faults) >= MAX_FAULTS:
            raise BadFault("kind", f"there are {MAX_FAULTS} faults already; end some first")
        fault = read_fault(body, self.last_id + 1, now)
        self.last_id = fault.id
        self.faults[fault.id] = fault
        return fault

    def end(self, fault_id: int) -> bool:
        return self.faults.pop(fault_id, None) is not None

    def prune(self, now: int) -> None:
        self.faults = {i: f for i, f in self.faults.items() if f.live(now)}

    def on_request(self, method: str, path: str, symbol: str, now: int) -> Fault | None:
        """The first fault that meets this request; it counts as a hit."""
        for fault in self.faults.values():
            if fault.kind in STANDING or not fault.live(now) or not fault.meets(method, path, symbol):
                continue
            if fault.kind == "reject_stop" and (method, path) != ALGO_ORDER:
                continue
            fault.hits += 1
            return fault
        return None

    def account_mode(self, name: str, now: int) -> bool:
        """Whether somebody has switched the account to this mode: `hedge` or `multi_assets`."""
        changed = [f for f in self.faults.values() if f.kind == "change_account_mode" and f.live(now)]
        return any(fault.params.get(name, False) for fault in changed)

    def skew(self, now: int) -> int:
        """How far the exchange's clock is off, in ms."""
        found = [f for f in self.faults.values() if f.kind == "clock_skew" and f.live(now)]
        return sum(int(1000 * fault.params["seconds"]) for fault in found)

    def mutes(self, stream: str, symbol: str, now: int) -> bool:
        """Whether this stream is silenced now; `user` is the name of the user-data stream."""
        for fault in self.faults.values():
            if fault.kind != "mute_stream" or not fault.live(now):
                continue
            if fault.params.get("stream", stream) in stream and fault.match.get("symbol", symbol).upper() == symbol:
                fault.hits += 1
                return True
        return False


def read_fault(body: Any, fault_id: int, now: int) -> Fault:
    if not isinstance(body, dict):
        raise BadFault("body", "a JSON object is wanted")
    unknown = set(body) - {"kind", "match", "times", "seconds", "params"}
    if unknown:
        raise BadFault(sorted(unknown)[0], "unknown field; known are kind, match, times, seconds, params")
    kind = body.get("kind")
    if kind in PLANNED:
        raise BadFault("kind", f"{kind} is not built yet; built are {', '.join(BUILT)}")
    if kind not in BUILT:
        raise BadFault("kind", f"unknown kind {kind!r}; built are {', '.join(BUILT)}")
    match, params = body.get("match", {}), body.get("params", {})
    if not isinstance(match, dict) or not all(isinstance(v, str) for v in match.values()):
        raise BadFault("match", "an object of strings is wanted: method, path, symbol")
    if set(match) - {"method", "path", "symbol"}:
        raise BadFault("match", "known are method, path, symbol")
    if not isinstance(params, dict):
        raise BadFault("params", "an object is wanted")
    _check_params(kind, params)
    times, seconds = body.get("times"), body.get("seconds")
    if times is not None and seconds is not None:
        raise BadFault("times", "give times or seconds, not both")
    if times is not None and kind in ("change_account_mode", "clock_skew"):
        raise BadFault("times", f"{kind} stands for some seconds, or until it is ended")
    if times is not None and (not _whole(times) or times < 1):
        raise BadFault("times", f"a whole number from 1 is wanted, was {times!r}")
    if seconds is not None and (
        isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 86_400
    ):
        raise BadFault("seconds", f"a number of seconds within 0..86400 is wanted, was {seconds!r}")
    return Fault(fault_id, kind, match, params, times, None if seconds is None else now + int(seconds * 1000))


PARAMS: Mapping[str, dict[str, tuple[int, int]]] = {
    "http_status": {"status": (400, 599)},
    "error_code": {"code": (-30_000, -1), "status": (400, 599)},
    "timeout_after": {"seconds": (0, 120)},
    "reject_stop": {"code": (-30_000, -1)},
    "mute_stream": {},
    "change_account_mode": {},
    "clock_skew": {"seconds": (-86_400, 86_400)},
}
FLAGS = {"change_account_mode": ("hedge", "multi_assets")}
TEXTS = {"http_status": ("body",), "error_code": ("message",), "mute_stream": ("stream",)}


def _check_params(kind: str, params: dict[str, Any]) -> None:
    for name, value in params.items():
        if name in TEXTS.get(kind, ()):
            if not isinstance(value, str):
                raise BadFault(f"params.{name}", f"a string is wanted, was {value!r}")
            continue
        if name in FLAGS.get(kind, ()):
            if not isinstance(value, bool):
                raise BadFault(f"params.{name}", f"true or false is wanted, was {value!r}")
            continue
        if name not in PARAMS[kind]:
            raise BadFault(f"params.{name}", f"unknown for {kind}")
        low, high = PARAMS[kind][name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise BadFault(f"params.{name}", f"a number within {low}..{high} is wanted, was {value!r}")
        if name != "seconds" and not _whole(value):
            raise BadFault(f"params.{name}", f"a whole number is wanted, was {value!r}")
    if kind == "error_code" and "code" not in params:
        raise BadFault("params.code", "error_code needs the code to answer")
    if kind == "clock_skew" and "seconds" not in params:
        raise BadFault("params.seconds", "clock_skew needs the seconds that the clock is ahead")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def instead(fault: Fault, errors: Any) -> Answer | None:
    """What is answered without asking the exchange at all, or None where it is asked."""
    if fault.kind == "http_status":
        status = fault.params.get("status", 503)
        body = fault.params.get("body")
        return Answer(status, body if body is not None else {"code": -1000, "msg": f"Injected HTTP status {status}."})
    if fault.kind in ("error_code", "reject_stop"):
        code = fault.params.get("code", -4045)
        status, message = errors(code)
        return Answer(fault.params.get("status", status), {"code": code, "msg": fault.params.get("message", message)})
    return None


def timed_out(fault: Fault, errors: Any) -> Answer:
    """The answer that never comes in time: the request was executed, its sender is told only that nobody knows."""
    status, message = errors(-1007)
    return Answer(status, {"code": -1007, "msg": message}, delay=float(fault.params.get("seconds", 0)))
