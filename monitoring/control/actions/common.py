"""What every action shares: the errors it answers with, the reason it keeps, and what the page had shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, DecimalException
from typing import Any

from django.utils.translation import gettext as _

REASON_LENGTH = 500
LONGEST = 40  # characters of a value in a sentence, and digits that one is written out with


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
            told = {"age": f"{age:.0f}", "most": f"{most:.0f}"}
            raise Stale(_("The page was %(age)s s old, at most %(most)s s. Look at it anew.") % told)
        for name, was in self.values.items():
            if name not in actual:
                raise BadRequest("shown", _("shown.%(name)s is nothing that this control shows.") % {"name": name})
            if plain(was) != plain(actual[name]):
                told = {"name": name, "now": plain(actual[name])[:LONGEST], "was": plain(was)[:LONGEST]}
                raise Stale(_("%(name)s is %(now)s by now, and was %(was)s on the page.") % told)


UNSEEN = Shown()


def plain(value: Any) -> str:
    """A value as text: 6, 6.0 and "6.00" are the same."""
    try:
        number = Decimal(str(value)).normalize()
    except DecimalException:  # no number, or one beyond all bounds
        return str(value)
    return f"{number:f}" if abs(number.adjusted()) <= LONGEST else str(value)


def tidy(reason: str) -> str:
    """One line of printable text, at most as long as the row holds."""
    if not isinstance(reason, str):
        raise BadRequest("reason", _("reason must be a text."))
    if any(ord(char) < 32 and char not in "\t\r\n" or 0xD800 <= ord(char) <= 0xDFFF for char in reason):
        raise BadRequest("reason", _("reason holds characters that can't be stored."))
    line = " ".join(reason.split())
    if len(line) > REASON_LENGTH:
        told = {"most": REASON_LENGTH, "had": len(line)}
        raise BadRequest("reason", _("reason may have %(most)s characters, had %(had)s.") % told)
    return line


def needed(reason: str, what: str) -> str:
    """The tidy reason of an action that needs one; `what` begins the sentence where there is none."""
    line = tidy(reason)
    if not line:
        raise BadRequest("reason", _("%(what)s needs a reason.") % {"what": what})
    return line
