"""What the venue's own "not now" and "not you" mean for entries: they are held, with the reason, until it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from trading.exchange.errors import KeyRefused, Silenced, VenueError
from trading.exchange.rows import BAN, SILENCE
from trading.gates.directives import Level
from trading.gates.store import direct, lift
from trading.models import Directive

KEY = "venue:key"  # of the directive
KEY_HELD = timedelta(minutes=2)  # renewed as long as the key is refused
ENOUGH = timedelta(seconds=2)  # two ends of one silence are told apart by no more than this
BY = "executor"


def hold(error: VenueError, now: datetime) -> None:
    """Hold entries while the venue wants silence, or refuses our key; any other error holds nothing."""
    if isinstance(error, Silenced):
        until = now + timedelta(seconds=error.seconds)
        asked = "has banned this address (HTTP 418)" if error.banned else "asked for silence (HTTP 429)"
        said = f"the exchange {asked} for {error.seconds:.0f} s, until {until:%Y-%m-%d %H:%M:%S} UTC"
        _direct(BAN if error.banned else SILENCE, said, now, until, enough=until - ENOUGH)
    elif isinstance(error, KeyRefused):
        said = f"the exchange refuses our key ({error.code or 401}): wrong key, address or permission"
        _direct(KEY, said, now, now + KEY_HELD, enough=now + KEY_HELD / 2)


def silence_left(at: datetime) -> float | None:
    """Seconds from `at` to the end of the silence that the venue asked for; None where that is not known."""
    row = Directive.objects.filter(key__in=(SILENCE, BAN), until__gt=at).order_by("-until").first()
    return (row.until - at).total_seconds() if row is not None and row.until else None


def key_works(now: datetime) -> None:
    """The venue answered a signed request: nothing is held because of the key any more."""
    lift(KEY, BY, now)


def _direct(key: str, reason: str, now: datetime, until: datetime, enough: datetime) -> None:
    """Said once for a stretch of time, and again only where it lasts longer than was known."""
    if not Directive.objects.filter(key=key, ended_at__isnull=True, until__gte=enough).exists():
        direct(Level.NO_NEW_TRADES, key, reason, BY, now, until)
