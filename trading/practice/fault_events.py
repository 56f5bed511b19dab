"""What faults do to the user-data stream and to sockets: events told twice, or in the wrong order; sockets dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from trading.practice.faults import Desk

Message = dict[str, Any]
PAIR, PATIENCE = 2, 2  # events that change places; seconds that the first of them waits for the others


def symbol_of(message: Message) -> str:
    return str(message.get("o", {}).get("s", ""))


@dataclass(slots=True)
class Scrambler:
    """The events on their way out; what a fault holds back leaves with its company, or when it waited long enough."""

    desk: Desk
    held: list[Message] = field(default_factory=list)
    since: int = 0

    def pass_on(self, message: Message, now: int) -> list[Message]:
        """What leaves now, in this order."""
        out = [message] * (1 + self._copies(message, now))
        fault = next((f for f in self.desk.standing("reorder_events", now) if f.concerns(symbol_of(message))), None)
        if fault is None and not self.held:
            return out
        self.since = self.since if self.held else now
        self.held += out
        if fault is not None and len(self.held) < fault.params.get("count", PAIR):
            return []
        if fault is not None:
            fault.hits += 1
        return self._release()

    def overdue(self, now: int) -> list[Message]:
        """What waited in vain for company."""
        faults = self.desk.standing("reorder_events", now)
        patience = max((f.params.get("seconds", PATIENCE) for f in faults), default=0)
        return self._release() if self.held and now - self.since >= 1000 * patience else []

    def _copies(self, message: Message, now: int) -> int:
        """How often a fill is told once more."""
        if message.get("e") != "ORDER_TRADE_UPDATE" or message["o"]["x"] != "TRADE":
            return 0
        for fault in self.desk.standing("duplicate_fill_event", now):
            if fault.concerns(symbol_of(message)):
                fault.hits += 1
                return int(fault.params.get("copies", 1))
        return 0

    def _release(self) -> list[Message]:
        out, self.held = self.held[::-1], []
        return out


def dropped(desk: Desk, sockets: Iterable[tuple[Any, bool, Iterable[str]]], now: int) -> list[Any]:
    """Of sockets, each with whether it is the user's and its streams, those that a fault ends now: one hit for all."""
    known = list(sockets)
    for fault in desk.standing("drop_stream", now):
        wanted = fault.params.get("stream", "")
        found = [socket for socket, user, names in known if not wanted or _carries(wanted, user, names)]
        if found:
            fault.hits += 1
            return found
    return []


def _carries(wanted: str, user: bool, names: Iterable[str]) -> bool:
    return (user and wanted == "user") or any(wanted in name for name in names)
