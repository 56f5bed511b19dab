"""What must not be can't be stored: the laws as constraints, on every database."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import DataError

from tests import builders as make
from trading import laws
from trading.models import Candle, Decision, Intent, Position, Signal

pytestmark = pytest.mark.django_db


def refused(create, *args, **changes) -> bool:
    try:
        with transaction.atomic():
            create(*args, **changes)
    except (IntegrityError, DataError):
        return True
    return False


def test_a_signal_has_one_decision():
    signal = make.signal()
    make.decision(signal=signal)
    assert refused(make.decision, signal=signal)


def test_a_symbol_has_one_signal_a_cycle():
    first = make.signal()
    assert refused(make.signal, cycle=first.cycle)


def test_a_bar_has_one_cycle():
    first = make.cycle()
    assert refused(make.cycle, bar=first.bar)


def test_a_symbol_has_one_open_position():
    make.position()
    assert refused(make.position)
    assert refused(make.position, side="short", status=Position.CLOSING)


def test_a_closed_position_leaves_its_symbol_free():
    make.position(status=Position.CLOSED, quantity=0, closed_at=make.NOW, close_reason="stop")
    assert not refused(make.position)


def test_a_closed_position_is_flat_and_says_why():
    assert refused(make.position, status=Position.CLOSED, quantity=1, closed_at=make.NOW, close_reason="stop")
    assert refused(make.position, status=Position.CLOSED, quantity=0, closed_at=make.NOW)


def test_an_order_needs_an_intent_and_an_intent_has_one_order():
    assert refused(make.order)
    intent = make.intent(decision=make.decision())
    make.order(intent=intent)
    assert refused(make.order, intent=intent)


def test_an_entry_needs_a_decision():
    assert refused(make.intent)
    assert not refused(make.intent, decision=make.decision())


def test_a_decision_has_one_entry():
    decision = make.decision()
    make.intent(decision=decision)
    assert refused(make.intent, decision=decision)


@pytest.mark.parametrize("kind", [k for k in Intent.KINDS if k not in (Intent.ENTRY, Intent.PROBE)])
def test_every_other_intent_needs_a_position_a_reason_and_a_requester(kind):
    position = make.position()
    whole = {"kind": kind, "position": position, "reason": "why", "requester": "who", "reduce_only": True}
    whole |= {"trim": make.trim_request(position)} if kind == Intent.TRIM else {}
    assert not refused(make.intent, **whole)
    for missing in ({"position": None}, {"reason": ""}, {"requester": ""}, {"reduce_only": False}):
        assert refused(make.intent, **whole | missing), missing


def test_a_probe_is_a_stop_with_a_limit_that_belongs_to_no_trade_and_says_who_wanted_it():
    whole = {"kind": "probe", "type": "STOP", "reason": "why", "requester": "who"}
    assert not refused(make.intent, **whole)
    wrong = ({"type": "MARKET"}, {"reason": ""}, {"requester": ""}, {"position": make.position()})
    for change in (*wrong, {"decision": make.decision()}):
        assert refused(make.intent, **whole | change), change


def test_a_client_order_id_is_used_once():
    make.intent(client_order_id="same", decision=make.decision())
    assert refused(make.intent, client_order_id="same", decision=make.decision())


@pytest.mark.parametrize("confidence", [float("nan"), -0.01, 1.01, float("inf")])
def test_a_confidence_is_a_probability(confidence):
    assert refused(make.signal, confidence=confidence)


def test_a_rejection_has_a_code():
    assert refused(make.decision, outcome=Decision.REJECTED)
    assert refused(make.decision, outcome="maybe", code="X")


@pytest.mark.parametrize(
    "broken",
    [
        {"high": 9.0},
        {"low": 11.0},
        {"low": 0.0},
        {"close": float("nan")},
        {"high": float("inf")},
        {"volume": -1.0},
        {"volume": float("nan")},
    ],
)
def test_an_impossible_candle_is_not_stored(broken):
    whole = {"symbol": "X", "timeframe": "1m", "open_time": make.NOW, "open": 10.0, "high": 11.0, "low": 9.5}
    whole |= {"close": 10.5, "volume": 1.0}
    assert refused(Candle.objects.create, **whole | broken)
    assert not refused(Candle.objects.create, **whole)


def test_the_law_of_conservation_is_one_query(django_assert_num_queries):
    for outcome, code in (("traded", ""), ("rejected", "COOLDOWN_ACTIVE"), ("failed", "EXPIRED"), ("pending", "")):
        make.decision(outcome=outcome, code=code)
    with django_assert_num_queries(1):
        law = laws.conservation()
    assert (law.signals, law.traded, law.rejected, law.failed, law.pending) == (4, 1, 1, 1, 1)
    assert law.holds


def test_the_law_breaks_where_a_signal_has_no_decision():
    make.signal()
    assert not laws.conservation().holds
    assert Signal.objects.filter(decision=None).count() == 1


def test_money_is_kept_to_twelve_places():
    held = make.position(quantity=Decimal("0.123456789012"))
    held.refresh_from_db()
    assert held.quantity == Decimal("0.123456789012")
