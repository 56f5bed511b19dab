"""The fault desk: ways in which the exchange can be made to misbehave, for tests and drills. Pure.

Which kinds there are, and what they take, is `fault_kinds`; what a request's fault answers is `misanswer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trading.practice.fault_kinds import BUILT, STANDING, UNCOUNTED, BadFault, check_kind, check_params

__all__ = ["BUILT", "Asked", "BadFault", "Desk", "Fault", "read_fault"]
ORDER, ALGO_ORDER = ("POST", "/fapi/v1/order"), ("POST", "/fapi/v1/algoOrder")
ONCE = ("liquidate", "drop_stream")  # kinds that happen once where neither times nor seconds are given
ONLY = {"reject_stop": ALGO_ORDER, "partial_fill": ORDER, "ack_only": ORDER}  # kinds that one endpoint alone can meet
MAX_FAULTS = 100


@dataclass(slots=True)
class Fault:
    """One injected fault: what it does, to which requests or streams, how often or until when (ms)."""

    id: int
    kind: str
    match: dict[str, str]
    params: dict[str, Any]
    times: int | None = None
    until: int | None = None
    hits: int = 0
    began: int = 0

    def live(self, now: int) -> bool:
        return (self.times is None or self.hits < self.times) and (self.until is None or now < self.until)

    def meets(self, method: str, path: str, symbol: str) -> bool:
        wanted = self.match
        return (
            wanted.get("method", method).upper() == method
            and wanted.get("path", path) == path
            and self.concerns(symbol)
            and ONLY.get(self.kind, (method, path)) == (method, path)
        )

    def concerns(self, symbol: str) -> bool:
        return self.match.get("symbol", symbol).upper() == symbol.upper()

    def describe(self, now: int) -> dict[str, Any]:
        left = None if self.until is None else max(0, self.until - now) / 1000
        times_left = None if self.times is None else self.times - self.hits
        row = {"id": self.id, "kind": self.kind, "match": self.match, "params": self.params, "hits": self.hits}
        return row | {"times_left": times_left, "seconds_left": left}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a fault may look at in a request. `signed`: it carries the account's key; `exit`: it can only reduce."""

    method: str
    path: str
    symbol: str = ""
    signed: bool = False
    exit: bool = False
    weight: int = 0  # used in this minute, this request included


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

    def standing(self, kind: str, now: int) -> Iterator[Fault]:
        """The faults of this kind that are in force now."""
        return (f for f in self.faults.values() if f.kind == kind and f.live(now))

    def on_request(self, asked: Asked, now: int) -> Fault | None:
        """The first fault that meets this request; it counts as a hit."""
        for fault in self.faults.values():
            if fault.kind in STANDING or not fault.live(now) or _spared(fault, asked):
                continue
            if fault.meets(asked.method, asked.path, asked.symbol):
                fault.hits += 1
                return fault
        return None

    def lingers(self, asked: Asked, now: int) -> float:
        """Seconds that a request is on its way before the exchange gets it."""
        found = [f for f in self.standing("latency", now) if f.meets(asked.method, asked.path, asked.symbol)]
        return sum(_lag(fault) for fault in found)

    def account_mode(self, name: str, now: int) -> bool:
        """Whether somebody has switched the account to this mode: `hedge` or `multi_assets`."""
        return any(fault.params.get(name, False) for fault in self.standing("change_account_mode", now))

    def skew(self, now: int) -> int:
        """How far the exchange's clock is off, in ms."""
        return sum(int(1000 * fault.params["seconds"]) for fault in self.standing("clock_skew", now))

    def mutes(self, stream: str, symbol: str, now: int) -> bool:
        """Whether this stream is silenced now; `user` is the name of the user-data stream."""
        for fault in self.standing("mute_stream", now):
            if fault.params.get("stream", stream) in stream and fault.concerns(symbol):
                fault.hits += 1
                return True
        return False


def _spared(fault: Fault, asked: Asked) -> bool:
    """Requests that a fault lets through although they match."""
    if fault.kind == "key_revoked":
        return not asked.signed
    if fault.kind == "rate_limit":
        return asked.weight <= fault.params.get("weight", -1)
    return asked.exit and bool(fault.params.get("spares_exits", False))


def _lag(fault: Fault) -> float:
    """The delay of the next request, spread evenly over the jitter by the golden ratio: the same in every run."""
    fault.hits += 1
    spread = (fault.hits * 0.6180339887498949) % 1
    return float(fault.params.get("seconds", 0.2)) + spread * float(fault.params.get("jitter", 0))


def read_fault(body: Any, fault_id: int, now: int) -> Fault:
    if not isinstance(body, dict):
        raise BadFault("body", "a JSON object is wanted")
    unknown = set(body) - {"kind", "match", "times", "seconds", "params"}
    if unknown:
        raise BadFault(sorted(unknown)[0], "unknown field; known are kind, match, times, seconds, params")
    kind = check_kind(body.get("kind"))
    match, params = body.get("match", {}), body.get("params", {})
    if not isinstance(match, dict) or not all(isinstance(v, str) for v in match.values()):
        raise BadFault("match", "an object of strings is wanted: method, path, symbol")
    if set(match) - {"method", "path", "symbol"}:
        raise BadFault("match", "known are method, path, symbol")
    if not isinstance(params, dict):
        raise BadFault("params", "an object is wanted")
    check_params(kind, params)
    times, seconds = body.get("times"), body.get("seconds")
    if times is not None and seconds is not None:
        raise BadFault("times", "give times or seconds, not both")
    if times is not None and kind in UNCOUNTED:
        raise BadFault("times", f"{kind} stands for some seconds, or until it is ended")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise BadFault("times", f"a whole number from 1 is wanted, was {times!r}")
    if seconds is not None and (
        isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 86_400
    ):
        raise BadFault("seconds", f"a number of seconds within 0..86400 is wanted, was {seconds!r}")
    until = None if seconds is None else now + int(seconds * 1000)
    if times is None and seconds is None and kind in ONCE:
        times = 1
    return Fault(fault_id, kind, match, params, times, until, began=now)
