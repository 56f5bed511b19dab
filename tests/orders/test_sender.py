"""One door to the venue's order endpoints, and one order for one intent."""

import ast
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests import builders
from tests.builders import NOW
from tests.positions.conftest import Venue
from trading.codes import Code
from trading.exchange.budget import Budget
from trading.exchange.venue import OrderStatus
from trading.models import Decision, Intent, Order, Position, SwitchChange
from trading.orders import sender
from trading.orders.lifecycle import IllegalMove, StaleRow
from trading.positions import closing, entering

ROOT = Path(__file__).resolve().parents[2] / "trading"
DOOR = ROOT / "orders" / "sender.py"


def sources() -> list[Path]:
    return [p for p in ROOT.rglob("*.py") if "practice" not in p.parts and "migrations" not in p.parts]


def named(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def sends(call: ast.Call) -> bool:
    """`anything.place(...)`, or a `cancel` with more than a message (asyncio's own take at most one)."""
    if not isinstance(call.func, ast.Attribute) or named(call.func.value) == "sender":
        return False
    return call.func.attr == "place" or (call.func.attr == "cancel" and len(call.args) + len(call.keywords) > 1)


def test_nothing_but_the_sender_reaches_the_venues_order_endpoints():
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        if path != DOOR
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and sends(node)
    ]
    assert wrong == []
    assert any(isinstance(node, ast.Call) and sends(node) for node in ast.walk(ast.parse(DOOR.read_text())))


def test_nothing_but_the_sender_makes_a_permit():
    wrong = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path != DOOR
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and named(node.func) == "Permit"
    ]
    assert wrong == []


def wanted(**changes) -> Intent:
    return builders.intent(decision=builders.decision(), expires_at=NOW + timedelta(seconds=30), **changes)


@pytest.mark.django_db
def test_a_claim_is_taken_once():
    intent = wanted()
    order = sender.claim(intent.pk, NOW)
    assert order.status == OrderStatus.SENDING
    with pytest.raises(sender.AlreadySent):
        sender.claim(intent.pk, NOW)
    assert Order.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "may"), [(29.9, True), (30, False)])
def test_an_expired_intent_is_not_sent(seconds, may):
    intent = wanted()
    if may:
        sender.claim(intent.pk, NOW + timedelta(seconds=seconds))
        return
    with pytest.raises(sender.NotSent) as no:
        sender.claim(intent.pk, NOW + timedelta(seconds=seconds))
    assert no.value.code is Code.EXPIRED
    assert not Order.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["sending", "unknown"])
def test_an_order_without_a_known_outcome_locks_its_symbol_for_entries(status):
    builders.order(intent=wanted(), status=status)
    with pytest.raises(sender.NotSent) as no:
        sender.claim(wanted().pk, NOW)
    assert no.value.code is Code.UNRESOLVED_ORDER
    sender.claim(wanted(symbol="ETH/USDT:USDT").pk, NOW)


@pytest.mark.django_db
def test_an_open_position_locks_its_symbol_for_entries_and_for_nothing_else():
    position = builders.position()
    with pytest.raises(sender.NotSent) as no:
        sender.claim(wanted().pk, NOW)
    assert no.value.code is Code.ALREADY_OPEN
    stop = builders.intent(
        kind="stop", position=position, reason="protect", requester="t", reduce_only=True, side="sell"
    )
    sender.claim(stop.pk, NOW)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_claimed_inside_somebodys_transaction():
    intent = wanted()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        sender.claim(intent.pk, NOW)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_claim_at_once_one_sends():
    intent = wanted()
    outcomes = []
    gate = threading.Barrier(8)

    def claim():
        gate.wait()
        try:
            outcomes.append(sender.claim(intent.pk, NOW).pk)
        except sender.AlreadySent:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert len([pk for pk in outcomes if pk]) == 1


@pytest.mark.django_db
def test_a_move_is_recorded_or_nothing_changes():
    order = sender.claim(wanted().pk, NOW)
    order.move_to(OrderStatus.NEW, at=NOW, why="shown", venue_order_id="7")
    with pytest.raises(IllegalMove):
        order.move_to(OrderStatus.SENDING, at=NOW)
    order.refresh_from_db()
    assert (order.status, order.venue_order_id) == ("new", "7")
    assert list(order.moves.values_list("was", "became", "why")) == [("sending", "new", "shown")]


@pytest.mark.django_db
def test_who_moves_an_order_that_somebody_else_has_moved_is_told():
    order = sender.claim(wanted().pk, NOW)
    other = Order.objects.get(pk=order.pk)
    other.move_to(OrderStatus.FILLED, at=NOW)
    with pytest.raises(StaleRow):
        order.move_to(OrderStatus.UNKNOWN, at=NOW)
    assert order.moves.count() == 1


# -- what has to wait, and what was given up wrongly


@pytest.fixture
def venue(db) -> Venue:
    entering.one_way_seen.clear()
    return Venue()


@pytest.mark.django_db
@pytest.mark.parametrize(("lasts", "seconds"), [(30, 5), (3, 3), (None, 5)])
def test_an_order_may_leave_for_a_few_seconds_and_never_after_it_expired(lasts, seconds):
    expires = None if lasts is None else NOW + timedelta(seconds=lasts)
    order = builders.order(intent=builders.intent(decision=builders.decision(), expires_at=expires))
    assert sender.latest(order) == NOW + timedelta(seconds=seconds)
    window, spare = timedelta(seconds=5), timedelta(seconds=5)
    assert sender.LEAVES + window + spare <= sender.FENCE


def test_an_entry_that_waits_in_the_gateway_leaves_neither_after_the_switch_nor_after_the_fence(venue: Venue):
    """It waits for 40 s; after 5 s a person halts; after the fence another process finds that it was never placed."""
    venue.gateway.filters()
    intent = venue.accept()
    entering.prepare(intent, venue.gateway)
    began = venue.clock()
    budget = venue.gateway.client.budget = Budget(limit=100)
    budget.wait(100, now=time.monotonic(), first=True)

    def rest(seconds):
        venue.clock.sleep(seconds)
        waited = venue.clock() - began
        if waited >= timedelta(seconds=5) and not SwitchChange.objects.exists():
            SwitchChange.objects.create(state="halted", at=venue.clock(), by="anna", reason="stop")
        if waited >= timedelta(seconds=40):
            venue.gateway.client.budget = None

    venue.gateway.client.rest = rest
    order = sender.send(intent.pk, venue.gateway, venue.clock)
    assert (order.status, order.may_retry, order.error_code) == (OrderStatus.REFUSED, True, None)
    assert "waited too long, nothing was sent" in order.error
    assert venue.clock() - began <= timedelta(seconds=6)
    assert venue.fills() == [] and venue.exchange.requests["POST /fapi/v1/order"] == 0
    entering.follow(order, venue.gateway, venue.clock, began)
    assert Decision.objects.get().outcome == Decision.FAILED


def test_an_order_that_was_given_up_and_fills_all_the_same_is_told_loudly_adopted_and_protected(venue: Venue, caplog):
    intent = venue.accept()

    def give_up(method, path):
        if (method, path) == ("POST", "/fapi/v1/order") and not Position.objects.exists():
            Order.objects.get(intent=intent).move_to(OrderStatus.NOT_PLACED, at=venue.clock(), why="asked twice")

    venue.after = give_up
    entering.enter(intent.pk, venue.gateway, venue.clock)
    order = Order.objects.get(intent=intent)
    assert (order.status, order.filled) == (OrderStatus.FILLED, intent.quantity)
    assert [r.levelname for r in caplog.records if "given up as never placed" in r.getMessage()] == ["ERROR"]
    assert Position.objects.get().quantity == intent.quantity
    assert len(venue.stops()) == 3


@pytest.mark.parametrize("path", ["/fapi/v1/exchangeInfo", "/fapi/v1/leverageBracket"])
def test_a_position_is_closed_while_the_venue_gives_no_rules(venue: Venue, path):
    position = venue.enter()
    venue.fault("http_status", times=None, path=path, method="GET", status=503)
    venue.wait(61)
    closing.close(position.pk, venue.gateway, venue.clock, "out", "anna")
    assert venue.amount() == 0


def test_a_position_is_protected_anew_while_the_venue_gives_no_rules(venue: Venue):
    venue.enter()
    venue.fault("http_status", times=None, path="/fapi/v1/exchangeInfo", method="GET", status=503)
    venue.wait(61)
    for algo in venue.stops():
        venue.exchange.engine.cancel_algo(algo)
    venue.exchange.engine.commit()
    venue.sweep()
    assert len(venue.stops()) == 3
