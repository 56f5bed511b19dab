"""A stored bar as the gates saw it: rows' JSON and numbers in, the same desk and the same beliefs out (law 12)."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from trading.exchange.venue import Side
from trading.forecast.belief import Belief, Excluded, Vote
from trading.gates.desk import Desk


class Unreadable(ValueError):
    """What was stored is no desk of ours: nothing, or one that lacks what deciding needs."""


def desk(stored: Mapping[str, Any]) -> Desk:
    """The desk that a cycle kept. What was kept before a field existed has that field's default."""
    try:
        return value(Desk, stored)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"no desk can be read from what was stored: {error}") from error


def belief(row: Any) -> Belief:
    """The belief that a signal's row remembers."""
    return Belief(
        symbol=row.symbol,
        side=Side(row.side),
        confidence=row.confidence,
        agreement=row.agreement,
        votes=value(tuple[Vote, ...], row.votes),
        excluded=value(tuple[Excluded, ...], row.excluded),
        price=row.price,
        atr=row.atr,
        r=row.r,
        cost_r=row.cost_r,
        at=row.at,
    )


def value(kind: Any, stored: Any) -> Any:
    """A value of that type from its JSON; a union of several types is left as it was stored."""
    origin, inner = get_origin(kind), get_args(kind)
    if stored is None:
        return None
    if origin in (Union, types.UnionType):
        known = [one for one in inner if one is not type(None)]
        return value(known[0], stored) if len(known) == 1 else stored
    if origin is tuple:
        return tuple(value(inner[0], one) for one in stored)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key(inner[0], name): value(inner[1], one) for name, one in stored.items()}
    return plain(kind, stored)


def plain(kind: Any, stored: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        known = hints(kind)
        return kind(**{f.name: value(known[f.name], stored[f.name]) for f in fields(kind) if f.name in stored})
    if kind is datetime:
        return datetime.fromisoformat(stored)
    if kind is timedelta:
        return timedelta(seconds=stored)
    if kind in (Decimal, float, int) or (isinstance(kind, type) and issubclass(kind, Enum)):
        return kind(stored)
    return stored


def key(kind: Any, name: str) -> Any:
    """A pair of symbols is stored as one name."""
    return tuple(name.split("|")) if get_origin(kind) is tuple else name


@cache
def hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)
