"""What the probes are told of rows: here, seconds without a stop."""

from datetime import timedelta

import pytest

from monitoring.watch.probes import answers
from monitoring.watch.probes.rows import read, worst_gap
from tests import builders
from tests.builders import NOW
from trading.models import Position

pytestmark = pytest.mark.django_db
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def closed(at, **changes) -> Position:
    return builders.position(status="closed", quantity=0, closed_at=at, close_reason="stop", **changes)


def test_where_nothing_was_open_there_is_no_gap():
    closed(NOW - 25 * HOUR, opened_at=NOW - 26 * HOUR, seconds_unprotected=90)
    assert worst_gap(NOW) is None


def test_a_position_that_died_without_a_stop_was_without_one_until_then():
    row = closed(NOW - HOUR, opened_at=NOW - 2 * HOUR, seconds_unprotected=1.5,
                 unprotected_since=NOW - HOUR - 40 * SECOND)  # fmt: skip
    builders.position(symbol="ETH/USDT:USDT", opened_at=NOW - HOUR, seconds_unprotected=2, protected_since=NOW - HOUR)
    assert worst_gap(NOW) == (row.pk, 41.5)
    said = answers(read(NOW))["position_monitor.no_gap"]
    assert (said.state, said.code, said.params["seconds_s"]) == ("fail", "gap", 41.5)


@pytest.mark.parametrize("end", [None, NOW - HOUR])
def test_a_position_that_is_older_than_a_day_counts_while_it_is_open_and_the_day_after(end):
    about = {"opened_at": NOW - 30 * HOUR, "seconds_unprotected": 7.0}
    row = closed(end, **about) if end else builders.position(**about)
    assert worst_gap(NOW) == (row.pk, 7.0)


def test_a_gap_that_is_open_grows():
    row = builders.position(opened_at=NOW - HOUR, unprotected_since=NOW - 3 * SECOND)
    assert [worst_gap(NOW + n * SECOND) for n in (0, 9)] == [(row.pk, 3.0), (row.pk, 12.0)]


def test_a_close_that_came_before_the_gap_was_seen_makes_none():
    row = closed(NOW - HOUR, opened_at=NOW - 2 * HOUR, unprotected_since=NOW - HOUR + SECOND)
    assert worst_gap(NOW) == (row.pk, 0.0)
