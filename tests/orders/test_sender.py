"""One door to the venue's order endpoints, and one order for one intent."""

import ast
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests import builders
from tests.builders import NOW
from trading.codes import Code
from trading.exchange.venue import OrderStatus
from trading.models import Intent, Order
from trading.orders import sender
from trading.orders.lifecycle import IllegalMove, StaleRow

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
