"""A look at everything that is open, symbol by symbol: what goes wrong with one does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec

from trading.exchange.errors import VenueError
from trading.orders.lifecycle import StaleRow
from trading.orders.sender import AlreadySent, NotSent
from trading.runtime import Report

log = logging.getLogger(__name__)


class Waits(RuntimeError):
    """Not over, and nothing may be sent now: the next sweep takes it up again."""


OVER = (VenueError, StaleRow, NotSent, AlreadySent, Waits)  # ends one look at one symbol; the next look goes on
P = ParamSpec("P")
BROKEN: ContextVar[list[str]] = ContextVar("broken")  # what went wrong in the look at hand


class PartBroken(RuntimeError):
    """A look at everything met something that nobody foresaw; the rest was looked after."""


def all_of_them(look: Callable[P, Report]) -> Callable[P, Report]:
    """A look at everything ends in an error where one part was broken, but only after all the others had their turn."""

    @wraps(look)
    def told(*about: P.args, **more: P.kwargs) -> Report:
        broken: list[str] = []
        before = BROKEN.set(broken)
        try:
            report = look(*about, **more)
        finally:
            BROKEN.reset(before)
        if broken:
            raise PartBroken(f"{len(broken)} of {report.examined} could not be looked after; {broken[0]}"[:400])
        return report

    return told


def guarded(symbol: str, act: Callable[..., object], *about: Any) -> int:
    """One symbol's part of a sweep; what goes wrong with one does not stop the others. How many things were done."""
    try:
        done = act(*about)
    except OVER as error:
        log.warning("%s: %s", symbol, error)
        return 0
    except Exception as error:
        log.exception("%s could not be looked after", symbol)
        BROKEN.get([]).append(f"{symbol}: {type(error).__name__}: {error}")
        return 0
    return done if isinstance(done, int) else 0
