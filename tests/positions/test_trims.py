"""A trim that a person accepted: closed once, to the cent, the stops resized, whatever comes in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from tests import builders as make
from tests.positions.conftest import SYMBOL, Killed, Venue
from trading.exchange.errors import VenueError
from trading.exchange.venue import Filters, Side
from trading.models import CloseRequest, Fill, Intent, Order, Position, Trade, TrimRequest
from trading.orders import sender
from trading.positions import guard, onebyone, trimmer
from trading.positions.trims import TooSmall, lot
from trading.practice.signing import sign

SIDES = pytest.mark.parametrize("side", list(Side))
RULES = Filters(SYMBOL, D("0.1"), D("0.001"), D("0.001"), D(1000), D(120), D(5))
ORDER = "/fapi/v1/order"


def ask(position: Position, venue: Venue, quantity: str = "0.02", **changes) -> TrimRequest:
    row = {"quantity": D(quantity), "before": position.quantity, "requested_at": venue.clock()}
    return make.trim_request(position, **row | changes)


def trim(request: TrimRequest, venue: Venue) -> TrimRequest:
    trimmer.trim(request.pk, venue.gateway, venue.clock)
    request.refresh_from_db()
    return request


def resized(position: Position, venue: Venue, rest: str) -> bool:
    """What rests at the venue covers exactly the rest: one stop, one backstop, one target."""
    position.refresh_from_db()
    sizes = sorted(a.quantity for a in venue.stops() if not a.close_position)
    whole = sum(1 for a in venue.stops() if a.close_position)
    return position.quantity == D(rest) == abs(venue.amount()) and sizes == [D(rest)] * 2 and whole == 1


# -- how much ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "before", "mark", "got"),
    [
        ("0.2", "0.5", "100", D("0.2")),
        ("0.2009", "0.5", "100", D("0.2")),
        ("0.0009", "0.5", "100000", "the trim is 0 in steps of 0.001, at least 0.001"),
        ("0.04", "0.5", "100", "the trim is worth 4 USDT, at least 5"),
        ("0.47", "0.5", "100", "what it leaves is worth 3 USDT, at least 5"),
        ("0.5", "0.5", "100", "what it leaves is 0 in steps of 0.001, at least 0.001"),
    ],
)
def test_a_part_is_whole_steps_and_both_parts_reach_the_smallest_order(wanted, before, mark, got):
    found = lot(D(wanted), D(before), D(mark), RULES)
    assert (found.sentence if isinstance(found, TooSmall) else found) == got


# -- carried out ------------------------------------------------------------------------------------------------------


@SIDES
def test_a_trim_closes_a_part_once_and_resizes_the_stops(venue: Venue, side):
    position = venue.enter(side)
    venue.drive(venue.at(position, 0.5))
    request = trim(ask(position, venue, reason="too much of it"), venue)
    assert (request.outcome, request.filled, request.error) == ("done", D("0.02"), "")
    assert trimmer.trim(request.pk, venue.gateway, venue.clock) == 0, "whoever comes second does nothing"
    assert resized(position, venue, "0.03")
    assert position.status == "open" and position.protected_since is not None
    (intent,) = position.intents.filter(kind=Intent.TRIM)
    assert (intent.requester, intent.reduce_only, intent.quantity) == ("anna", True, D("0.02"))
    assert "too much of it" in intent.reason


@SIDES
def test_its_profit_is_booked_to_the_cent_and_the_trade_at_the_end_is_exact(venue: Venue, side):
    position = venue.enter(side)
    venue.drive(venue.at(position, 0.5))
    request = trim(ask(position, venue), venue)
    (fill,) = Fill.objects.filter(order__intent__trim=request)
    assert request.realized == fill.realized == side.sign * (fill.price - position.entry_price) * D("0.02")
    assert request.fees == fill.fee > 0
    position.refresh_from_db()
    assert position.realized == request.realized
    venue.drive(venue.at(position, -0.5), venue.at(position, -1.05), venue.at(position, -1.1))
    venue.wait(5)
    venue.sweep()
    trade = Trade.objects.get(position=position)
    assert trade.close_reason == "stop", "a trim is not what closed it"
    assert abs(trade.gross - sum(f.realized for f in Fill.objects.filter(position=position))) < D("1e-8")
    assert trade.fees == sum(f.fee for f in venue.fills())
    assert trade.quantity == D("0.05") and venue.amount() == 0


def test_the_sweep_finds_a_trim_whose_bell_was_lost(venue: Venue):
    position = venue.enter()
    request = ask(position, venue)
    venue.sweep()
    request.refresh_from_db()
    assert request.outcome == "done" and resized(position, venue, "0.03")
    assert trimmer.waiting(venue.clock()) == []


def test_a_fraction_of_a_step_is_rounded_down(venue: Venue):
    position = venue.enter()
    request = trim(ask(position, venue, quantity="0.02099"), venue)
    assert (request.outcome, request.quantity, request.filled) == ("done", D("0.02"), D("0.02"))


def test_what_is_too_small_is_refused_with_the_numbers_and_nothing_is_sent(venue: Venue):
    position = venue.enter()
    request = trim(ask(position, venue, quantity="0.0004"), venue)
    assert request.outcome == "refused" and request.error == "the trim is 0 in steps of 0.001, at least 0.001"
    assert not position.intents.filter(kind=Intent.TRIM).exists() and abs(venue.amount()) == D("0.05")


# -- what comes in between --------------------------------------------------------------------------------------------


@SIDES
@pytest.mark.parametrize("at", ["place", "read", "fills", "stop"])
def test_killed_at_any_step_it_is_finished_once_by_the_next_process(venue: Venue, side, at):
    """After the venue took it and before we wrote that down; while reading back; while the stops are resized."""
    position = venue.enter(side)
    request = ask(position, venue)
    where = {"place": ("POST", ORDER), "read": ("GET", "/positionRisk"), "fills": ("GET", "/userTrades"),
             "stop": ("POST", "/algoOrder")}[at]  # fmt: skip
    trimmed = lambda: abs(venue.amount()) == D("0.03")  # noqa: E731

    def dies(method: str, path: str) -> None:
        if method == where[0] and path.endswith(where[1]) and trimmed():
            venue.after = lambda method, path: None
            raise Killed

    venue.after = dies
    with pytest.raises(Killed):
        trimmer.trim(request.pk, venue.gateway, venue.clock)
    venue.gateway = venue.connect()
    for _ in range(6):
        venue.wait(20)
        venue.sweep()
    request.refresh_from_db()
    assert request.outcome == "done" and request.filled == D("0.02")
    assert resized(position, venue, "0.03") and len(venue.fills()) == 2
    assert request.fees == venue.fills()[-1].fee


def test_killed_before_anything_left_it_is_sent_by_the_next_process(venue: Venue, monkeypatch):
    position = venue.enter()
    request = ask(position, venue)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("trading.orders.sender.claim", killed)
        with pytest.raises(Killed):
            trimmer.trim(request.pk, venue.gateway, venue.clock)
    assert abs(venue.amount()) == D("0.05")
    for _ in range(3):
        venue.wait(20)
        venue.sweep()
    request.refresh_from_db()
    assert request.outcome == "done" and resized(position, venue, "0.03")
    assert [i.order.status for i in position.intents.filter(kind="trim", order__isnull=False)] == ["filled"]


@pytest.mark.parametrize(("kind", "more"), [("timeout_after", {}), ("http_status", {"status": 503})])
def test_an_answer_that_is_lost_is_asked_for_and_never_sent_twice(venue: Venue, kind, more):
    """Whether the order had arrived or not."""
    position = venue.enter()
    request = ask(position, venue)
    venue.fault(kind, path=ORDER, **more)
    fault = venue.fault("http_status", times=None, path=ORDER, method="GET", status=503)
    with pytest.raises(onebyone.OVER):
        trimmer.trim(request.pk, venue.gateway, venue.clock)
    request.refresh_from_db()
    assert request.outcome == "" and request.error and request.taken_at is None
    assert position.intents.get(kind="trim").order.status == "unknown"
    venue.exchange.faults.end(fault)
    for _ in range(6):
        venue.wait(20)
        venue.sweep()
    request.refresh_from_db()
    assert request.outcome == "done" and request.filled == D("0.02")
    assert resized(position, venue, "0.03") and len(venue.fills()) == 2


@SIDES
def test_what_the_venue_takes_in_pieces_is_closed_piece_by_piece_also_by_two_processes(venue: Venue, side, monkeypatch):
    """The first process dies after the first piece: the second one sends what is missing, and no more."""
    rules_of = guard.rules_of
    monkeypatch.setattr(
        guard, "rules_of", lambda symbol, gateway: replace(rules_of(symbol, gateway), market_max_quantity=D("0.008"))
    )
    position = venue.enter(side)
    request = ask(position, venue)

    def dies(method: str, path: str) -> None:
        if abs(venue.amount()) == D("0.042"):
            venue.after = lambda method, path: None
            raise Killed

    venue.after = dies
    with pytest.raises(Killed):
        trimmer.trim(request.pk, venue.gateway, venue.clock)
    venue.gateway = venue.connect()
    for _ in range(4):
        venue.wait(20)
        venue.sweep()
    request.refresh_from_db()
    assert request.outcome == "done" and resized(position, venue, "0.03")
    assert [f.quantity for f in venue.fills()[1:]] == [D("0.008"), D("0.008"), D("0.004")]
    assert request.fees == sum(f.fee for f in venue.fills()[1:])


def test_an_order_that_filled_in_part_only_is_completed_by_another(venue: Venue):
    """The venue ended the order with 0.012 of 0.02 filled: its row says so, and 0.008 are sent."""
    position = venue.enter()
    request = ask(position, venue)
    first = trimmer.want(request, position, D("0.012"), venue.clock())
    sender.send(first.pk, venue.gateway, venue.clock)
    Intent.objects.filter(pk=first.pk).update(quantity=D("0.02"))
    Order.objects.filter(intent=first).update(status="expired")
    request = trim(request, venue)
    assert request.outcome == "done" and resized(position, venue, "0.03")
    assert [f.quantity for f in venue.fills()[1:]] == [D("0.012"), D("0.008")]


def test_a_refusal_is_told_and_the_position_stays_protected(venue: Venue):
    position = venue.enter()
    venue.fault("error_code", times=3, path=ORDER, code=-2019, message="Margin is insufficient.")
    request = trim(ask(position, venue), venue)
    assert request.outcome == "refused" and "Margin is insufficient" in request.error
    assert resized(position, venue, "0.05")


def test_a_position_that_closes_meanwhile_overtakes_the_trim(venue: Venue):
    position = venue.enter()
    request = ask(position, venue)
    venue.drive(venue.at(position, -0.5), venue.at(position, -1.05))
    venue.wait(5)
    for _ in range(3):
        venue.sweep()
        venue.wait(20)
    request.refresh_from_db()
    assert (request.outcome, request.filled) == ("overtaken", 0)
    assert Trade.objects.get(position=position).close_reason == "stop" and venue.amount() == 0


def test_a_close_that_was_asked_for_takes_all_of_it(venue: Venue):
    position = venue.enter()
    request = ask(position, venue)
    CloseRequest.objects.create(position=position, requested_by="mira", requested_at=venue.clock())
    venue.sweep()
    request.refresh_from_db()
    assert request.outcome == "overtaken" and not position.intents.filter(kind="trim").exists()
    assert venue.amount() == 0 and Trade.objects.get(position=position).close_reason == "manual"


def test_a_silent_venue_gives_it_back(venue: Venue, monkeypatch):
    request = ask(venue.enter(), venue)

    def silent(*_):
        raise VenueError("no answer for 5 s")

    with monkeypatch.context() as patch:
        patch.setattr("trading.positions.guard.look", silent)
        with pytest.raises(VenueError):
            trimmer.trim(request.pk, venue.gateway, venue.clock)
    request.refresh_from_db()
    assert (request.taken_at, request.error, request.outcome) == (None, "no answer for 5 s", "")


def test_one_that_is_at_work_is_left_alone_for_half_a_minute(venue: Venue):
    request = ask(venue.enter(), venue, taken_at=venue.clock() - timedelta(seconds=5))
    assert trimmer.trim(request.pk, venue.gateway, venue.clock) == 0
    venue.wait(60)
    assert trimmer.trim(request.pk, venue.gateway, venue.clock) == 1


def test_a_trim_goes_out_while_entries_are_held(venue: Venue):
    """The way out is never gated."""
    from trading.gates import store
    from trading.gates.directives import Level
    from trading.models import SwitchChange

    position = venue.enter()
    store.direct(Level.NO_NEW_TRADES, "FEED_STALE", "All candles are old", "self_healing", venue.clock())
    SwitchChange.objects.create(state="halted", at=venue.clock(), by="mira", reason="lunch")
    assert trim(ask(position, venue), venue).outcome == "done"


# -- what changes meanwhile -------------------------------------------------------------------------------------------


def by_hand(venue: Venue, side: str, quantity: str) -> None:
    """Somebody sends an order with the account's key."""
    raw = f"symbol=BTCUSDT&side={side.upper()}&type=MARKET&quantity={quantity}&timestamp={venue.clock.ms()}"
    body = f"{raw}&signature={sign(raw, 's')}"
    assert venue.exchange.handle("POST", ORDER, "", {"X-MBX-APIKEY": "k"}, body).status == 200


@SIDES
def test_a_position_that_shrank_meanwhile_is_not_closed_as_a_whole_by_its_trim(venue: Venue, side):
    position = venue.enter(side)
    request = ask(position, venue, "0.03")
    by_hand(venue, side.exit, "0.03")
    trim(request, venue)
    venue.sweep()
    assert (request.outcome, request.filled) == ("refused", 0)
    assert "0.02" in request.error
    assert resized(position, venue, "0.02") and position.status == "open"


def test_a_trim_that_began_ends_also_where_its_rest_has_become_small(venue: Venue, monkeypatch):
    position = venue.enter()
    request = ask(position, venue, "0.02")
    first = trimmer.want(request, position, D("0.012"), venue.clock())
    sender.send(first.pk, venue.gateway, venue.clock)
    small = replace(guard.rules_of(SYMBOL, venue.gateway), min_notional=D(100_000))
    monkeypatch.setattr(guard, "rules_of", lambda symbol, gateway: small)
    request = trim(request, venue)
    assert (request.outcome, request.filled) == ("done", D("0.02"))


def test_what_was_counted_before_another_process_filled_it_is_not_sent_again(venue: Venue):
    position = venue.enter()
    request = ask(position, venue, "0.02")
    seen = guard.look(SYMBOL, venue.gateway, venue.clock)
    trimmer.reduce(request, position, seen.mark, venue.gateway, venue.clock)
    with pytest.raises(trimmer.Waits):
        trimmer.send_one(request, position, D("0.02"), venue.gateway, venue.clock)
    assert abs(venue.amount()) == D("0.03")
