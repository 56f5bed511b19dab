"""Small pure parts of the overview."""

from datetime import UTC, datetime

from monitoring.show.feed import Line, fold
from monitoring.show.spark import spark

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(number, bar=1, code="LOW_CONFIDENCE", outcome="rejected"):
    return Line(number, NOW, "BTC/USDT:USDT", "long", 0.4, outcome, code, (), "", bar)


def test_the_same_answer_in_the_same_bar_is_one_line_that_says_how_many_more():
    lines = fold([line(9), line(8), line(7, code="CORRELATION"), line(6), line(5, bar=0)], 10)
    assert [(one.id, one.more) for one in lines] == [(9, 2), (7, 0), (5, 0)]


def test_trades_and_failures_are_never_folded():
    assert len(fold([line(n, code="", outcome="traded") for n in (3, 2, 1)], 10)) == 3


def test_a_line_needs_two_points():
    assert spark([]) is None
    assert spark([1.0]) is None


def test_the_line_fills_its_box_and_starts_where_the_day_began():
    drawn = spark([100.0, 110.0, 90.0])
    assert drawn.points == "2.0,24.0 150.0,4.0 298.0,44.0"
    assert drawn.start == 24.0


def test_a_flat_day_is_a_line_in_the_middle():
    assert spark([5.0, 5.0]).points == "2.0,24.0 298.0,24.0"
