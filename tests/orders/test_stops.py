"""Stop prices: on the right side for every fill, rounded so that less is at risk."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trading.exchange.venue import Filters, Side
from trading.orders import stops
from trading.orders.stops import Plan, Protection, WorkingStop, protection

FILTERS = Filters("X", tick=D("0.1"), step=D("0.001"), min_quantity=D("0.001"), max_quantity=D(1000),
                  market_max_quantity=D(120), min_notional=D(5))  # fmt: skip
PLAN = Plan("stop_limit", r=D(2), backstop_distance=D(4), target_r=D("2.5"), band=D(1))

SIDES = st.sampled_from(list(Side))
KINDS = st.sampled_from(["stop_limit", "stop_market"])
TICKS = st.sampled_from([D("0.01"), D("0.1"), D("0.5"), D("0.00001"), D(1)])


@st.composite
def cases(draw):
    tick = draw(TICKS)
    fill = tick * draw(st.integers(50, 10**7)) + tick * draw(st.sampled_from([D(0), D("0.37")]))
    r = fill * draw(st.decimals("0.0001", "0.3", places=4))
    far, band = (r * draw(st.decimals("0", "3", places=2)) for _ in range(2))
    target = draw(st.decimals("0.5", "3", places=1))
    return fill, Plan(draw(KINDS), r, far, target, band), replace(FILTERS, tick=tick)


def test_a_long_and_a_short_are_mirrored():
    long = protection(Side.LONG, D(100), PLAN, FILTERS)
    short = protection(Side.SHORT, D(100), PLAN, FILTERS)
    assert long == Protection(WorkingStop(D(98), D(96)), D(96), D(105))
    assert short == Protection(WorkingStop(D(102), D(104)), D(104), D(95))


def test_the_limit_reaches_the_backstop_so_that_no_price_lies_between_them():
    made = protection(Side.LONG, D(100), replace(PLAN, band=D("0.2")), FILTERS)
    assert made.stop.limit == made.backstop


def test_a_wild_market_gets_a_wider_limit_but_never_beyond_percent_price():
    assert protection(Side.LONG, D(100), replace(PLAN, band=D(3)), FILTERS).stop.limit == D(95)
    assert protection(Side.LONG, D(100), replace(PLAN, band=D(50)), FILTERS).stop.limit == D("93.1")  # 95 % of 98
    assert protection(Side.SHORT, D(100), replace(PLAN, band=D(50)), FILTERS).stop.limit == D("107.1")


def test_the_backstop_is_never_nearer_than_a_quarter_r_behind_the_stop():
    assert protection(Side.LONG, D(100), replace(PLAN, backstop_distance=D(1)), FILTERS).backstop == D("97.5")


@given(SIDES, cases())
def test_every_price_lies_on_its_side_of_the_fill_and_on_the_tick(side, case):
    fill, plan, filters = case
    made = protection(side, fill, plan, filters)
    s = side.sign
    assert s * made.backstop < s * made.stop.trigger < s * fill < s * made.target
    prices = [made.stop.trigger, made.backstop, made.target] + ([made.stop.limit] if made.stop.limit else [])
    assert all(p > 0 and p % filters.tick == 0 for p in prices)
    assert (made.stop.limit is None) == (plan.kind == "stop_market")
    if made.stop.limit is not None:
        assert s * made.stop.limit <= s * made.stop.trigger


@given(SIDES, cases())
def test_rounding_never_risks_more_than_r_by_more_than_one_tick(side, case):
    fill, plan, filters = case
    assume(plan.r * min(1, plan.target_r) > 3 * filters.tick)
    made = protection(side, fill, plan, filters)
    assert side.sign * (fill - made.stop.trigger) <= plan.r
    assert side.sign * (made.target - fill) <= plan.r * plan.target_r


@given(SIDES, cases())
def test_the_wrong_sides_formula_is_caught_before_anything_is_sent(side, case):
    fill, plan, filters = case
    made = protection(side, fill, plan, filters)
    with pytest.raises(ValueError, match="can't have"):
        stops.check(side.opposite, fill, made)


def test_a_quantity_is_cut_into_lots_that_the_venue_takes_and_never_rounded_up():
    assert stops.lots(D("250.0009"), FILTERS) == [D(120), D(120), D("10.000")]
    assert stops.lots(D("0.0009"), FILTERS) == []


@pytest.mark.parametrize("largest", [D(0), D("0.0001")])
def test_a_largest_market_order_without_sense_does_not_keep_us_in(largest):
    assert stops.lots(D("0.05"), replace(FILTERS, market_max_quantity=largest)) == [D("0.050")]


@pytest.mark.parametrize("wrong", [{"kind": "trailing"}, {"r": D(0)}, {"r": D("NaN")}, {"target_r": D(-1)}])
def test_a_plan_without_sense_is_refused(wrong):
    with pytest.raises((ValueError, ArithmeticError)):
        replace(PLAN, **wrong)
