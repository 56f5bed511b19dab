"""The stop follows the best price, for long and short alike."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.exchange.venue import Side
from trading.positions.trailing import Ride, TrailRule, armed, better, wanted_stop

RULE = TrailRule()


def ride(side: Side, r: str = "2", stop: str = "-2", best: str = "0") -> Ride:
    """Prices as distances from an entry at 100, positive is profit."""
    at = lambda way: D(100) + side.sign * D(way)  # noqa: E731
    return Ride(side, D(100), D(r), at(stop), at(best))


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("r", "best", "is_armed"),
    [("2", "1.9", False), ("2", "2", True), ("0.2", "0.4", False), ("0.2", "0.5", True)],
)
def test_trailing_begins_at_the_larger_of_one_r_and_the_least_profit(side, r, best, is_armed):
    assert armed(ride(side, r=r, best=best), RULE) is is_armed


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("stop", "best", "wanted"),
    [
        ("-2", "1.9", None),  # not armed
        ("-2", "2", "0"),  # at 1 R the stop goes to the entry
        ("0", "3", "1"),
        ("1", "3.05", None),  # 0.05 is less than 0.1 % of the price
        ("1", "3.2", "1.2"),
        ("1.5", "3", None),  # never loosened
    ],
)
def test_the_stop_stays_one_r_behind_the_best_price(side, stop, best, wanted):
    expected = None if wanted is None else D(100) + side.sign * D(wanted)
    assert wanted_stop(ride(side, stop=stop, best=best), RULE) == expected


@given(st.sampled_from(list(Side)), st.lists(st.decimals(90, 110, places=2), min_size=1, max_size=60))
def test_along_any_path_the_stop_only_ever_tightens(side, path):
    stop, best = D(100) - side.sign * 2, D(100)
    for mark in path:
        best = better(side, best, mark)
        moved = wanted_stop(Ride(side, D(100), D(2), stop, best), RULE)
        if moved is not None:
            assert side.sign * (moved - stop) >= stop * RULE.step
            stop = moved
