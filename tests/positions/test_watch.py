"""The stream's memory of positions: who needs its keeper, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from trading.exchange.venue import Side
from trading.positions.exits import Held, Rules
from trading.positions.watch import Watch

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def held(side: Side = Side.LONG, symbol: str = "X", number: int = 1) -> Held:
    s = side.sign
    return Held(number, symbol, side, D(100), D(2), D(100) - 2 * s, D(100) - 3 * s, D(100), NOW + timedelta(hours=1))


def watch(*positions: Held) -> Watch:
    one = Watch(Rules())
    one.load(positions)
    return one


def whys(one: Watch, side: Side, *ticks: tuple[float, str]) -> list[str]:
    """What the watch says at (second, profit) after (second, profit)."""
    said = []
    for second, profit in ticks:
        mark = D(100) + side.sign * D(profit)
        said.append(",".join(n.why for n in one.on_marks({"X": mark}, NOW + timedelta(seconds=second))))
    return said


@pytest.mark.parametrize("side", list(Side))
def test_a_quiet_price_needs_nobody(side):
    assert whys(watch(held(side)), side, (0, "0"), (1, "1.9"), (2, "-1.9")) == ["", "", ""]


@pytest.mark.parametrize("side", list(Side))
def test_a_passed_stop_is_told_at_once_and_escalated_when_it_has_not_filled(side):
    said = whys(watch(held(side)), side, (0, "-2"), (0.5, "-2.1"), (1, "-2.2"), (2, "-2.3"))
    assert said == ["stop_passed", "", "stop_passed", "stop_escalated"]


@pytest.mark.parametrize("side", list(Side))
def test_a_price_beyond_the_limit_is_escalated_at_once(side):
    assert whys(watch(held(side)), side, (0, "-3.5")) == ["stop_escalated"]


@pytest.mark.parametrize("side", list(Side))
def test_a_stop_that_was_touched_and_left_again_starts_anew(side):
    said = whys(watch(held(side)), side, (0, "-2"), (1, "-1"), (3, "-2"))
    assert said == ["stop_passed", "", "stop_passed"]


@pytest.mark.parametrize("side", list(Side))
def test_a_new_best_price_moves_the_stop_and_is_not_forgotten_when_the_rows_are_read_again(side):
    one = watch(held(side))
    assert whys(one, side, (0, "2"), (0.1, "3")) == ["trail", ""]
    one.load([held(side)])
    assert one.held["X"].best == D(100) + side.sign * 3
    one.load([replace(held(side), position_id=2)])  # another position on the same symbol
    assert one.held["X"].best == D(100)


def test_the_time_exit_is_due_by_itself():
    one = watch(held())
    assert [n.why for n in one.on_marks({"X": D(100)}, NOW + timedelta(hours=1))] == ["time"]


def test_positions_that_are_gone_and_symbols_that_are_not_held_raise_nothing():
    one = watch(held())
    one.load([])
    assert one.on_marks({"X": D(1), "Y": D(1)}, NOW) == []
