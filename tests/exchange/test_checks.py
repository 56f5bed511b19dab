"""The verdicts of a venue's checks, from facts alone."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.gates.builders import NOW, filters
from trading.exchange import checks
from trading.exchange.checks import CHECKS, FAR, Answer, Probe, Result
from trading.exchange.errors import KeyRefused, NotAccepted, OutcomeUnknown, Refused, Unreachable
from trading.exchange.venue import Account, Mark, OrderStatus, OrderType, VenueOrder

S = timedelta(seconds=1)
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
OK, FAIL, UNKNOWN = Answer.OK, Answer.FAIL, Answer.UNKNOWN


@pytest.mark.parametrize(
    ("offset", "took", "answer"),
    [
        (0 * S, 0.1 * S, OK),
        (2 * S, 0 * S, OK),
        (-2 * S, 0 * S, OK),
        (2.01 * S, 0 * S, FAIL),
        (-30 * S, 1 * S, FAIL),
        (1.9 * S, 0.4 * S, UNKNOWN),  # 1.7 to 2.1 s
        (2.1 * S, 0.4 * S, UNKNOWN),  # 1.9 to 2.3 s
        (0 * S, 5 * S, UNKNOWN),
    ],
)
def test_a_clock_passes_only_where_no_doubt_is_left(offset, took, answer):
    assert checks.clock(offset, took).answer is answer


@pytest.mark.parametrize(
    ("error", "answer", "code"),
    [
        (KeyRefused("x", -2014), FAIL, "key_malformed"),
        (KeyRefused("x", -2015), FAIL, "key_unknown"),
        (KeyRefused("x", -1022), FAIL, "secret_wrong"),
        (KeyRefused("x"), FAIL, "key_unknown"),
        (NotAccepted("x", -1021), FAIL, "clock_refused"),
        (NotAccepted("x", -1003), UNKNOWN, "busy"),
        (Refused("x", -4045), FAIL, "refused"),
        (Unreachable("x"), UNKNOWN, "no_answer"),
        (OutcomeUnknown("x"), UNKNOWN, "no_answer"),
    ],
)
def test_no_answer_is_unknown_and_a_no_is_a_failure(error, answer, code):
    found = checks.trouble("key", error)
    assert (found.answer, found.code, found.facts["message"]) == (answer, code, "x")


def account(available):
    return Account(*map(Decimal, (100, 100, available, 0, 0)), at=NOW)


@pytest.mark.parametrize(
    ("available", "smallest", "code"),
    [("0", "5", "no_balance"), ("1.66", "5", "too_little"), ("1.67", "5", "ok"), ("1", None, "no_rules")],
)
def test_the_balance_must_carry_the_smallest_order(available, smallest, code):
    found = checks.balance(account(available), Decimal(smallest) if smallest else None, 3)
    assert found.code == code


def test_what_is_not_listed_or_not_trading_is_named():
    known = {BTC: filters(BTC), ETH: filters(ETH, trading=False)}
    assert checks.rules(known, []).facts["count"] == 1
    assert checks.rules(known, [BTC, ETH]).facts == {"symbols": ETH, "count": 1}
    assert checks.rules({}, []).code == "no_symbols"
    assert checks.smallest_notional(known, [ETH]) is None


@pytest.mark.parametrize("price", ["100000", "1.2345", "0.00002"])
def test_a_probe_is_out_of_reach_small_enough_and_obeys_the_filters(price):
    mark = Decimal(price)
    rule = filters(tick=mark / 10_000, step=Decimal("0.001"), min_notional=Decimal(5))
    found = checks.probe(rule, mark)
    assert found.trigger >= mark * FAR and found.price < found.trigger
    assert found.price >= found.trigger * rule.percent_down, "the venue takes no limit farther from its trigger"
    assert 5 <= found.quantity * found.price <= 5 * Decimal("1.2") + rule.step * found.price
    assert found.trigger % rule.tick == found.price % rule.tick == found.quantity % rule.step == 0


def test_the_probe_goes_where_it_costs_least_and_nothing_is():
    known = {BTC: filters(BTC, min_notional=Decimal(100)), ETH: filters(ETH), "X/USDC:USDC": filters("X/USDC:USDC")}
    marks = {s: Mark(s, Decimal(100), Decimal(0), None, NOW) for s in known}
    assert checks.probe_symbol(known, marks, (), []) == ETH
    assert checks.probe_symbol(known, marks, {ETH}, []) == BTC
    assert checks.probe_symbol(known, marks, (), [BTC]) == BTC
    assert checks.probe_symbol(known, {}, (), []) is None


def test_an_order_counts_as_shown_only_as_it_was_sent():
    sent = Probe(BTC, Decimal(1), Decimal(130), Decimal(126))
    zero = Decimal(0)
    shown = VenueOrder("1", "qt-p-x", BTC, "buy", OrderType.STOP, OrderStatus.NEW, Decimal(1), zero, None, Decimal(126),
                       Decimal(130), False, False, NOW)  # fmt: skip
    assert checks.shown_as_sent(sent, shown)
    for change in ({"quantity": Decimal(2)}, {"trigger": None}, {"price": Decimal(1)}, {"type": OrderType.LIMIT}):
        assert not checks.shown_as_sent(sent, replace(shown, **change))
    assert not checks.shown_as_sent(sent, None)


def test_nothing_is_asked_of_a_venue_that_does_not_answer_or_refuses_the_key():
    done = {"address": Result("address", FAIL, "unreachable")}
    assert checks.stands_in_the_way("address", {}) == ""
    assert {checks.stands_in_the_way(name, done) for name in CHECKS[1:]} == {"address"}
    done = {"address": Result("address", OK, "ok"), "key": Result("key", FAIL, "key_unknown")}
    assert checks.stands_in_the_way("clock", done) == checks.stands_in_the_way("key", done) == ""
    assert checks.stands_in_the_way("stop", done) == "key"


def test_unknown_passes_nowhere_but_where_it_is_optional():
    answers = dict.fromkeys(CHECKS, "ok")
    assert checks.missing(answers, "testnet") == []
    assert checks.missing(answers | {"withdraw": "unknown"}, "testnet") == []
    assert checks.missing(answers | {"withdraw": "unknown"}, "live") == ["withdraw"]
    assert checks.missing(answers | {"withdraw": "fail"}, "testnet") == ["withdraw"]
    assert checks.missing(answers | {"stop": "unknown"}, "testnet") == ["stop"]
    assert checks.missing({}, "testnet") == list(CHECKS)
