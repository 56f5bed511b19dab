"""The order path while the venue misbehaves. After each fault the checker compares the venue's books with ours."""

from __future__ import annotations

import os
from decimal import Decimal as D

import pytest

from tests.faults.conftest import ALGO, ORDER, SYMBOL, FaultyVenue
from trading.exchange.venue import Side
from trading.gates.store import standing
from trading.models import AccountSnapshot, Decision, Order, Position, SwitchChange, Trade
from trading.positions import accounting, closing, entering, keeper, reckoning
from trading.practice.signing import sign

BOTH = pytest.mark.parametrize("side", list(Side))
FULL = os.environ.get("FAULTS") == "full"  # `make faults`: every loss at every step on both sides
OTHER = "ETH/USDT:USDT"


def entered(venue: FaultyVenue, **options) -> Order | None:
    intent = venue.accept(**options)
    entering.enter(intent.pk, venue.gateway, venue.clock)
    return Order.objects.filter(intent=intent).first()


def outcome(symbol: str = SYMBOL) -> tuple[str, str, object]:
    decision = Decision.objects.filter(signal__symbol=symbol).order_by("-id")[0]
    value = decision.rejections[0]["value"] if decision.rejections else None
    return decision.outcome, decision.code, value


def halts(venue: FaultyVenue) -> tuple[str, ...]:
    return standing(venue.clock()).halts


# -- the venue wants silence -------------------------------------------------------------------------------------------


def test_429_pauses_entries_until_its_end_with_code_and_numbers_and_the_way_out_stays_open(venue):
    position = venue.enter()
    venue.fault("rate_limit", path=ORDER, seconds=7)
    entered(venue, symbol=OTHER)
    assert outcome(OTHER)[:2] == ("failed", "RATE_LIMIT_VENUE") and float(outcome(OTHER)[2]) == pytest.approx(7, abs=1)
    assert "asked for silence (HTTP 429) for 7 s, until 2026-03-02" in halts(venue)[0]
    asked = sum(venue.exchange.requests.values())
    entered(venue, symbol="SOL/USDT:USDT")
    assert sum(venue.exchange.requests.values()) == asked
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert venue.amount() == 0 and venue.wrongs() == []
    venue.wait(8)
    assert halts(venue) == ()
    entered(venue, symbol=OTHER)
    assert outcome(OTHER)[0] == "traded" and venue.wrongs() == []


@BOTH
def test_a_429_between_a_fill_and_its_stops_leaves_no_position_bare(venue, side):
    venue.fault("rate_limit", path="/fapi/v1/userTrades", method="GET", seconds=30)
    position = venue.enter(side)
    assert len(venue.stops()) == 3 and position.protected_since is not None
    venue.look(40, every=10)
    assert venue.wrongs() == []


def test_418_stops_everything_until_its_end_and_what_rests_at_the_venue_stays(venue):
    position = venue.enter()
    venue.stand("ban", seconds=120)
    assert entered(venue, symbol=OTHER) is None
    assert outcome(OTHER)[:2] == ("failed", "RATE_LIMIT_VENUE")
    assert "banned this address (HTTP 418) for 120 s" in halts(venue)[0]
    (ban,) = venue.exchange.faults.faults.values()
    venue.look(110, every=10)
    assert ban.hits == 1, "not one request while banned"
    assert len(venue.stops()) == 3
    venue.look(20, every=10)
    assert halts(venue) == () and venue.wrongs() == []
    venue.drive(venue.at(position, -1.05))
    venue.look(10, every=2)
    assert venue.amount() == 0 and venue.wrongs() == []


def test_a_revoked_key_holds_entries_with_its_code_until_it_works_again(venue):
    venue.enter()
    fault = venue.stand("key_revoked")
    venue.look(10, every=10)
    assert halts(venue) == ("the exchange refuses our key (-2015): wrong key, address or permission",)
    entered(venue, symbol=OTHER)
    assert outcome(OTHER)[:2] == ("failed", "KEY_REFUSED") and int(outcome(OTHER)[2]) == -2015
    assert len(venue.stops()) == 3
    venue.exchange.faults.end(fault)
    venue.look(10, every=10)
    assert halts(venue) == () and venue.wrongs() == []


# -- the answer is lost ------------------------------------------------------------------------------------------------

LOST = [
    ("timeout_after", {}),
    ("timeout_after", {"answered": False, "seconds": 3}),
    ("reset_after", {}),
    ("html_body", {}),
    ("garbage_body", {}),
    ("garbage_body", {"body": ""}),
    ("garbage_body", {"body": "null"}),
    ("delay", {"seconds": 30}),
]
NEVER = [
    ("timeout_before", {}),
    ("timeout_before", {"answered": False, "seconds": 3}),
    ("reset_after", {"executed": False}),
    ("html_body", {"executed": False}),
    ("garbage_body", {"executed": False}),
    ("http_status", {"status": 503, "body": "Unknown error, please check your request or try again later."}),
]
SIDES = list(Side) if FULL else [Side.LONG]
LOSSES = [*LOST, *NEVER] if FULL else [LOST[0], LOST[2], NEVER[0], NEVER[4]]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("kind", "params"), LOST)
def test_an_entry_that_was_executed_without_an_answer_is_adopted_and_sent_once(venue, kind, params, side):
    venue.fault(kind, path=ORDER, **params)
    order = entered(venue, side=side)
    assert order is not None and order.status == "unknown"
    assert venue.wrongs() == []
    venue.look(3)
    assert outcome()[0] == "traded" and len(venue.fills()) == 1
    assert len(venue.stops()) == 3 and venue.wrongs() == []


@pytest.mark.parametrize(("kind", "params"), NEVER)
def test_an_entry_that_was_never_executed_is_not_placed_after_the_fence_and_never_sent_again(venue, kind, params):
    venue.fault(kind, path=ORDER, **params)
    order = entered(venue)
    assert order is not None and order.status == "unknown" and outcome()[0] == "pending"
    venue.look(14)
    assert outcome()[:2] == ("pending", "TIMEOUT_UNKNOWN")
    venue.look(10)
    assert outcome()[:2] == ("failed", "TIMEOUT_UNKNOWN")
    assert venue.exchange.requests["POST /fapi/v1/order"] == 1
    assert venue.fills() == [] and venue.wrongs() == []


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("kind", "params"), LOSSES)
def test_a_stop_whose_answer_is_lost_leaves_no_position_bare(venue, kind, params, side):
    venue.fault(kind, path=ALGO, **params)
    venue.enter(side)
    venue.look(30, every=3)
    assert [a.quantity for a in venue.stops() if not a.close_position] == [D("0.05")] * 2
    assert len(venue.stops()) == 3 and venue.wrongs() == []


@BOTH
@pytest.mark.parametrize(("kind", "params"), LOSSES)
def test_an_exit_whose_answer_is_lost_closes_and_never_reverses(venue, kind, params, side):
    position = venue.enter(side)
    venue.fault(kind, path=ORDER, **params)
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    venue.look(30, every=3)
    assert venue.amount() == 0 and venue.stops() == []
    assert Position.objects.get(pk=position.pk).status == "closed" and venue.wrongs() == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, {"code": -1008, "msg": "Server is currently overloaded."}), (503, "Service Unavailable")],
)
def test_an_overloaded_venue_has_refused_for_now_and_takes_exits(venue, status, body):
    position = venue.enter()
    fault = {"kind": "error_code", "match": {"method": "POST", "path": ORDER}, "times": 1}
    fault["params"] = {"code": -1008, "spares_exits": True}
    if isinstance(body, str):
        fault |= {"kind": "http_status", "params": {"status": status, "body": body}}
    venue.exchange.faults.add(fault, venue.clock.ms())
    order = entered(venue, symbol=OTHER)
    assert order is not None and order.status in ("refused", "unknown")
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    venue.look(30, every=3)
    assert venue.amount() == 0 and venue.amount(OTHER) == 0 and venue.wrongs() == []


def test_an_id_that_exists_already_is_asked_for_and_is_no_refusal(venue):
    venue.fault("error_code", path=ALGO, code=-4116)
    venue.enter()
    assert not Order.objects.filter(status="refused").exists()
    venue.look(30, every=3)
    assert len(venue.stops()) == 3 and venue.wrongs() == []


# -- fills that are not what was wanted --------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("rest", ["cancelled", "rests"])
def test_of_a_partial_fill_the_rest_is_cancelled_and_the_stops_fit_what_was_filled(venue, side, rest):
    venue.fault("partial_fill", path=ORDER, share=0.37, rest=rest)
    began = venue.clock()
    position = venue.enter(side, quantity="0.1")
    assert (venue.clock() - began).total_seconds() <= 2.5
    assert position.quantity == abs(venue.amount()) == D("0.037")
    assert [a.quantity for a in venue.stops() if not a.close_position] == [D("0.037")] * 2
    assert venue.resting() == [] and outcome()[0] == "traded"
    venue.look(10)
    assert venue.wrongs() == []


def test_an_acknowledged_order_is_never_taken_for_filled(venue):
    venue.fault("ack_only", path=ORDER, seconds=20)
    order = entered(venue)
    assert order is not None and (order.status, order.filled, order.average_price) == ("new", 0, None)
    assert not Position.objects.exists() and outcome()[0] == "pending" and venue.wrongs() == []
    venue.look(25)
    position = Position.objects.get()
    assert position.entry_price > 0 and outcome()[0] == "traded" and venue.wrongs() == []


def test_an_acknowledged_exit_is_not_sent_twice_and_never_reverses(venue):
    position = venue.enter()
    venue.fault("ack_only", path=ORDER, seconds=20)
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    venue.look(30, every=3)
    assert venue.amount() == 0 and venue.wrongs() == []


def test_a_fill_of_somebody_else_is_shown_as_external_and_left_alone(venue):
    venue.enter()
    strangers(venue, "ETHUSDT")
    accounting.account(venue.gateway, venue.clock, "practice")
    (row,) = AccountSnapshot.objects.latest("at").external
    assert row["symbol"] == OTHER and row["side"] == "long"
    venue.look(30, every=10)
    assert venue.amount(OTHER) == 1
    assert "ETH/USDT:USDT: 1 held at the venue, 0 here" in " ".join(venue.wrongs())


def strangers(venue: FaultyVenue, symbol: str) -> None:
    """Somebody buys one by hand, with the account's key."""
    raw = f"symbol={symbol}&side=BUY&type=MARKET&quantity=1&timestamp={venue.clock.ms()}"
    body = f"{raw}&signature={sign(raw, 's')}"
    assert venue.exchange.handle("POST", ORDER, "", {"X-MBX-APIKEY": "k"}, body).status == 200


# -- stops -------------------------------------------------------------------------------------------------------------


def test_a_stop_that_is_breached_already_is_an_exit_at_market_at_once(venue):
    venue.fault("reject_stop", code=-2021)
    began = venue.clock()
    position = venue.enter()
    assert (venue.clock() - began).total_seconds() <= 5
    assert venue.amount() == 0 and Position.objects.get(pk=position.pk).status == "closed"
    assert venue.wrongs() == []


@BOTH
def test_a_stop_that_is_refused_three_times_is_an_emergency_exit(venue, side):
    venue.fault("reject_stop", times=3, code=-4045)
    began = venue.clock()
    venue.enter(side)
    assert (venue.clock() - began).total_seconds() <= 5
    assert Position.objects.get().close_reason == "SL_REJECTED_CLOSED"
    assert venue.amount() == 0 and venue.wrongs() == []


def test_where_the_exit_is_refused_too_entries_halt_and_it_is_tried_until_it_works(venue):
    stops = venue.fault("reject_stop", times=None, code=-4045)
    refusing: list[int] = []

    def refuse_exits(method: str, path: str) -> None:
        if path == ALGO and not refusing:
            refusing.append(venue.fault("error_code", path=ORDER, times=None, code=-4131))

    venue.on_request = refuse_exits
    venue.enter()
    assert Position.objects.get().status == "closing" and SwitchChange.objects.get().state == "halted"
    venue.look(3)
    for fault in (stops, *refusing):
        venue.exchange.faults.end(fault)
    venue.look(2)
    assert venue.amount() == 0
    assert [w for w in venue.wrongs() if "without a stop" not in w] == []


@BOTH
@pytest.mark.parametrize("kind", ["STOP", "STOP_MARKET"])
def test_a_stop_that_the_venue_drops_is_back_within_five_seconds(venue, side, kind):
    venue.enter(side)
    venue.stand("cancel_stop", seconds=600, type=kind)
    (fault,) = venue.exchange.faults.faults.values()
    fault.times = 1
    venue.wait(1)
    assert len(venue.stops()) == 2
    keeper.sync(SYMBOL, venue.gateway, venue.clock)
    assert len(venue.stops()) == 3 and venue.wrongs() == []


@BOTH
@pytest.mark.parametrize("lost", [None, "timeout_after", "timeout_before", "reset_after"])
def test_a_stop_that_triggers_while_the_exit_is_under_way_never_reverses(venue, side, lost):
    position = venue.enter(side)
    if lost:
        venue.fault(lost, path=ORDER)
    quiet, breach = venue.on_request, venue.at(position, -1.05)

    def drop(method: str, path: str) -> None:
        if (method, path) == ("POST", ORDER):
            venue.on_request = quiet
            venue.drive(breach)

    venue.on_request = drop
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    venue.look(30, every=3)
    assert venue.amount() == 0 and venue.wrongs() == []
    assert sum((f.quantity for f in venue.fills()), D(0)) == D("0.1")


# -- the venue changes -------------------------------------------------------------------------------------------------


def test_a_delisted_symbol_takes_no_entry_and_lets_its_position_out(venue):
    position = venue.enter()
    venue.stand("delist", symbol=SYMBOL)
    venue.stand("delist", symbol=OTHER)
    venue.wait(61)  # rules are remembered for a minute
    assert not venue.gateway.filters()[SYMBOL].trading
    entered(venue, symbol=OTHER)
    assert outcome(OTHER)[:2] == ("failed", "EXCHANGE_REJECT") and int(outcome(OTHER)[2]) == -4140
    venue.look(10)
    assert len(venue.stops()) == 3
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert venue.amount() == 0 and venue.wrongs() == []


def test_a_symbol_in_a_break_is_tried_until_it_opens_again(venue):
    position = venue.enter()
    fault = venue.stand("delist", symbol=SYMBOL, status="BREAK")
    venue.wait(1)
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert Position.objects.get().status == "closing" and SwitchChange.objects.get().state == "halted"
    assert len(venue.stops()) == 3
    venue.look(20, every=5)
    venue.exchange.faults.end(fault)
    venue.look(10, every=5)
    assert venue.amount() == 0 and venue.wrongs() == []


def test_after_the_filters_changed_stops_are_drawn_on_the_new_grid(venue):
    venue.stand("change_filters", symbol=SYMBOL, tick="10", step="0.01")
    venue.wait(61)
    position = venue.enter(quantity="0.05")
    assert position.stop_price is not None and position.stop_price % 10 == 0
    assert len(venue.stops()) == 3 and venue.wrongs() == []


@BOTH
def test_a_liquidation_is_booked_and_halts_entries(venue, side):
    venue.enter(side)
    venue.stand("liquidate", symbol=SYMBOL)
    venue.wait(1)
    venue.look(10)
    assert Position.objects.get().status == "closed" and venue.stops() == []
    reckoning.reconcile(venue.gateway, venue.clock, "practice")
    assert Trade.objects.get().close_reason == "liquidation" and venue.wrongs() == []
    assert "was liquidated" in SwitchChange.objects.get(state="halted").reason


@BOTH
@pytest.mark.parametrize("by", ["sweep", "stream"])
def test_an_entry_whose_answer_is_lost_in_a_429_is_found_and_protected_within_its_silence(venue, side, by):
    venue.fault("timeout_after", path=ORDER)
    venue.fault("rate_limit", path=ORDER, method="GET", seconds=60)
    order = entered(venue, side=side)
    assert order is not None and order.live and venue.amount()
    if by == "sweep":
        venue.look(4)
    else:
        for _ in range(2):  # the first one hears the 429
            venue.wait(2)
            keeper.sync(SYMBOL, venue.gateway, venue.clock)
    assert len(venue.stops()) == 3 and venue.wrongs() == []
    assert outcome()[0] == "traded"
