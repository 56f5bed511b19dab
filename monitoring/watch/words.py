"""How numbers, ages and prices are written: a true minus, thin facts, units that don't break away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from django.utils.translation import gettext as _

NBSP = "\u00a0"
MINUS = "\u2212"

Number = int | float | Decimal


def grouped(value: Number, places: int = 0) -> str:
    """1234.5 -> 1,234.5 with a true minus; -0.00 is 0.00."""
    known = value if isinstance(value, Decimal) else Decimal(str(value))
    rounded = known.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    if not rounded:
        rounded = abs(rounded)
    return f"{rounded:,f}".replace("-", MINUS)


def signed(value: Number, places: int = 2) -> str:
    """+12.47, −13.52 and 0.00."""
    text = grouped(value, places)
    return text if text.startswith(MINUS) or not value or not any(c in "123456789" for c in text) else f"+{text}"


def percent(share: Number, places: int = 2, *, sign: bool = False) -> str:
    """0.0124 -> 1.24 %."""
    points = (share if isinstance(share, Decimal) else Decimal(str(share))) * 100
    return f"{signed(points, places) if sign else grouped(points, places)}{NBSP}%"


def places_of(*values: Decimal | None, at_most: int = 10) -> int:
    """The decimals that the most finely written of these prices needs."""
    exponents = [int(v.normalize().as_tuple().exponent) for v in values if v]
    return min(at_most, max([0, *(-e for e in exponents)]))


def usual_places(value: Number) -> int:
    """Decimals that give a price five significant digits: 30214.5, 27.184, 0.74120."""
    size = abs(Decimal(str(value)))
    return max(0, 4 - size.adjusted()) if size else 2


def price(value: Decimal | None, places: int | None = None) -> str:
    """A price or quantity as exactly as it is known, without trailing zeros unless `places` asks for them."""
    if value is None:
        return _("No data")
    return grouped(value, places_of(value) if places is None else places)


def exact(value: Decimal) -> str:
    """Money for a machine: every digit, no exponent, no trailing zeros."""
    return f"{value.normalize():f}" if value else "0"


def plain(value: Number | str) -> str:
    """A measured value for a sentence: whole numbers whole, others with two decimals at most four digits."""
    if isinstance(value, str):
        return value
    known = Decimal(str(value))
    if known == int(known):
        return grouped(int(known))
    return grouped(known, 2 if abs(known) >= Decimal("0.1") else 4)


def age(span: timedelta | float) -> str:
    """One unit up to 2 min (38 s), then two (2 h 44 min); from 10 min on seconds don't matter."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole}{NBSP}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10 and rest:
        return f"{minutes}{NBSP}min {rest}{NBSP}s"
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}{NBSP}h {minutes}{NBSP}min" if minutes else f"{hours}{NBSP}h"
    days, hours = divmod(hours, 24)
    return f"{days}{NBSP}d {hours}{NBSP}h" if hours else f"{days}{NBSP}d"


def window(span: timedelta) -> str:
    """How a sentence names a window: the last hour, the last 24 h."""
    if span == timedelta(hours=1):
        return _("the last hour")
    return _("the last %(span)s") % {"span": age(span)}


def clock(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%H:%M:%S")


def iso(at: datetime | None) -> str | None:
    """UTC ISO-8601 with Z; microseconds only where there are some."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def market(symbol: str) -> str:
    """BTC/USDT:USDT as people write it: BTC/USDT."""
    return symbol.split(":")[0]
