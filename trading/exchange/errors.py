"""What can go wrong at the venue, sorted by what we then know: refused, not accepted, or unknown."""


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


class Unreachable(VenueError):
    """A read that got no usable answer. (A *write* without an answer is `OutcomeUnknown`.)"""


class OutcomeUnknown(VenueError):
    """A write whose answer was lost: it may or may not have happened. Never retried; asked about instead."""


class KeyRefused(VenueError):
    """-2014, -2015: wrong key, address or permission."""
