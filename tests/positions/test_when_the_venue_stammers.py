"""A list that shows nothing, an order that can't be asked about: stops stay, exits leave, nothing is closed twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from tests.positions.conftest import Venue
from trading.exchange.venue import OrderStatus, Side
from trading.models import Fill, Intent, Order, Position, SwitchChange, Trade
from trading.orders import sender
from trading.orders.lifecycle import LIVE
from trading.positions import closing, entering, keeper, store

SIDES = pytest.mark.parametrize("side", list(Side))
RISK, ACCOUNT, ALGO, BOOK = "/fapi/v3/positionRisk", "/fapi/v3/account", "/fapi/v1/algoOrder", "/fapi/v1/openAlgoOrders"
KINDS = ["STOP", "STOP_MARKET", "TAKE_PROFIT_MARKET"]


def refreshed(row):
    row.refresh_from_db()
    return row


def kinds(venue: Venue) -> list[str]:
    return sorted(a.type for a in venue.stops())


def empty(*paths: str) -> Callable[[str, str, Any], Any]:
    """These lists show nothing."""

    def rewrite(method: str, path: str, body: Any) -> Any:
        if path not in paths:
            return body
        return body | {"positions": []} if path == ACCOUNT else []

    return rewrite


def true(method: str, path: str, body: Any) -> Any:
    return body


def silent(venue: Venue, path: str) -> int:
    return venue.fault("http_status", times=None, path=path, method="GET", status=503)


def sweeps(venue: Venue, n: int, every: float = 10) -> None:
    for _ in range(n):
        venue.wait(every)
        venue.sweep()


def drop_stops(venue: Venue, *types: str) -> None:
    """Somebody cancels these at the venue."""
    for algo in venue.stops():
        if algo.type in types:
            venue.exchange.engine.cancel_algo(algo)
    venue.exchange.engine.commit()


def by_hand(venue: Venue, side: str, quantity: str) -> None:
    order = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": quantity}
    venue.connect().client.fapiPrivatePostOrder(order | {"newClientOrderId": f"human-{side}"})


# -- a list of positions that shows nothing ----------------------------------------------------------------------------


@SIDES
@pytest.mark.parametrize("late", [(RISK,), (RISK, ACCOUNT)])
def test_a_fresh_position_that_no_list_shows_yet_has_its_stops_and_stays_open(venue: Venue, side, late):
    venue.rewrite = empty(*late)
    position = venue.enter(side)
    assert kinds(venue) == KINDS
    assert position.protected_since is not None
    sweeps(venue, 8, every=3)
    assert kinds(venue) == KINDS
    assert refreshed(position).status == "open"
    venue.rewrite = true
    sweeps(venue, 1)
    assert kinds(venue) == KINDS
    assert refreshed(position).flat_seen_at is None
    assert position.quantity == abs(venue.amount()) == D("0.05")


def test_a_position_that_one_list_omits_for_minutes_keeps_its_stops_and_is_not_booked(venue: Venue):
    position = venue.enter()
    sweeps(venue, 6)
    before = [a.client_id for a in venue.stops()]
    venue.rewrite = empty(RISK)
    sweeps(venue, 12)
    assert [a.client_id for a in venue.stops()] == before
    assert refreshed(position).status == "open"
    assert not Trade.objects.exists()


def test_a_position_that_every_list_omits_for_a_while_keeps_its_stops_as_nothing_was_paid_out(venue: Venue):
    position = venue.enter()
    sweeps(venue, 6)
    before = [a.client_id for a in venue.stops()]
    venue.rewrite = empty(RISK, ACCOUNT)
    sweeps(venue, 4)
    assert [a.client_id for a in venue.stops()] == before
    assert refreshed(position).status == "open"
    venue.rewrite = true
    sweeps(venue, 1)
    assert refreshed(position).flat_seen_at is None


def test_what_a_person_closed_is_booked_at_the_second_look_where_only_its_fills_are_late(venue: Venue):
    position = venue.enter()
    by_hand(venue, "SELL", "0.05")
    venue.rewrite = lambda method, path, body: [] if path.endswith("userTrades") else body
    sweeps(venue, 2)
    assert refreshed(position).status == "closed"


def test_what_one_list_omits_still_leaves_when_its_time_is_over(venue: Venue):
    position = venue.enter()
    venue.rewrite = empty(RISK)
    venue.wait(48 * 60 + 1)
    venue.sweep()
    assert venue.amount() == 0
    assert refreshed(position).close_reason == "time"
    assert len(venue.fills()) == 2


def test_where_nothing_else_answers_an_empty_list_is_believed_only_after_a_long_time(venue: Venue):
    position = venue.enter()
    sweeps(venue, 6)
    silent(venue, ACCOUNT)
    venue.rewrite = empty(RISK)
    sweeps(venue, 4)
    assert refreshed(position).status == "open"
    assert kinds(venue) == KINDS


@pytest.mark.parametrize("unread", [(), (ACCOUNT,), ("/fapi/v1/userTrades",), (ACCOUNT, "/fapi/v1/userTrades")])
def test_what_a_person_closed_is_booked_within_a_minute_whatever_else_is_not_told(venue: Venue, unread):
    position = venue.enter()
    sweeps(venue, 6)
    by_hand(venue, "SELL", "0.05")
    for path in unread:
        silent(venue, path)
    sweeps(venue, 6)
    assert (refreshed(position).status, position.close_reason) == ("closed", "external")
    assert venue.stops() == []


def test_a_position_that_was_booked_as_closed_and_shows_up_again_is_taken_back(venue: Venue):
    position = venue.enter()
    sweeps(venue, 6)
    silenced = silent(venue, ACCOUNT)
    venue.rewrite = empty(RISK)
    sweeps(venue, 6)
    assert refreshed(position).status == "closed"
    venue.exchange.faults.end(silenced)
    venue.rewrite = true
    sweeps(venue, 1)
    assert (refreshed(position).status, position.quantity) == ("open", D("0.05"))
    assert kinds(venue) == KINDS
    assert position.protected_since is not None
    assert position.seconds_unprotected >= 10
    assert not Trade.objects.exists()
    venue.drive(venue.at(position, -0.5), venue.at(position, -1))
    venue.sweep()
    assert Trade.objects.get().close_reason == "stop"


def test_a_persons_own_position_after_an_unexplained_close_is_left_alone(venue: Venue):
    position = venue.enter()
    sweeps(venue, 6)
    by_hand(venue, "SELL", "0.05")
    venue.rewrite = lambda method, path, body: [] if path.endswith("userTrades") else body
    sweeps(venue, 2)
    assert refreshed(position).status == "closed"
    assert store.unexplained(position) == D("0.05")
    by_hand(venue, "BUY", "0.03")
    venue.rewrite = true
    sweeps(venue, 2)
    assert refreshed(position).status == "closed"
    assert venue.stops() == []
    closing = Fill.objects.get(position=position, side="sell")
    assert Trade.objects.get().exit_price == closing.price


def test_an_entry_on_its_way_explains_what_shows_up_after_an_unexplained_close(venue: Venue):
    position = venue.enter()
    by_hand(venue, "SELL", "0.05")
    store.book(position, venue.clock())
    coming = venue.accept()
    by_hand(venue, "BUY", "0.05")
    venue.rewrite = lambda method, path, body: [] if path.endswith("userTrades") else body
    assert keeper.take_back([], venue.gateway.positions(), venue.gateway, venue.clock) == 0
    entering.fail(coming.decision, entering.refusal(-2019, "no margin"), venue.clock())
    assert keeper.take_back([], venue.gateway.positions(), venue.gateway, venue.clock) == 1


# -- an order, or the fills, that can't be asked about -----------------------------------------------------------------


def test_stops_that_are_in_no_book_and_cannot_be_asked_about_are_placed_anew(venue: Venue):
    position = venue.enter()
    drop_stops(venue, *KINDS)
    fault = silent(venue, ALGO)
    sweeps(venue, 1)
    assert kinds(venue) == KINDS
    assert refreshed(position).protected_since is not None
    sweeps(venue, 3)
    assert kinds(venue) == KINDS
    venue.exchange.faults.end(fault)
    sweeps(venue, 2)
    assert kinds(venue) == KINDS
    assert Order.objects.filter(intent__position=position, status__in=LIVE).count() == 3


def test_while_nothing_can_be_placed_it_is_shown_as_unprotected(venue: Venue):
    position = venue.enter()
    drop_stops(venue, *KINDS)
    silent(venue, ALGO)
    venue.fault("http_status", times=None, path=ALGO, status=503)
    venue.wait(10)
    looked = venue.clock()
    venue.sweep()
    assert refreshed(position).protected_since is None
    assert position.unprotected_since == looked  # nobody knows since when


def test_stops_that_the_book_had_only_left_out_end_as_one_of_each_kind(venue: Venue):
    position = venue.enter()
    fault = silent(venue, ALGO)
    venue.rewrite = empty(BOOK)
    sweeps(venue, 2)
    assert kinds(venue).count("STOP_MARKET") == 1
    venue.rewrite = true
    sweeps(venue, 2)
    assert kinds(venue) == KINDS
    venue.exchange.faults.end(fault)
    sweeps(venue, 2)
    assert kinds(venue) == KINDS
    live = {o.intent.client_order_id for o in Order.objects.filter(intent__position=position, status__in=LIVE)}
    assert live == {a.client_id for a in venue.stops()}


def test_a_target_that_cannot_be_asked_about_does_not_keep_a_position_beyond_its_time(venue: Venue):
    position = venue.enter()
    drop_stops(venue, "TAKE_PROFIT_MARKET")
    silent(venue, ALGO)
    venue.wait(48 * 60 + 1)
    venue.sweep()
    assert venue.amount() == 0
    assert refreshed(position).close_reason == "time"
    assert Order.objects.filter(intent__kind=Intent.EXIT).count() == 1


def test_a_person_can_close_what_was_reduced_outside_while_no_fill_is_told(venue: Venue):
    position = venue.enter()
    by_hand(venue, "SELL", "0.02")
    fault = silent(venue, "/fapi/v1/userTrades")
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert venue.amount() == 0
    venue.exchange.faults.end(fault)
    sweeps(venue, 1)
    assert refreshed(position).close_reason == "manual"
    assert sum(f.quantity for f in venue.fills() if f.side == "SELL") == D("0.05")


def test_a_close_does_not_fail_because_its_stops_cannot_be_asked_about_any_more(venue: Venue):
    position = venue.enter()
    silent(venue, ALGO)
    closed = closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert (closed.status, closed.close_reason) == ("closed", "manual")
    assert venue.stops() == []


@pytest.mark.parametrize("rest", ["cancelled", "rests"])
def test_what_was_filled_of_an_entry_that_cannot_be_asked_about_is_protected(venue: Venue, rest):
    intent = venue.accept(quantity="0.1")
    venue.fault("partial_fill", path="/fapi/v1/order", share=0.37, rest=rest)
    fault = silent(venue, "/fapi/v1/order")
    entering.enter(intent.pk, venue.gateway, venue.clock)
    position = Position.objects.get()
    assert position.quantity == venue.amount() == D("0.037")
    assert kinds(venue) == KINDS
    sweeps(venue, 2)
    assert kinds(venue) == KINDS
    venue.exchange.faults.end(fault)
    sweeps(venue, 2)
    assert venue.resting() == []
    assert refreshed(intent.order).status not in LIVE


def test_an_entry_that_the_sweep_finds_partly_filled_and_cannot_ask_about_is_protected(venue: Venue):
    intent = venue.accept(quantity="0.1")
    venue.fault("partial_fill", path="/fapi/v1/order", share=0.37, rest="rests")
    entering.prepare(intent, venue.gateway)
    sender.send(intent.pk, venue.gateway, venue.clock)  # and its process dies
    assert refreshed(intent.order).status == OrderStatus.PARTIAL
    silent(venue, "/fapi/v1/order")
    venue.wait(10)
    venue.sweep()
    assert Position.objects.get().quantity == D("0.037")
    assert kinds(venue) == KINDS


# -- the way out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1, 30])
def test_an_exit_that_comes_after_the_stop_has_filled_halts_nothing(venue: Venue, seconds):
    """The list of positions lags: it shows what a stop has just closed."""
    position = venue.enter()
    told, until = [], venue.clock() + timedelta(days=1)

    def late(method: str, path: str, body: Any) -> Any:
        if path != RISK:
            return body
        told.append(body)
        return told[0] if venue.clock() < until else body

    venue.rewrite = late
    venue.gateway.positions()
    venue.drive(venue.at(position, -0.5), venue.at(position, -1))
    until = venue.clock() + timedelta(seconds=seconds)
    assert venue.amount() == 0
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert not SwitchChange.objects.exists()
    venue.wait(seconds)
    sweeps(venue, 1)
    assert refreshed(position).close_reason == "stop"
    assert len(venue.fills()) == 2
    assert not SwitchChange.objects.exists()


def test_an_exit_waits_for_no_rules(venue: Venue):
    position = venue.enter()
    unruly = venue.connect()
    silent(venue, "/fapi/v1/exchangeInfo")
    closing.close(position.pk, unruly, venue.clock, "out", "anna")
    assert venue.amount() == 0
    assert refreshed(position).close_reason == "manual"


def test_a_triggered_stop_is_not_withdrawn_because_a_list_shows_nothing(venue: Venue):
    position = venue.enter(r=0.01)
    Position.objects.filter(pk=position.pk).update(backstop_price=position.entry_price / 2, band=1)
    venue.sweep()
    keeper.trail(venue.gateway, venue.clock)
    limit = next(a for a in venue.stops() if a.type == "STOP").price
    venue.drive(limit - position.r)
    venue.rewrite = empty(RISK, ACCOUNT)
    sweeps(venue, 2)
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert len(venue.resting()) == 1
    assert venue.amount() != 0
