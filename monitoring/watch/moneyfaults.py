"""What is wrong with the money, as the detectors take it: a day that differs, stops that broke their contract. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DIFFERS, BROKEN = "MONEY_DIFFERS", "STOPS_BROKEN"
CODES = {"books-differ": DIFFERS, "stops-broken": BROKEN}  # of the verdicts in money.py


@dataclass(frozen=True, slots=True)
class MoneyFault:
    """`subject` is the day, or "" where it is the venue's contract."""

    code: str
    subject: str
    params: Mapping[str, str | float] = field(default_factory=dict)


def fault(code: str, params: Mapping[str, str | float]) -> MoneyFault | None:
    """A verdict of money.py as a fault; None where it is none."""
    if code not in CODES:
        return None
    return MoneyFault(CODES[code], str(params.get("day", "")), params)
