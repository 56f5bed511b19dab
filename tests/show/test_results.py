"""What closed trades add up to."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from monitoring.show.results import Closed, by_day, deepest_fall, results, slipped

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def closed(net, hours=0, reason="stop", r=None):
    net = Decimal(str(net))
    return Closed(
        NOON + timedelta(hours=hours), net, Decimal("0.5"), Decimal(0), float(net) / 10 if r is None else r, reason
    )


def test_no_trade_has_no_result():
    assert results([]) is None


def test_wins_losses_and_their_ratio():
    seen = results([closed(20), closed(-10, 1), closed(-10, 2), closed(30, 3)])
    assert (seen.n, seen.wins, seen.net, seen.fees) == (4, 2, 30, 2)
    assert (seen.win_rate, seen.expectancy, seen.profit_factor) == (0.5, Decimal("7.5"), 2.5)
    assert (seen.deepest, seen.best, seen.worst) == (20, 30, -10)
    assert seen.r_interval is None  # four are too few


def test_nothing_lost_has_no_profit_factor():
    assert results([closed(5), closed(6)]).profit_factor is None


def test_the_interval_of_the_mean_holds_it():
    seen = results([closed(n, i) for i, n in enumerate((10, -10, 12, -9, 8, 11))])
    low, high = seen.r_interval
    assert low < seen.mean_r < high


@pytest.mark.parametrize(
    ("amounts", "deepest"), [((), 0), ((5, 5), 0), ((-3,), 3), ((10, -4, -4, 20, -1), 8), ((-1, -1, 5), 2)]
)
def test_the_deepest_fall_is_from_the_highest_point_so_far(amounts, deepest):
    assert deepest_fall(Decimal(a) for a in amounts) == deepest


def test_endings_are_counted_the_most_frequent_first():
    seen = results([closed(-1), closed(-1), closed(3, reason="target")])
    assert [(g.reason, g.n, g.wins) for g in seen.groups] == [("stop", 2, 0), ("target", 1, 1)]


def test_a_day_is_a_day_of_utc():
    late = closed(1, hours=11)  # 23:00
    assert by_day([closed(2), late, closed(4, hours=12)]) == [(date(2026, 11, 22), 3), (date(2026, 11, 23), 4)]


@pytest.mark.parametrize(
    ("side", "intended", "filled", "entry", "cost"),
    [
        ("long", 100, 101, True, 2),
        ("short", 100, 101, True, -2),
        ("long", 100, 99, False, 2),
        ("short", 100, 101, False, 2),
        ("long", None, 101, True, None),
        ("long", 100, None, False, None),
    ],
)
def test_a_worse_price_than_the_intended_one_costs(side, intended, filled, entry, cost):
    given = [Decimal(x) if x is not None else None for x in (intended, filled)]
    assert slipped(side, *given, Decimal(2), entry=entry) == cost
