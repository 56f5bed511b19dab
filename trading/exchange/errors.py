"""What can go wrong at the venue, sorted by what we then know: refused, not accepted, or unknown.

A client library's exception class says too little: `classify` goes by the venue's code, then by its text, then by the
HTTP status, and by whether the request could change anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


class VenueError(Exception):
    """Any answer of the venue that is not the one we asked for. `code` is the venue's (e.g. -2019) or None."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Refused(VenueError):
    """Definite: the venue read the request and said no. Nothing happened there."""


class WouldTrigger(Refused):
    """-2021: the stop's price is already behind the market."""


class Duplicate(Refused):
    """-4116: an open order with this client id exists; ask for it."""


class NotAccepted(VenueError):
    """Definite: not executed, may be tried again later (rate limit, clock, overload)."""


class Silenced(NotAccepted):
    """The venue asked for silence: 429, or a ban (418). `seconds` are left of it; nothing was executed."""

    def __init__(self, message: str, code: int | None, seconds: float, *, banned: bool) -> None:
        super().__init__(message, code)
        self.seconds, self.banned = seconds, banned


class Unreachable(VenueError):
    """A read that got no usable answer. (A *write* without an answer is `OutcomeUnknown`.)"""


class OutcomeUnknown(VenueError):
    """A write whose answer was lost: it may or may not have happened. Never retried; asked about instead."""


class KeyRefused(VenueError):
    """-2014, -2015: wrong key, address or permission."""


CLOCK = frozenset({-1021, -5028})
NOT_SEEN = frozenset({-2013, -2011})  # no such order: not visible yet, or gone
UNKNOWN = frozenset({-1000, -1001, -1006, -1007})
TOO_MANY = frozenset({-1003, -1015})  # 429 and 418
LATER = frozenset({-1008}) | TOO_MANY | CLOCK
KEY = frozenset({-1022, -2014, -2015})
SPECIAL: dict[int, type[VenueError]] = {
    -2021: WouldTrigger,
    -4116: Duplicate,
    **dict.fromkeys(LATER, NotAccepted),
    **dict.fromkeys(KEY, KeyRefused),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: HTTP status and body, None where nothing did. `sent` is False if no byte can have left us."""

    status: int | None = None
    body: str | None = None
    sent: bool = True

    @property
    def error(self) -> tuple[int | None, str]:
        """The venue's code and text, where the body is its JSON error."""
        try:
            parsed = json.loads(self.body or "")
        except ValueError:
            return None, ""
        if not isinstance(parsed, dict):
            return None, ""
        code = parsed.get("code")
        code = int(code) if isinstance(code, int) or (isinstance(code, str) and code.lstrip("-").isdigit()) else None
        return (code if code is not None and code < 0 else None), str(parsed.get("msg", ""))


def classify(answer: Answer, *, write: bool, what: str) -> VenueError:
    """The error that an unwelcome answer stands for. `what` names the request in the message, without secrets."""
    code, text = answer.error
    lost = OutcomeUnknown if write else Unreachable
    if code in SPECIAL:
        return SPECIAL[code](f"{what}: {text} ({code})", code)
    if code in UNKNOWN:
        return lost(f"{what}: {text} ({code})", code)
    if code is not None:
        return Refused(f"{what}: {text} ({code})", code)
    return without_code(answer, text, lost, write=write, what=what)


def without_code(answer: Answer, text: str, lost: type[VenueError], *, write: bool, what: str) -> VenueError:
    """No code of the venue to go by: HTML of something in between, a lost connection, garbage."""
    status = answer.status
    if status is None and not answer.sent:
        return (NotAccepted if write else Unreachable)(f"{what}: no connection, nothing was sent")
    if status is None:
        return lost(f"{what}: no answer")
    if status in (403, 418, 429) or text.startswith("Service Unavailable"):
        return NotAccepted(f"{what}: not accepted (HTTP {status})")
    if status == 401:
        return KeyRefused(f"{what}: key refused (HTTP 401)")
    if status < 400:
        return lost(f"{what}: unreadable answer (HTTP {status})")
    if status < 500 and status != 408:
        return Refused(f"{what}: HTTP {status}")
    return lost(f"{what}: HTTP {status}")
