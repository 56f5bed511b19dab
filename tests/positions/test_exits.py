"""When a position must be closed at market."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from trading.exchange.venue import Side
from trading.positions.exits import Held, Rules, bar_length, due, stop_passed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RULES = Rules()


def held(side: Side, **changes) -> Held:
    """Entry 100, stop 2 away, its limit 3 away; `best` given as a profit."""
    s = side.sign
    best = D(100) + s * D(changes.pop("best", "0"))
    one = Held(1, "X", side, D(100), D(2), D(100) - 2 * s, D(100) - 3 * s, best, NOW + timedelta(hours=1))
    return replace(one, **changes)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("profit", "changes", "code"),
    [
        ("1", {}, None),
        ("-2", {}, None),  # the stop is reached, and has time to fill
        ("-3", {}, None),  # at its limit it still can
        ("-3.1", {}, "stop_escalated"),
        ("-3.1", {"limit": None}, None),  # a stop-market has no limit
        ("-2.5", {"breached_at": NOW - timedelta(seconds=1.9)}, None),
        ("-2.5", {"breached_at": NOW - timedelta(seconds=2)}, "stop_escalated"),
        ("1", {"expires_at": NOW}, "time"),
        ("1", {"expires_at": NOW + timedelta(seconds=1)}, None),
        ("3", {"best": "4"}, None),  # trailing wants the stop at 2: it is moved
        ("1.9", {"best": "4"}, "trailing"),  # and has been passed already
    ],
)
def test_a_position_is_closed_when_its_time_is_over_or_its_stop_did_not_fill(side, profit, changes, code):
    out = due(held(side, **changes), D(100) + side.sign * D(profit), NOW, RULES)
    assert (out.code if out else None) == code


def test_without_a_mark_only_time_can_tell():
    late = held(Side.LONG, breached_at=NOW - timedelta(minutes=1))
    assert due(held(Side.LONG), None, NOW, RULES) is None
    assert due(replace(late, expires_at=NOW), None, NOW, RULES).code == "time"
    assert due(late, None, NOW, RULES).code == "stop_escalated"


@pytest.mark.parametrize(("side", "mark"), [(Side.LONG, 98), (Side.SHORT, 102)])
def test_a_stop_is_passed_at_its_price(side, mark):
    assert stop_passed(held(side), D(mark))
    assert not stop_passed(held(side), D(mark) + side.sign * D("0.01"))
    assert not stop_passed(held(side, stop=None), D(mark))


@pytest.mark.parametrize(("name", "seconds"), [("1m", 60), ("15m", 900), ("4h", 14400), ("1d", 86400)])
def test_a_timeframe_has_a_length(name, seconds):
    assert bar_length(name) == timedelta(seconds=seconds)
