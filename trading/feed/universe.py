"""Which symbols may be traded: chosen from the venue's list, stored as a snapshot that says why each is in or out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from django.conf import settings

from trading import events
from trading.exchange import wire
from trading.exchange.venue import Filters
from trading.feed import rows
from trading.models import UniverseSnapshot

log = logging.getLogger(__name__)

IN, OUT, UNKNOWN = "in", "out", "unknown"
MOST = 200  # how many of the venue's symbols are taken without an explicit list
KEEP = 500  # snapshots


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the universe. Only symbols that are in have a rank."""

    symbol: str
    rank: int | None
    status: str
    why: str


def as_symbol(name: str) -> str:
    """`BTCUSDT`, `BTC` or `BTC/USDT:USDT` as ccxt writes it."""
    name = name.strip()
    if "/" in name:
        return name if ":" in name else f"{name}:{name.partition('/')[2]}"
    return wire.symbol_of(name.upper()) or f"{name.upper()}/USDT:USDT"


def wanted(text: str) -> list[str]:
    """`QT_SYMBOLS` as symbols, each once."""
    return list(dict.fromkeys(as_symbol(name) for name in text.split(",") if name.strip()))


def choose(
    rules: Mapping[str, Filters], volumes: Mapping[str, Decimal], explicit: Sequence[str], most: int = MOST
) -> list[Listed]:
    """The universe: the explicit list where there is one, else what is traded against USDT, by volume."""
    if explicit:
        return ranked([(symbol, *listed(symbol, rules)) for symbol in explicit])
    names = sorted((s for s in rules if s.endswith(":USDT")), key=lambda s: (-volumes.get(s, Decimal(0)), s))
    judged = [(symbol, *listed(symbol, rules)) for symbol in names]
    inside = [symbol for symbol, status, _ in judged if status == IN][:most]
    chosen = set(inside)
    return ranked(
        [
            (symbol, status, why)
            if status != IN or symbol in chosen
            else (symbol, OUT, f"not among the {most} largest")
            for symbol, status, why in judged
        ]
    )


def listed(symbol: str, rules: Mapping[str, Filters]) -> tuple[str, str]:
    """Status and why."""
    if symbol not in rules:
        return UNKNOWN, "the venue has no such symbol"
    return (IN, "") if rules[symbol].trading else (OUT, "the venue does not trade it now")


def ranked(judged: Sequence[tuple[str, str, str]]) -> list[Listed]:
    """Those that are in first, numbered in the given order."""
    inside = [row for row in judged if row[1] == IN]
    outside = [row for row in judged if row[1] != IN]
    lines = [Listed(symbol, number, status, why) for number, (symbol, status, why) in enumerate(inside, 1)]
    return lines + [Listed(symbol, None, status, why) for symbol, status, why in outside]


class Venue(Protocol):
    """What a refresh asks."""

    def filters(self, fresh: bool = False) -> Mapping[str, Filters]: ...
    def volumes(self) -> Mapping[str, Decimal]: ...


def refresh(now: datetime, by: str, gateway: Venue | None = None) -> UniverseSnapshot:
    """Ask the venue and store what may be traded from now on. Raises a `VenueError` where it doesn't answer."""
    if gateway is None:
        from trading.exchange.gateway import venue

        gateway = venue()
    explicit = wanted(settings.QUANTUM.QT_SYMBOLS)
    rules = gateway.filters(fresh=True)
    lines = choose(rules, {} if explicit else gateway.volumes(), explicit)
    return keep(lines, now, source(explicit), by)


def source(explicit: Sequence[str]) -> str:
    return "QT_SYMBOLS" if explicit else settings.QUANTUM.data_source[:60]


def keep(lines: Sequence[Listed], now: datetime, origin: str, by: str) -> UniverseSnapshot:
    before = {row["symbol"] for row in getattr(rows.snapshot(), "symbols", [])}
    strangers = [line.symbol for line in lines if line.status == UNKNOWN and line.symbol not in before]
    if strangers:
        log.warning("the venue has no %s (QT_SYMBOLS)", ", ".join(strangers))
    made = UniverseSnapshot.objects.create(
        at=now, symbols=[asdict(line) for line in lines], source=origin, requested_by=by[:80]
    )
    stale = list(UniverseSnapshot.objects.order_by("-at", "-pk").values_list("pk", flat=True)[KEEP : KEEP + 1])
    if stale:
        UniverseSnapshot.objects.filter(pk__lte=stale[0]).delete()
    events.changed("universe")
    return made
