"""The silence that the venue asked for, whichever of our processes heard it. Pure, but for the state it keeps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from trading.exchange.errors import Silenced

TOO_MANY = -1003  # the code that goes with 429 and 418


@dataclass(frozen=True, slots=True)
class Told:
    """A silence as one process heard it and stored it. `banned`: nothing is asked, whatever it is for."""

    at: datetime
    until: datetime
    banned: bool

    def left(self, now: datetime) -> float:
        """Seconds; never more than it was to last, even where our clock was put back."""
        return min(self.until - now, self.until - self.at).total_seconds()


class Quiet:
    """After 429 only what reduces risk is asked; after 418 (a ban) nothing is. `now`: seconds that only go on."""

    def __init__(self) -> None:
        self.asked = self.banned = -math.inf  # until when
        self.taken: frozenset[Told] = frozenset()

    def hear(self, seconds: float, *, banned: bool, now: float) -> None:
        """The venue wants so many seconds more. Nothing that was asked for is shortened by what comes after it."""
        if banned:
            self.banned = max(self.banned, now + seconds)
        else:
            self.asked = max(self.asked, now + seconds)

    def take(self, told: Iterable[Told], at: datetime, now: float) -> None:
        """What is stored, each once: read again later, it ends when it was to end."""
        stored = frozenset(told)
        for one in stored - self.taken:
            self.hear(one.left(at), banned=one.banned, now=now)
        self.taken = stored

    def no(self, what: str, now: float, *, urgent: bool) -> Silenced | None:
        """Why this is not asked now, or None. `urgent` is what reduces risk."""
        banned = self.banned > now
        left = (self.banned if banned else self.asked) - now
        if left <= 0 or (urgent and not banned):
            return None
        said = f"{what}: not sent, {math.ceil(left)} s of silence are left that the venue asked for"
        return Silenced(said, TOO_MANY, left, banned=banned)
