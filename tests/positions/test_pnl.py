"""What a position earned."""

from decimal import Decimal as D

import pytest

from trading.exchange.venue import Side
from trading.positions.pnl import Execution, Result, realized, result, tally, unrealized


def fills(side: Side, *rows: tuple[str, str, str]) -> list[Execution]:
    """(in or out, price, quantity), each with a fee of 1."""
    return [Execution(side.entry if way == "in" else side.exit, D(p), D(q), D(1)) for way, p, q in rows]


@pytest.mark.parametrize(
    ("side", "mark", "expected"),
    [(Side.LONG, 110, 20), (Side.LONG, 95, -10), (Side.SHORT, 110, -20), (Side.SHORT, 95, 10)],
)
def test_profit_on_paper_is_the_way_the_price_went_for_this_side(side, mark, expected):
    assert unrealized(side, D(2), D(100), D(mark)) == expected


@pytest.mark.parametrize("side", list(Side))
def test_fills_add_up(side):
    made = tally(side, fills(side, ("in", "100", "1"), ("in", "102", "1"), ("out", "110", "0.5")))
    assert (made.opened, made.closed, made.left) == (2, D("0.5"), D("1.5"))
    assert (made.entry_price, made.exit_price, made.fees) == (101, 110, 3)


def test_no_fill_has_no_price():
    made = tally(Side.LONG, [])
    assert made.entry_price is made.exit_price is None
    assert realized(Side.LONG, D(100), None, D(0)) == 0


@pytest.mark.parametrize(
    ("gross", "fees", "funding", "net", "r"),
    [(40, 2, 1, 39, 3.9), (-10, 2, 0, -12, -1.2), (0, 2, -1, -3, -0.3)],
)
def test_net_is_gross_less_fees_plus_funding_and_r_is_net_over_the_initial_risk(gross, fees, funding, net, r):
    done = result(D(gross), D(fees), D(funding), r=D(5), quantity=D(2))
    assert done == Result(D(gross), D(fees), D(funding), D(net), r)
