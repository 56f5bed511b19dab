"""Positions from entry to trade, against the practice exchange itself."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from tests.positions.conftest import SYMBOL, Killed, Venue
from trading.exchange.budget import Budget
from trading.exchange.gateway import WEIGHT
from trading.exchange.venue import Side
from trading.models import AccountSnapshot, Fill, FundingPayment, Order, Position, SwitchChange, Trade
from trading.orders import sender
from trading.positions import accounting, closing, entering, keeper, rows
from trading.positions.watch import Watch
from trading.practice import pricing

SIDES = pytest.mark.parametrize("side", list(Side))


def refreshed(row):
    row.refresh_from_db()
    return row


@SIDES
def test_an_entry_becomes_a_position_that_three_orders_protect(venue: Venue, side):
    position = venue.enter(side)
    decision = refreshed(position.decision)
    assert (decision.outcome, decision.code) == ("traded", "")
    assert abs(venue.amount()) == position.quantity == D("0.05")
    assert position.entry_price == venue.fills()[0].price  # from the fill, not from the signal
    stop, backstop, target = venue.stops()
    assert (stop.type, backstop.type, target.type) == ("STOP", "STOP_MARKET", "TAKE_PROFIT_MARKET")
    assert (stop.trigger, backstop.trigger, target.trigger) == (
        position.stop_price,
        position.backstop_price,
        position.target_price,
    )
    assert stop.reduce_only
    assert stop.quantity == position.quantity
    assert backstop.close_position
    assert position.protected_since is not None
    assert position.verified_at is not None
    assert position.seconds_unprotected < 2
    assert position.unprotected_since is None
    assert Fill.objects.filter(position=position, order__intent__kind="entry").count() == 1
    assert position.expires_at == position.opened_at + timedelta(minutes=48)


@SIDES
@pytest.mark.parametrize(
    ("way", "reason", "r"),
    [((-0.5, -1), "stop", -1), ((-0.5, -2.5), "backstop", -2.5), ((1, 2.5), "target", 2.5)],
)
def test_what_fills_at_the_venue_is_booked_as_the_trade_it_was(venue: Venue, side, way, reason, r):
    position = venue.enter(side)
    venue.drive(*(venue.at(position, step) for step in way))
    assert venue.amount() == 0
    venue.sweep()
    trade = Trade.objects.get(position=position)
    position.refresh_from_db()
    assert (position.status, position.quantity, position.close_reason) == ("closed", 0, reason)
    assert trade.close_reason == reason
    assert trade.exit_price == venue.fills()[-1].price
    assert trade.fees == sum(f.fee for f in venue.fills()) > 0
    assert trade.net == trade.gross - trade.fees + trade.funding
    assert trade.r_multiple == pytest.approx(r, abs=0.1)
    assert venue.stops() == venue.resting() == []  # leftovers are cancelled


def test_a_stop_limit_that_the_price_jumps_over_is_closed_by_the_backstop_while_we_are_dead(venue: Venue):
    position = venue.enter(r=0.01)
    venue.drive(venue.at(position, -6))  # through stop, limit and backstop at once
    assert venue.amount() == 0
    venue.sweep()
    assert Trade.objects.get(position=position).close_reason == "backstop"


@SIDES
def test_the_stop_trails_the_best_price_and_takes_the_profit(venue: Venue, side):
    position = venue.enter(side)
    first, backstop, _ = venue.stops()
    venue.drive(venue.at(position, 2))
    keeper.trail(venue.gateway, venue.clock)
    position.refresh_from_db()
    assert position.trailing
    assert abs(position.stop_price - venue.at(position, 1)) <= D("0.1")
    moved = {a.client_id: a for a in venue.stops()}
    assert first.client_id not in moved
    assert backstop.client_id not in moved
    assert {a.trigger for a in moved.values()} == {position.stop_price, position.backstop_price, position.target_price}
    assert venue.market.price("BTCUSDT", venue.clock.ms()) == venue.price()
    venue.drive(venue.at(position, 1.5))
    keeper.trail(venue.gateway, venue.clock)
    assert refreshed(position).stop_price == position.stop_price  # a worse price loosens nothing
    venue.drive(venue.at(position, 0.9))
    venue.sweep()
    trade = Trade.objects.get(position=position)
    assert trade.close_reason == "trailing"
    assert trade.r_multiple == pytest.approx(0.9, abs=0.1)


def test_while_the_stop_moves_a_stop_is_there_at_every_moment(venue: Venue):
    position = venue.enter()
    counts = []
    venue.after = lambda method, path: counts.append(sum(a.type == "STOP" for a in venue.stops()))
    venue.drive(venue.at(position, 2))
    venue.sweep()
    assert min(counts) == 1
    assert max(counts) == 2
    assert refreshed(position).trailing


@SIDES
def test_a_position_is_closed_when_its_time_is_over(venue: Venue, side):
    position = venue.enter(side)
    venue.wait(48 * 60 + 1)
    venue.sweep()
    trade = Trade.objects.get(position=position)
    assert trade.close_reason == "time"
    assert venue.amount() == 0
    assert venue.stops() == []
    exit_intent = position.intents.get(kind="exit")
    assert exit_intent.reduce_only
    assert exit_intent.reason.startswith("time")
    assert exit_intent.requester == "position_monitor"


@SIDES
def test_a_person_can_close_a_position(venue: Venue, side):
    position = venue.enter(side)
    closed = closing.close(position.pk, venue.gateway, venue.clock, "I don't like it", "anna")
    assert (closed.status, closed.close_reason) == ("closed", "manual")
    assert position.intents.get(kind="exit").requester == "anna"
    assert venue.amount() == 0
    assert closing.close(position.pk, venue.gateway, venue.clock, "again", "anna").status == "closed"
    assert len(venue.fills()) == 2


# -- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_refused_entry_fails_its_decision_with_the_venues_own_code(venue: Venue):
    intent = venue.accept()
    venue.fault("error_code", path="/fapi/v1/order", code=-2019)
    entering.enter(intent.pk, venue.gateway, venue.clock)
    decision = refreshed(intent.decision)
    assert (decision.outcome, decision.code) == ("failed", "EXCHANGE_REJECT")
    assert "2019" in decision.sentence
    assert (intent.order.status, intent.order.error_code) == ("refused", -2019)
    assert not Position.objects.exists()


def test_an_entry_that_comes_too_late_expires_and_nothing_is_sent(venue: Venue):
    intent = venue.accept()
    venue.wait(30)
    entering.enter(intent.pk, venue.gateway, venue.clock)
    assert (refreshed(intent.decision).outcome, intent.decision.code) == ("failed", "EXPIRED")
    assert venue.fills() == []


@pytest.mark.parametrize("state", ["halted", "reducing"])
def test_no_entry_leaves_after_the_switch_was_thrown_and_exits_still_do(venue: Venue, state):
    held = venue.enter(symbol="ETH/USDT:USDT", quantity="1")
    intent = venue.accept()
    SwitchChange.objects.create(state=state, at=venue.clock(), by="anna", reason="test")
    entering.enter(intent.pk, venue.gateway, venue.clock)
    assert (refreshed(intent.decision).outcome, intent.decision.code) == ("failed", "KILL_SWITCH")
    venue.wait(48 * 60)
    venue.sweep()
    assert refreshed(held).close_reason == "time"


def test_a_stop_that_is_refused_once_is_placed_anew(venue: Venue):
    venue.fault("reject_stop", path="/fapi/v1/algoOrder", times=1)
    position = venue.enter()
    assert position.protected_since is not None
    assert [o.status for o in Order.objects.filter(intent__kind="stop").order_by("id")] == ["refused", "new"]


@SIDES
def test_a_position_that_cannot_be_protected_is_closed_at_market(venue: Venue, side):
    venue.fault("reject_stop", path="/fapi/v1/algoOrder", times=None)
    position = venue.enter(side)
    assert venue.amount() == 0
    assert (position.status, position.close_reason) == ("closed", "SL_REJECTED_CLOSED")
    assert Order.objects.filter(intent__kind="stop", status="refused").count() == 3
    assert refreshed(position.decision).outcome == "traded"
    assert position.trade.net < 0


def test_when_the_market_is_behind_the_stop_already_the_position_is_closed_at_once(venue: Venue):
    venue.fault("error_code", path="/fapi/v1/algoOrder", code=-2021)
    position = venue.enter()
    assert venue.amount() == 0
    assert (position.status, position.close_reason) == ("closed", "stop")
    assert Order.objects.filter(intent__kind="stop").count() == 1


def test_an_exit_that_the_venue_refuses_halts_entries_and_is_tried_until_it_works(venue: Venue):
    position = venue.enter()
    fault = venue.fault("error_code", path="/fapi/v1/order", times=None, code=-4131)
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert refreshed(position).status == "closing"
    switch = SwitchChange.objects.get()
    assert (switch.state, switch.by) == ("halted", "system")
    assert "4131" in switch.reason
    assert len(venue.stops()) == 3  # still protected
    venue.exchange.faults.end(fault)
    venue.wait(10)
    venue.sweep()
    assert refreshed(position).close_reason == "manual"
    assert venue.amount() == 0
    assert SwitchChange.objects.count() == 1


def test_a_lost_answer_is_unknown_never_sent_again_and_adopted_when_it_is_found(venue: Venue):
    intent = venue.accept()
    venue.fault("timeout_after", path="/fapi/v1/order")
    entering.enter(intent.pk, venue.gateway, venue.clock)
    assert refreshed(intent.order).status == "unknown"
    decision = refreshed(intent.decision)
    assert (decision.outcome, decision.code) == ("pending", "TIMEOUT_UNKNOWN")
    other = venue.accept()  # the symbol is locked for entries meanwhile
    entering.enter(other.pk, venue.gateway, venue.clock)
    assert refreshed(other.decision).code == "UNRESOLVED_ORDER"
    entering.enter(intent.pk, venue.gateway, venue.clock)  # the task delivered again asks, and sends nothing
    venue.sweep()
    position = Position.objects.get(decision=intent.decision)
    assert position.protected_since is not None
    assert refreshed(intent.decision).outcome == "traded"
    assert len(venue.fills()) == 1
    assert len(venue.stops()) == 3


def test_an_order_that_never_arrived_is_not_placed_only_after_the_fence_and_two_clean_answers(venue: Venue):
    intent = venue.accept()
    venue.fault("http_status", path="/fapi/v1/order", status=503)
    entering.enter(intent.pk, venue.gateway, venue.clock)
    statuses = []
    for _ in range(4):
        statuses.append(refreshed(intent.order).status)
        venue.wait(8)
        venue.sweep()
    assert statuses == ["unknown"] * 3 + ["not_placed"] or statuses == ["unknown"] * 4
    venue.wait(8)
    venue.sweep()
    assert refreshed(intent.order).status == "not_placed"
    assert (refreshed(intent.decision).outcome, intent.decision.code) == ("failed", "TIMEOUT_UNKNOWN")
    assert venue.fills() == []


def test_a_process_that_dies_between_sending_and_recording_is_recovered_by_the_sweep(venue: Venue):
    intent = venue.accept()

    def die(method, path):
        if (method, path) == ("POST", "/fapi/v1/order"):
            raise Killed

    venue.after = die
    with pytest.raises(Killed):
        entering.enter(intent.pk, venue.gateway, venue.clock)
    venue.after = lambda method, path: None
    assert refreshed(intent.order).status == "sending"
    assert venue.stops() == []
    venue.wait(20)
    venue.sweep()
    position = Position.objects.get(decision=intent.decision)
    assert len(venue.fills()) == 1
    assert len(venue.stops()) == 3
    assert position.protected_since is not None
    assert position.seconds_outage == pytest.approx(20, abs=0.1)
    assert position.seconds_unprotected < 2


@pytest.mark.parametrize("call", range(1, 9))
def test_wherever_the_process_dies_while_it_protects_the_sweep_completes_it(venue: Venue, call):
    intent = venue.accept()
    seen = []

    def die(method, path):
        seen.append(path)
        if venue.fills() and len([p for p in seen if venue.fills()]) and seen.count("/fapi/v1/order"):
            after = len(seen) - seen.index("/fapi/v1/order")
            if after == call:
                raise Killed

    venue.after = die
    with pytest.raises(Killed):
        entering.enter(intent.pk, venue.gateway, venue.clock)
    venue.after = lambda method, path: None
    for _ in range(2):
        venue.wait(6)
        venue.sweep()
    position = Position.objects.get(decision=intent.decision)
    assert position.protected_since is not None
    assert sorted(a.type for a in venue.stops()) == ["STOP", "STOP_MARKET", "TAKE_PROFIT_MARKET"]
    assert len(venue.fills()) == 1


def test_an_entry_whose_task_never_came_is_sent_by_the_sweep(venue: Venue):
    intent = venue.accept()
    venue.sweep()
    assert venue.fills() == []  # its own task still has time
    venue.wait(6)
    venue.sweep()
    assert refreshed(intent.decision).outcome == "traded"
    assert len(venue.stops()) == 3


def test_a_stop_cancelled_by_somebody_is_placed_again_and_the_time_without_it_is_counted(venue: Venue):
    position = venue.enter()
    for algo in venue.stops():
        venue.exchange.engine.cancel_algo(algo)
    venue.exchange.engine.commit()
    venue.wait(4)
    venue.sweep()
    assert len(venue.stops()) == 3
    position.refresh_from_db()
    assert position.protected_since is not None
    assert 3 < position.seconds_unprotected < 6


def test_a_position_closed_by_hand_at_the_venue_is_booked_as_external_and_its_orders_go(venue: Venue):
    position = venue.enter()
    theirs = venue.connect()
    theirs.client.fapiPrivatePostOrder(
        {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.05", "newClientOrderId": "human"}
    )
    venue.sweep()
    assert refreshed(position).close_reason == "external"
    assert Trade.objects.get().exit_price == venue.fills()[-1].price
    assert venue.stops() == []


def test_when_a_part_was_closed_by_hand_the_stop_is_made_to_fit(venue: Venue):
    position = venue.enter()
    venue.connect().client.fapiPrivatePostOrder(
        {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.02", "newClientOrderId": "human"}
    )
    venue.sweep()
    assert refreshed(position).quantity == D("0.03")
    stop = next(a for a in venue.stops() if a.type == "STOP")
    assert stop.quantity == D("0.03")
    assert len(venue.stops()) == 3


def test_a_position_that_is_not_ours_is_reported_and_left_alone(venue: Venue):
    venue.connect().client.fapiPrivatePostOrder(
        {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET", "quantity": "1", "newClientOrderId": "human"}
    )
    venue.sweep()
    accounting.account(venue.gateway, venue.clock, "practice")
    assert [p["symbol"] for p in AccountSnapshot.objects.latest().external] == ["SOL/USDT:USDT"]
    assert venue.amount("SOL/USDT:USDT") == 1
    assert not Position.objects.exists()


def test_a_stop_limit_that_triggers_and_does_not_fill_is_escalated(venue: Venue):
    position = venue.enter(r=0.01)
    # the backstop is taken away, so that only the ladder can help
    Position.objects.filter(pk=position.pk).update(backstop_price=position.entry_price / 2, band=1)
    venue.sweep()
    keeper.trail(venue.gateway, venue.clock)
    limit = next(a for a in venue.stops() if a.type == "STOP").price
    venue.drive(limit - position.r)
    assert venue.amount() != 0
    assert len(venue.resting()) == 1
    keeper.mind(position.pk, venue.gateway, venue.clock, "stop_passed")
    assert venue.amount() == 0
    assert refreshed(position).close_reason == "stop_escalated"
    assert venue.stops() == venue.resting() == []


def test_funding_is_booked_once_and_belongs_to_the_position_that_paid_it(venue: Venue):
    position = venue.enter()
    Position.objects.filter(pk=position.pk).update(expires_at=venue.clock() + timedelta(days=1))
    venue.wait(4 * 3600 + 60)
    for _ in range(2):
        accounting.account(venue.gateway, venue.clock, "practice")
    payment = FundingPayment.objects.get()
    assert payment.position == position
    assert refreshed(position).funding == payment.amount != 0
    closing.close(position.pk, venue.gateway, venue.clock, "enough", "anna")
    assert Trade.objects.get().funding == payment.amount


def test_the_same_entry_twice_sends_one_order(venue: Venue):
    position = venue.enter()
    entering.enter(position.decision.intent.pk, venue.gateway, venue.clock)
    with pytest.raises(sender.AlreadySent):
        sender.send(position.decision.intent.pk, venue.gateway, venue.clock)
    assert len(venue.fills()) == 1
    assert len(venue.stops()) == 3


def test_a_sweep_with_nothing_to_change_sends_nothing_and_verifies_everything(venue: Venue):
    position = venue.enter()
    venue.drive(venue.at(position, 0.5))
    orders, before = Order.objects.count(), venue.exchange.requests.copy()
    report = keeper.sweep(venue.gateway, venue.clock)
    asked = venue.exchange.requests - before
    assert Order.objects.count() == orders
    assert report.actions == 0
    assert report.examined > 0
    assert all(name.startswith("GET") for name in asked)
    assert sum(asked.values()) <= 6
    position.refresh_from_db()
    assert position.verified_at == position.mark_at == venue.clock()
    assert position.mark_price == position.best_price == venue.price()
    assert set(Order.objects.filter(intent__position=position).values_list("verified_at", flat=True)) == {venue.clock()}


def test_a_quiet_sweep_costs_no_more_for_many_positions_than_for_one(venue: Venue, django_assert_max_num_queries):
    for symbol, quantity in ((SYMBOL, "0.05"), ("ETH/USDT:USDT", "1"), ("SOL/USDT:USDT", "5")):
        venue.enter(symbol=symbol, quantity=quantity)
    with django_assert_max_num_queries(16):
        venue.sweep()


def test_one_symbol_that_the_venue_fails_on_does_not_stop_the_others(venue: Venue):
    first, second = venue.enter(), venue.enter(symbol="ETH/USDT:USDT", quantity="1")
    venue.drive(venue.at(first, -1.1))
    venue.drive(venue.at(second, -1.1), symbol="ETH/USDT:USDT")
    body = {"kind": "http_status", "match": {"symbol": "BTCUSDT"}, "params": {"status": 503}, "seconds": 60}
    venue.exchange.faults.add(body, venue.clock.ms())
    venue.sweep()
    assert (refreshed(first).status, refreshed(second).status) == ("open", "closed")


def test_a_quiet_minute_of_sweeps_and_accounts_leaves_most_of_the_budget(venue: Venue):
    venue.enter(), venue.enter(symbol="ETH/USDT:USDT", quantity="1")
    venue.sweep()
    venue.gateway.client.budget = spent = Budget(limit=WEIGHT)
    for _ in range(6):
        venue.sweep()
        keeper.trail(venue.gateway, venue.clock)
        accounting.account(venue.gateway, venue.clock, "practice")
        venue.clock.sleep(10)
    assert 0 < spent.total < WEIGHT / 3


def acknowledged(method, path, body):
    """The answer to a market order as a busy venue gives it: taken, nothing said of a fill."""
    if (method, path) == ("POST", "/fapi/v1/order"):
        return body | {"status": "NEW", "executedQty": "0", "avgPrice": "0.00"}
    return body


def test_an_order_that_is_only_acknowledged_is_not_taken_for_filled(venue: Venue):
    venue.rewrite = acknowledged
    position = venue.enter()
    assert position.entry_price == venue.fills()[0].price > 0
    order = position.decision.intent.order
    assert list(order.moves.values_list("was", "became")) == [("sending", "new"), ("new", "filled")]
    assert len(venue.stops()) == 3


def test_an_entry_that_stays_acknowledged_is_followed_by_the_sweep(venue: Venue):
    intent = venue.accept()
    venue.rewrite = lambda method, path, body: (
        body | {"status": "NEW", "executedQty": "0", "avgPrice": "0.00"} if path == "/fapi/v1/order" else body
    )
    entering.enter(intent.pk, venue.gateway, venue.clock)
    assert (refreshed(intent.order).status, refreshed(intent.decision).outcome) == ("new", "pending")
    assert not Position.objects.exists()
    venue.rewrite = lambda method, path, body: body
    venue.sweep()
    assert refreshed(intent.decision).outcome == "traded"
    assert len(venue.stops()) == 3


def thin(venue: Venue, reach: str) -> None:
    """From now on a market order finds so much of BTC before the venue's bound."""
    rules = venue.exchange.engine.rules["BTCUSDT"]
    price = venue.price()
    room = pricing.IMPACT * price * D(reach) + pricing.HALF_SPREAD
    venue.exchange.engine.rules["BTCUSDT"] = replace(rules, take_bound=room)


@SIDES
def test_what_was_filled_of_an_entry_is_what_is_held_and_protected(venue: Venue, side):
    thin(venue, "0.1")
    position = venue.enter(side, quantity="0.25")
    assert D("0.05") < position.quantity < D("0.15")
    assert position.quantity == abs(venue.amount()) == position.opened_quantity
    assert position.decision.intent.order.status == "expired"
    assert refreshed(position.decision).outcome == "traded"
    stop, _, target = venue.stops()
    assert stop.quantity == target.quantity == position.quantity


def test_an_exit_that_the_venue_fills_in_parts_is_sent_again_until_flat(venue: Venue):
    position = venue.enter(quantity="0.25")
    thin(venue, "0.1")
    closing.close(position.pk, venue.gateway, venue.clock, "enough", "anna")
    assert venue.amount() == 0
    exits = position.intents.filter(kind="exit")
    assert exits.count() == 3
    assert Trade.objects.get().quantity == D("0.25")
    assert venue.stops() == []
    assert not SwitchChange.objects.exists()


def test_a_liquidation_is_booked_as_one(venue: Venue):
    position = venue.enter()
    venue.sweep()
    for algo in venue.stops():
        venue.exchange.engine.cancel_algo(algo)
    venue.exchange.engine.commit()
    liquidation = refreshed(position).liquidation_price
    venue.drive(float(liquidation) * 0.999)
    assert venue.amount() == 0
    venue.sweep()
    assert refreshed(position).close_reason == "liquidation"


def test_the_streams_memory_and_the_keeper_agree_on_what_is_due(venue: Venue):
    position = venue.enter()
    memory = Watch(rows.rules())
    memory.load(rows.held())
    held = memory.held[SYMBOL]
    assert (held.stop, held.limit) == (position.stop_price, venue.stops()[0].price)
    venue.drive(venue.at(position, 2))
    (need,) = memory.on_marks({SYMBOL: venue.price()}, venue.clock())
    assert need.why == "trail"
    rows.remember_needed(need)
    keeper.mind(need.position_id, venue.gateway, venue.clock, need.why)
    memory.load(rows.held())
    assert memory.held[SYMBOL].stop == refreshed(position).stop_price
    assert memory.on_marks({SYMBOL: venue.price()}, venue.clock()) == []


def test_a_peak_between_two_looks_that_was_lost_again_closes_at_the_trailing_stops_price_or_worse(venue: Venue):
    position = venue.enter()
    rows.remember_best(position, venue.at(position, 2.4))
    venue.drive(venue.at(position, 1.2))  # the stop should be at 1.4 R by now
    venue.sweep()
    assert refreshed(position).close_reason == "trailing"


def test_halted_cancels_a_resting_entry_and_nothing_that_protects(venue: Venue):
    venue.enter()
    SwitchChange.objects.create(state="halted", at=venue.clock(), by="anna", reason="test")
    venue.sweep()
    assert len(venue.stops()) == 3


def test_an_unreachable_venue_changes_nothing_and_the_time_is_an_outage(venue: Venue):
    venue.fault("reject_stop", path="/fapi/v1/algoOrder", times=1, code=-1008)
    fault = venue.fault("http_status", path="/fapi/v1/algoOrder", times=None, status=503)
    position = venue.enter()
    assert position.protected_since is None
    assert venue.stops() == []
    assert venue.amount() != 0  # no answer is no refusal: nothing is closed in haste
    venue.wait(300)
    venue.exchange.faults.end(fault)
    venue.sweep()
    position.refresh_from_db()
    assert position.protected_since is not None
    assert position.seconds_outage == pytest.approx(300, abs=10)
    assert position.seconds_unprotected < 10


@pytest.mark.parametrize("call", range(1, 7))
def test_wherever_the_process_dies_while_the_stop_trails_the_sweep_completes_it(venue: Venue, call):
    position = venue.enter()
    venue.drive(venue.at(position, 2))
    writes = []

    def die(method, path):
        if method != "GET":
            writes.append(path)
            if len(writes) == call:
                raise Killed

    venue.after = die
    try:
        venue.sweep()
    except Killed:
        assert any(a.type == "STOP" for a in venue.stops())
    venue.after = lambda method, path: None
    for _ in range(2):
        venue.wait(6)
        venue.sweep()
    position.refresh_from_db()
    assert sorted(a.trigger for a in venue.stops()) == sorted(
        [position.stop_price, position.backstop_price, position.target_price]
    )
    assert position.trailing
    assert len(venue.stops()) == 3


@SIDES
def test_by_plan_the_working_stop_is_a_stop_market_that_only_reduces(venue: Venue, side, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_STOP_PLAN": "stop_market"})
    position = venue.enter(side)
    stop, backstop, _ = venue.stops()
    assert (stop.type, stop.reduce_only, stop.close_position) == ("STOP_MARKET", True, False)
    assert (backstop.type, backstop.close_position) == ("STOP_MARKET", True)
    venue.drive(venue.at(position, -1.3))
    venue.sweep()
    assert refreshed(position).close_reason == "stop"


def test_a_stop_cannot_be_drawn_for_an_r_as_large_as_the_price_so_the_position_is_closed(venue: Venue):
    intent = venue.accept()
    intent.decision.ticket["r"] = str(venue.price() * 2)
    intent.decision.save()
    entering.enter(intent.pk, venue.gateway, venue.clock)
    assert Position.objects.get().close_reason == "SL_REJECTED_CLOSED"
    assert venue.amount() == 0
