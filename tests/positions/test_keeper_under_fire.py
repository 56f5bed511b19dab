"""What must hold when the venue stammers, or two processes look after the same position at once."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from tests.positions.conftest import START, SYMBOL, Venue
from trading.exchange.venue import OrderStatus, Side
from trading.models import FundingPayment, Intent, Order, Position, SwitchChange
from trading.orders import intents, sender
from trading.positions import accounting, care, closing, entering, keeper, onebyone

SIDES = pytest.mark.parametrize("side", list(Side))


def refreshed(row):
    row.refresh_from_db()
    return row


def working(venue: Venue) -> list[D]:
    return [a.trigger for a in venue.stops() if a.type == "STOP"]


@SIDES
@pytest.mark.parametrize("code", [-1008, -1007, -4045])
def test_the_old_stop_stays_until_a_new_one_rests(venue: Venue, side, code):
    position = venue.enter(side)
    (before,) = working(venue)
    venue.drive(venue.at(position, 2))
    venue.fault("error_code", path="/fapi/v1/algoOrder", times=3, code=code)
    keeper.trail(venue.gateway, venue.clock)
    if refreshed(position).status == "open":
        assert before in working(venue)
        venue.wait(10)
        venue.sweep()
        assert working(venue) == [position.stop_price]
    else:
        assert venue.amount() == 0  # definitely refused three times: out at market


def test_a_venue_that_does_not_tell_its_fills_delays_no_protection(venue: Venue):
    fault = venue.fault("http_status", times=None, path="/fapi/v1/userTrades", method="GET", status=503)
    position = venue.enter()
    assert len(venue.stops()) == 3
    assert position.protected_since is not None
    venue.exchange.faults.end(fault)
    venue.drive(venue.at(position, -0.5), venue.at(position, -1))
    venue.sweep()
    position.refresh_from_db()
    assert position.trade.fees == sum(f.fee for f in venue.fills()) > 0
    assert position.fills.count() == 2


def test_a_list_of_positions_that_lags_behind_the_fill_delays_protection_by_moments_only(venue: Venue):
    asked = []

    def late(method, path, body):
        if path.endswith("/positionRisk"):
            asked.append(path)
            return [] if len(asked) <= 3 else body
        return body

    venue.rewrite = late
    position = venue.enter()
    assert len(venue.stops()) == 3
    assert position.protected_since is not None
    assert position.seconds_unprotected < 2
    assert position.flat_seen_at is None


def test_a_filled_entry_that_is_no_position_yet_locks_its_symbol(venue: Venue):
    first, second = venue.accept(), venue.accept()
    entering.prepare(first, venue.gateway)
    sender.send(first.pk, venue.gateway, venue.clock)
    entering.enter(second.pk, venue.gateway, venue.clock)
    assert refreshed(second.decision).outcome == "failed"
    assert len(venue.fills()) == 1
    venue.sweep()
    assert Position.objects.get().decision == first.decision
    assert len(venue.stops()) == 3


def test_an_order_that_may_have_made_a_position_is_never_concluded_to_be_absent(venue: Venue):
    intent = venue.accept()
    venue.fault("timeout_after", path="/fapi/v1/order")
    fault = venue.fault("error_code", times=None, path="/fapi/v1/order", method="GET", code=-2013)
    entering.enter(intent.pk, venue.gateway, venue.clock)
    for _ in range(3):
        venue.wait(20)
        keeper.sync(SYMBOL, venue.gateway, venue.clock)
    assert refreshed(intent.order).status == "unknown"
    venue.exchange.faults.end(fault)
    keeper.sync(SYMBOL, venue.gateway, venue.clock)
    assert refreshed(intent.decision).outcome == "traded"
    assert len(venue.stops()) == 3


@SIDES
def test_whoever_looks_with_an_old_row_loosens_nothing(venue: Venue, side):
    position = venue.enter(side)
    target = next(a for a in venue.stops() if a.type == "TAKE_PROFIT_MARKET")
    venue.exchange.cancel_by_hand(target.algo_id)  # so that this look has something to do
    slow, told = venue.connect(), []

    def meanwhile(method, path):
        """While one process reads the rules, another one trails the stop."""
        if path == "/fapi/v1/exchangeInfo" and not told:
            told.append(path)
            venue.drive(venue.at(position, 2))
            venue.sweep()
            told.extend(working(venue))

    venue.after = meanwhile
    keeper.mind(position.pk, slow, venue.clock, "protect")
    assert working(venue) == told[1:] == [refreshed(position).stop_price]
    assert position.trailing


def test_a_refusal_that_comes_after_somebody_gave_the_order_up_is_still_a_refusal(venue: Venue):
    intent = venue.accept()
    venue.fault("error_code", path="/fapi/v1/order", code=-2019)

    def give_up(method, path):
        if (method, path) == ("POST", "/fapi/v1/order"):
            order = Order.objects.get()
            order.move_to(OrderStatus.UNKNOWN, at=venue.clock(), why="its sender is gone")

    venue.after = give_up
    entering.enter(intent.pk, venue.gateway, venue.clock)
    assert (refreshed(intent.order).status, intent.order.error_code) == ("refused", -2019)
    assert refreshed(intent.decision).code == "EXCHANGE_REJECT"


def test_a_closed_position_has_no_profit_on_paper(venue: Venue):
    position = venue.enter()
    venue.drive(venue.at(position, -0.5))
    Position.objects.update(expires_at=venue.clock())
    keeper.trail(venue.gateway, venue.clock)
    position.refresh_from_db()
    assert (position.status, position.unrealized) == ("closed", 0)


def test_an_exit_that_reduces_nothing_while_the_position_is_there_halts_entries(venue: Venue):
    position = venue.enter()
    venue.fault("error_code", path="/fapi/v1/order", times=None, code=-2022)
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert venue.amount() != 0
    assert "2022" in SwitchChange.objects.get().reason


def test_an_exit_that_is_not_accepted_for_a_moment_is_tried_again_after_it(venue: Venue):
    position = venue.enter()
    venue.fault("error_code", path="/fapi/v1/order", times=2, code=-1008)
    before = venue.clock()
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert refreshed(position).status == "closed"
    assert venue.clock() - before >= timedelta(seconds=0.5)
    assert not SwitchChange.objects.exists()


def test_one_intent_that_grew_too_old_to_send_does_not_end_the_sweep(venue: Venue, monkeypatch):
    first, second = venue.enter(), venue.enter(symbol="ETH/USDT:USDT", quantity="1")
    for symbol in (SYMBOL, "ETH/USDT:USDT"):
        for algo in venue.stops(symbol):
            venue.exchange.engine.cancel_algo(algo)
    venue.exchange.engine.commit()
    monkeypatch.setattr(intents, "SOON", timedelta(0))
    venue.sweep()
    assert Order.objects.filter(intent__kind="stop").count() == 2  # nothing was sent, and nothing broke
    monkeypatch.undo()
    venue.wait(1)
    venue.sweep()
    assert refreshed(first).protected_since is not None
    assert refreshed(second).protected_since is not None


def test_funding_is_asked_for_no_farther_back_than_it_can_matter(venue: Venue):
    FundingPayment.objects.create(
        income_id="old", symbol=SYMBOL, amount=D(1), at=START - timedelta(days=365), mode="practice"
    )
    before = venue.exchange.requests["GET /fapi/v1/income"]
    accounting.account(venue.gateway, venue.clock, "practice")
    assert venue.exchange.requests["GET /fapi/v1/income"] - before == 1


def test_halted_cancels_a_resting_entry(venue: Venue):
    intent = venue.accept()
    Intent.objects.filter(pk=intent.pk).update(type="LIMIT", price=round(venue.price() * D("0.97"), 1))
    entering.enter(intent.pk, venue.gateway, venue.clock)
    assert len(venue.resting()) == 1
    SwitchChange.objects.create(state="halted", at=venue.clock(), by="anna", reason="test")
    venue.sweep()
    assert venue.resting() == []
    assert refreshed(intent.decision).outcome == "failed"


def test_one_position_that_nobody_can_look_after_keeps_nobody_from_the_others(venue: Venue, monkeypatch, caplog):
    """The broken one is told as the look's error, after all the others had their turn."""
    venue.enter()
    seen = []

    def broken(position, *about):
        seen.append(position.symbol)
        raise ValueError("a row that makes no sense")

    monkeypatch.setattr(care, "undisturbed", broken)
    monkeypatch.setattr(care, "look_after", broken)
    with pytest.raises(onebyone.PartBroken, match="ValueError: a row that makes no sense"):
        venue.sweep()
    assert seen == [SYMBOL, SYMBOL]
    monkeypatch.undo()
    venue.sweep()
    assert len(venue.stops()) == 3


def test_a_trailing_stop_that_breaks_is_told_after_the_others_had_their_turn(venue: Venue, monkeypatch):
    venue.enter()
    monkeypatch.setattr(keeper, "shadow", lambda *about: 1 // 0)
    with pytest.raises(onebyone.PartBroken, match="1 of 1 could not be looked after"):
        keeper.trail(venue.gateway, venue.clock)
