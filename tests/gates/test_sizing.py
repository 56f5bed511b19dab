"""How much: never more than the risk, always on the venue's grid."""

import decimal
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gates.builders import belief, desk, filters, limits, market, policy_now, with_market
from trading.exchange.venue import Side
from trading.gates import slots
from trading.gates.sizing import draft, liquidation_share, quantity_for, risk_budget

D = Decimal


def test_risk_over_stop_distance():
    """0.5 % of 10 000 is 50 USDT; at a stop of 1.50 that is 33.333 units."""
    ticket = draft(belief(), desk())
    assert (ticket.quantity, ticket.r, ticket.notional) == (D("33.333"), D("1.50"), D("3333.300"))
    assert ticket.risk == D("49.99950") <= 50


def test_the_policy_halves_the_size():
    assert draft(belief(), desk(policy=policy_now(size_factor=0.35))).quantity == D("11.666")


def test_the_stop_distance_is_rounded_up_to_a_tick():
    assert draft(belief(r=1.501), desk()).r == D("1.51")


@pytest.mark.parametrize(
    ("stop_atr", "backstop_atr", "distance"),
    [(1.5, 2.5, "2.50"), (1.0, 3.0, "4.50"), (3.0, 2.0, "1.88"), (1.5, 1.5, "1.88")],
)
def test_the_backstop_is_always_farther_than_the_stop(stop_atr, backstop_atr, distance):
    ticket = draft(belief(), desk(limits=limits(stop_atr=stop_atr, backstop_atr=backstop_atr)))
    assert ticket.backstop_distance == D(distance) > ticket.r


def test_one_market_order_carries_at_most_what_the_venue_takes():
    small = filters(market_max_quantity=D(10))
    assert draft(belief(), with_market(desk(), filters=small)).quantity == 10


def test_leverage_is_the_smallest_that_lets_every_slot_be_filled():
    assert draft(belief(), desk(limits=limits(max_positions=1))).leverage == 1
    assert draft(belief(), desk(limits=limits(max_positions=4))).leverage == 2
    assert draft(belief(), desk(limits=limits(max_positions=6))).leverage == 3
    assert draft(belief(), desk(limits=limits(max_positions=50))).leverage == 3  # never above the maximum


def test_leverage_stays_below_the_venues_and_below_what_brings_liquidation_near():
    capped = with_market(desk(limits=limits(max_positions=50)), filters=filters(max_leverage=2))
    assert draft(belief(), capped).leverage == 2
    wide = desk(limits=limits(max_positions=100, max_leverage=20))
    ticket = draft(belief(r=10.0), wide)  # twice a stop of 10 % needs liquidation 20 % away
    assert ticket.leverage == 4
    assert slots.liquidation_far(ticket, wide) is None
    assert slots.liquidation_far(replace(ticket, leverage=5), wide) is not None


@pytest.mark.parametrize("side", Side)
def test_liquidation_is_nearer_with_more_leverage(side):
    shares = [liquidation_share(n, side, filters()) for n in range(1, 21)]
    assert shares == sorted(shares, reverse=True) and shares[0] > D("0.9") and 0 < shares[-1] < D("0.05")


def test_what_cannot_be_sized_raises():
    for missing in (with_market(desk(), mark=None), with_market(desk(), filters=None), desk(equity=None)):
        with pytest.raises(ValueError, match="can't be sized"):
            draft(belief(), missing)


@pytest.mark.parametrize(
    ("gate", "changes", "code"),
    [
        (slots.quantity_left, {"quantity": D(0)}, "QTY_ZERO_AFTER_STEP"),
        (slots.quantity_left, {"quantity": D("0.0005")}, "QTY_ZERO_AFTER_STEP"),
        (slots.notional_enough, {"notional": D("4.99")}, "MIN_NOTIONAL"),
        (slots.notional_allowed, {"notional": D("30000.01")}, "NOTIONAL_LIMIT"),
        (slots.open_risk, {"risk": D("300.01")}, "TOTAL_RISK"),
        (slots.exposure, {"notional": D("30000.01")}, "EXPOSURE"),
        (slots.margin_free, {"margin": D("9999")}, "INSUFFICIENT_MARGIN"),
        (slots.liquidation_far, {"leverage": 40}, "LIQUIDATION_BUFFER"),
        (slots.liquidation_far, {"backstop_distance": D(99)}, "LIQUIDATION_BUFFER"),
    ],
)
def test_a_size_gate_rejects_beyond_its_limit(gate, changes, code):
    ticket = draft(belief(), desk())
    assert gate(ticket, desk()) is None
    no = gate(replace(ticket, **changes), desk())
    assert no.code == code and no.value is not None and no.limit is not None


@pytest.mark.parametrize(
    ("gate", "changes"),
    [
        (slots.notional_enough, {"notional": D(5)}),
        (slots.notional_allowed, {"notional": D(30_000)}),
        (slots.open_risk, {"risk": D(300)}),
        (slots.exposure, {"notional": D(30_000)}),
        (slots.quantity_left, {"quantity": D("0.001")}),
    ],
)
def test_a_size_gate_passes_on_its_limit(gate, changes):
    assert gate(replace(draft(belief(), desk()), **changes), desk()) is None


def test_every_size_gate_has_a_case():
    assert {g.__name__ for g in slots.SIZE_GATES} == {
        "quantity_left",
        "notional_enough",
        "notional_allowed",
        "open_risk",
        "exposure",
        "margin_free",
        "liquidation_far",
    }
    assert {g.__name__ for g in slots.SLOT_GATES} == {"free_slot", "uncorrelated"}


positive = st.decimals("0.01", "1000000", places=4)
steps = st.sampled_from([D("1"), D("0.1"), D("0.001"), D("10"), D("0.00001")])


@given(positive, st.decimals("0.0001", "5000", places=4), steps)
def test_the_quantity_never_risks_more_than_the_budget(budget, r, step):
    rules = filters(step=step, min_quantity=step, max_quantity=D(10**12), market_max_quantity=D(10**12))
    quantity = quantity_for(budget, r, rules)
    assert quantity * r <= budget
    assert quantity % step == 0
    assert budget < (quantity + step) * r or quantity == 0


@given(
    st.floats(0.05, 40),
    st.decimals("50", "1000000", places=2),
    st.floats(0.1, 1.0),
    st.sampled_from(["0.01", "0.001", "1"]),
    st.decimals("20", "900", places=2),
)
def test_a_ticket_keeps_every_promise(r, equity, factor, step, price):
    rules = filters(step=D(step), min_quantity=D(step))
    now = desk(equity=equity, policy=policy_now(size_factor=factor))
    now = replace(now, markets={"BTC/USDT:USDT": market(mark=price, filters=rules)})
    ticket = draft(belief(r=r), now)
    assert ticket.risk == ticket.quantity * ticket.r <= risk_budget(now)
    assert ticket.quantity % rules.step == 0 and ticket.r % rules.tick == 0
    assert ticket.backstop_distance > ticket.r >= D(str(r))
    assert 1 <= ticket.leverage <= now.limits.max_leverage
    assert ticket.margin * ticket.leverage == pytest.approx(ticket.notional)


@pytest.mark.parametrize("rounding", [decimal.ROUND_HALF_EVEN, decimal.ROUND_HALF_UP, decimal.ROUND_UP])
def test_a_library_that_changes_how_decimals_round_changes_no_distance(rounding):
    """ccxt does so, in the context of the whole thread."""
    with decimal.localcontext() as context:
        context.rounding = rounding
        assert draft(belief(), desk(limits=limits(stop_atr=1.5, backstop_atr=2.5))).backstop_distance == D("2.50")
