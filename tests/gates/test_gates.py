"""Each signal gate: what passes on its limit, what fails just beyond, and the numbers it gives."""

import inspect
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.gates.builders import BTC, CLOSED, NOW, belief, desk, holding, limits, market, policy_now, with_market
from trading.codes import Code
from trading.exchange.venue import Side
from trading.gates import gates
from trading.gates.catalogue import GATE_CODES
from trading.gates.desk import Rejection
from trading.gates.gates import SIGNAL_GATES, minimum
from trading.gates.judge import GATES
from trading.gates.sentence import say

LONG, SHORT = Side.LONG, Side.SHORT
EPS = timedelta(milliseconds=1)
MARKET = with_market(desk())


def at(**changes):
    return with_market(desk(), **changes)


def low(confidence):
    return belief(confidence=confidence)


# gate, (belief, desk) that just passes, (belief, desk) that just fails, the code
CASES = {
    "execution_enabled": [((belief(), desk()), (belief(), desk(execution_enabled=False)), Code.EXECUTION_DISABLED)],
    "venue_started": [
        ((belief(), desk()), (belief(), desk(waiting={"unchecked": "binanceusdm demo"})), Code.PREFLIGHT_REQUIRED)
    ],
    "switch_active": [
        ((belief(), desk()), (belief(), desk(switch="reducing")), Code.KILL_SWITCH),
        ((belief(), desk()), (belief(), desk(switch="halted")), Code.KILL_SWITCH),
        ((belief(), desk()), (belief(), desk(switch="")), Code.KILL_SWITCH),
    ],
    "no_halt": [((belief(), desk()), (belief(), desk(halts=("feed frozen",))), Code.SELF_HEALING_NO_NEW_TRADES)],
    "account_known": [
        ((belief(), desk()), (belief(), desk(equity=None)), Code.INFRA_UNAVAILABLE),
        ((belief(), desk()), (belief(), desk(available=None)), Code.INFRA_UNAVAILABLE),
        ((belief(), desk()), (belief(), desk(daily_pnl=Decimal("NaN"))), Code.INFRA_UNAVAILABLE),
    ],
    "fresh_candle": [
        (
            (belief(), desk(now=CLOSED + timedelta(seconds=90))),
            (belief(), desk(now=CLOSED + timedelta(seconds=90) + EPS)),
            Code.FEED_STALE,
        ),
        ((belief(), desk()), (belief(), at(candle_at=None)), Code.FEED_STALE),
        ((belief(), desk()), (belief(), at(candle_at=CLOSED - timedelta(seconds=60))), Code.FEED_STALE),
        ((belief(), desk()), (belief(), at(candle_at=CLOSED + timedelta(seconds=60))), Code.FEED_STALE),  # forming
    ],
    "fresh_signal": [
        (
            (belief(), desk(now=CLOSED + timedelta(seconds=90))),
            (belief(), desk(now=CLOSED + timedelta(seconds=91))),
            Code.STALE_SIGNAL,
        ),
        ((belief(), desk()), (belief(at=CLOSED - timedelta(seconds=60)), desk()), Code.STALE_SIGNAL),
        ((belief(at=NOW + gates.AHEAD), desk()), (belief(at=NOW + gates.AHEAD + EPS), desk()), Code.STALE_SIGNAL),
    ],
    "fresh_price": [
        (
            (belief(), at(mark_at=NOW - timedelta(seconds=30))),
            (belief(), at(mark_at=NOW - timedelta(seconds=30) - EPS)),
            Code.PRICE_STALE,
        ),
        ((belief(), at(mark_at=NOW + gates.AHEAD)), (belief(), at(mark_at=NOW + gates.AHEAD + EPS)), Code.PRICE_STALE),
        ((belief(), desk()), (belief(), at(mark=None)), Code.PRICE_STALE),
        ((belief(), desk()), (belief(), at(mark=Decimal(0))), Code.PRICE_INVALID),
        ((belief(), desk()), (belief(), at(mark=Decimal("NaN"))), Code.PRICE_INVALID),
        ((belief(), desk()), (belief(), at(mark=Decimal("Infinity"))), Code.PRICE_INVALID),
    ],
    "clock_right": [
        ((belief(), desk(clock_offset=2.0)), (belief(), desk(clock_offset=2.001)), Code.CLOCK_OFF),
        ((belief(), desk(clock_offset=-2.0)), (belief(), desk(clock_offset=-30.0)), Code.CLOCK_OFF),
        ((belief(), desk(clock_offset=None)), (belief(), desk(clock_offset=3600.0)), Code.CLOCK_OFF),
    ],
    "symbol_trading": [
        ((belief(), desk()), (belief(), at(filters=None)), Code.SYMBOL_NOT_TRADING),
        ((belief(), desk()), (belief(), desk(symbols=())), Code.SYMBOL_NOT_TRADING),
    ],
    "nothing_unresolved": [((belief(), desk()), (belief(), at(unresolved=True)), Code.UNRESOLVED_ORDER)],
    "policy_allows": [
        (
            (belief(), desk()),
            (belief(), desk(policy=policy_now(entries_allowed=False, volatility="EXTREME"))),
            Code.POLICY_NO_NEW_TRADES,
        )
    ],
    "daily_loss": [
        (
            (belief(), desk(equity=Decimal(9701), daily_pnl=Decimal(-299))),
            (belief(), desk(equity=Decimal(9700), daily_pnl=Decimal(-300))),
            Code.DAILY_LOSS,
        ),
        ((belief(), desk(daily_pnl=Decimal(900))), (belief(), desk(daily_pnl=Decimal(-900))), Code.DAILY_LOSS),
    ],
    "quorum": [
        ((belief(votes=belief().votes[:2]), desk()), (belief(votes=belief().votes[:1]), desk()), Code.WEAK_CONSENSUS)
    ],
    "confidence": [
        ((low(0.40), desk()), (low(0.399999), desk()), Code.LOW_CONFIDENCE),
        (
            (low(0.45), desk(limits=limits(confidence_threshold=0.45))),
            (low(0.449999), desk(limits=limits(confidence_threshold=0.45))),
            Code.LOW_CONFIDENCE,
        ),
    ],
    "earns_its_costs": [
        # (1 + 0.4) / 3.5 = 0.40
        (
            (belief(confidence=0.40, cost_r=0.4), desk()),
            (belief(confidence=0.40, cost_r=0.41), desk()),
            Code("EXPECTED_COST_TOO_HIGH"),
        ),
    ],
    "with_trend": [
        ((low(0.45), at(ema200=100 / 0.98)), (low(0.45), at(ema200=100 / 0.9799)), Code.AGAINST_TREND_LONG),
        (
            (belief(side=SHORT), at(ema200=100 / 1.02)),
            (belief(side=SHORT), at(ema200=100 / 1.0201)),
            Code.AGAINST_TREND_SHORT,
        ),
        ((low(0.50), at(ema200=200.0)), (low(0.499999), at(ema200=200.0)), Code.AGAINST_TREND_LONG),
        ((low(0.45), desk()), (low(0.45), at(ema200=None)), Code.INSUFFICIENT_HISTORY),
        ((low(0.45), desk()), (low(0.45), at(ema200=float("nan"))), Code.INSUFFICIENT_HISTORY),
    ],
    "funding": [
        ((belief(), at(funding_rate=0.001)), (belief(), at(funding_rate=0.00101)), Code.FUNDING_RATE),
        ((belief(), at(funding_rate=-0.01)), (belief(side=SHORT), at(funding_rate=-0.01)), Code.FUNDING_RATE),
        ((belief(side=SHORT), at(funding_rate=0.01)), (belief(), at(funding_rate=None)), Code.FUNDING_RATE),
    ],
    "near_signal_price": [
        ((belief(), at(mark=Decimal("100.75"))), (belief(), at(mark=Decimal("100.76"))), Code.PRICE_DRIFT),
        ((belief(), at(mark=Decimal("99.25"))), (belief(), at(mark=Decimal("99.24"))), Code.PRICE_DRIFT),
    ],
    "cooled_down": [
        (
            (belief(), at(last_order_at=NOW - timedelta(seconds=120), last_order_id=7)),
            (belief(), at(last_order_at=NOW - timedelta(seconds=120) + EPS, last_order_id=7)),
            Code.COOLDOWN_ACTIVE,
        )
    ],
    "one_position": [
        ((belief(), desk()), (belief(), desk(holdings=(holding(),))), Code.ALREADY_OPEN),
        ((belief(), desk()), (belief(side=SHORT), desk(holdings=(holding(),))), Code.OPPOSITE_OPEN),
    ],
}
ROWS = [(name, *case) for name, cases in CASES.items() for case in cases]


def test_every_gate_has_a_case():
    assert [gate.__name__ for gate in SIGNAL_GATES] == list(CASES)


@pytest.mark.parametrize(("name", "passes", "fails", "code"), ROWS, ids=[f"{r[0]}-{r[3]}" for r in ROWS])
def test_a_gate_passes_on_its_limit_and_rejects_beyond(name, passes, fails, code):
    gate = getattr(gates, name)
    assert gate(*passes) is None
    no = gate(*fails)
    assert isinstance(no, Rejection) and no.code is code


@pytest.mark.parametrize("gate", SIGNAL_GATES, ids=lambda g: g.__name__)
def test_a_sound_signal_passes_every_gate(gate):
    assert gate(belief(), desk()) is None


@pytest.mark.parametrize("gate", SIGNAL_GATES, ids=lambda g: g.__name__)
def test_gates_are_asked_of_beliefs_alone_never_of_exits(gate):
    assert list(inspect.signature(gate).parameters) == ["belief", "desk"]


def test_the_strictest_minimum_wins_and_is_named():
    assert minimum(desk()) == (0.40, "QT_POLICY_MIN_CONF_RANGING")
    assert minimum(desk(limits=limits(confidence_threshold=0.39))) == (0.40, "QT_POLICY_MIN_CONF_RANGING")
    assert minimum(desk(limits=limits(confidence_threshold=0.65))) == (0.65, "QT_CONFIDENCE_THRESHOLD")
    assert minimum(desk(limits=limits(confidence_threshold=0.40))) == (0.40, "QT_POLICY_MIN_CONF_RANGING")


def test_a_rejection_carries_value_limit_and_the_setting_that_binds():
    no = gates.confidence(low(0.42), desk(limits=limits(confidence_threshold=0.65)))
    assert (no.value, no.limit, no.setting) == (0.42, 0.65, "QT_CONFIDENCE_THRESHOLD")


def test_the_break_even_is_where_expected_value_is_zero():
    no = gates.earns_its_costs(belief(confidence=0.30, cost_r=0.4), desk())
    assert (no.value, no.limit) == (0.30, 0.4)
    assert no.facts["expected_r"] == pytest.approx(0.30 * 2.5 - 0.70 - 0.4)
    assert gates.expected_value(belief(confidence=no.limit, cost_r=0.4), limits()) == pytest.approx(0)


def test_a_time_without_an_order_id_starts_no_cooldown():
    assert gates.cooled_down(belief(), at(last_order_at=NOW, last_order_id=None)) is None


def test_cooldown_is_per_symbol():
    busy = with_market(desk([BTC, "ETH/USDT:USDT"]), BTC, last_order_at=NOW, last_order_id=7)
    assert gates.cooled_down(belief("ETH/USDT:USDT"), busy) is None
    no = gates.cooled_down(belief(BTC), busy)
    assert no.facts == {"order_id": 7, "seconds_left": 120.0}


def test_without_a_price_the_drift_is_not_taken_for_none():
    assert gates.near_signal_price(belief(), at(mark=None)).code is Code.PRICE_STALE


def test_a_rejection_refuses_a_number_that_is_none():
    with pytest.raises(ValueError, match="measured number"):
        Rejection(Code.FUNDING_RATE, float("nan"), 0.001)


def test_a_symbol_that_nobody_told_us_about_is_rejected_not_let_through():
    unknown = desk(symbols=())
    assert unknown.market(BTC) == market(
        candle_at=None, mark=None, mark_at=None, ema200=None, funding_rate=None, filters=None
    )
    assert gates.fresh_candle(belief(), unknown).code is Code.FEED_STALE


def test_the_catalogue_knows_every_gate_in_order_and_every_code_it_gives():
    assert tuple(GATE_CODES) == GATES.names
    for gate, _, _, code in ROWS:
        assert code in GATE_CODES[gate]


def test_what_is_not_known_of_the_account_is_named():
    no = gates.account_known(belief(), desk(equity=None, available=None))
    assert say(no) == "Not known: equity, free margin. The exchange has not answered."
