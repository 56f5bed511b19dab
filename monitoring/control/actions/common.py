"""What every action shares: the errors it answers with, the reason it keeps, and what the page had shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

REASON_LENGTH = 500


class BadRequest(ValueError):
    """What was asked makes no sense; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class Stale(RuntimeError):
    """What the page showed is not so any more, or too old to act on: nothing was changed."""


class Unreachable(RuntimeError):
    """Whoever had to be asked does not answer: nothing was asked for."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person saw when they pressed: the row's values, and when they were true. Both may be left out."""

    values: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None

    def must_hold(self, actual: Mapping[str, Any], now: datetime, limit: timedelta) -> None:
        """Raise `Stale` where it is older than `limit`, or where a value has changed since."""
        if self.as_of is not None and now - self.as_of > limit:
            age, most = (now - self.as_of).total_seconds(), limit.total_seconds()
            raise Stale(f"The page was {age:.0f} s old, at most {most:.0f} s. Look at it anew.")
        for name, was in self.values.items():
            if name not in actual:
                raise BadRequest("shown", f"shown.{name} is nothing that this control shows.")
            if plain(was) != plain(actual[name]):
                raise Stale(f"{name} is {plain(actual[name])} by now, and was {plain(was)} on the page.")


UNSEEN = Shown()


def plain(value: Any) -> str:
    """A value as text: 6, 6.0 and "6.00" are the same."""
    try:
        return f"{Decimal(str(value)).normalize():f}"
    except InvalidOperation:
        return str(value)


def tidy(reason: str) -> str:
    """One line of printable text, at most as long as the row holds."""
    if not isinstance(reason, str):
        raise BadRequest("reason", "reason must be a text.")
    if any(ord(char) < 32 and char not in "\t\r\n" or 0xD800 <= ord(char) <= 0xDFFF for char in reason):
        raise BadRequest("reason", "reason holds characters that can't be stored.")
    line = " ".join(reason.split())
    if len(line) > REASON_LENGTH:
        raise BadRequest("reason", f"reason may have {REASON_LENGTH} characters, had {len(line)}.")
    return line


def needed(reason: str, why: str) -> str:
    """The tidy reason of an action that needs one."""
    line = tidy(reason)
    if not line:
        raise BadRequest("reason", f"{why} needs a reason.")
    return line
