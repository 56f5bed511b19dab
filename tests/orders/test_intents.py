"""Drafts of orders, and ids that follow from what they are for."""

import re
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from trading.exchange.venue import OrderType, Side
from trading.orders import intents
from trading.orders.intents import LETTER, Draft, Purpose, client_order_id

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHY = Purpose("qt-e-abc", 1, "protect", "executor", NOW)


@pytest.mark.parametrize("kind", sorted(LETTER))
def test_an_id_is_one_that_the_venue_takes(kind):
    made = client_order_id(kind, "1m:2026-11-22T12:00:00+00:00:BTC/USDT:USDT")
    assert re.fullmatch(r"[.A-Z:/a-z0-9_-]{1,36}", made)
    assert made.startswith(f"qt-{LETTER[kind]}-")


def test_the_same_wish_has_the_same_id_and_another_has_another():
    keys = [(kind, str(n)) for kind in LETTER for n in range(200)]
    assert client_order_id("entry", "x") == client_order_id("entry", "x")
    assert len({client_order_id(*key) for key in keys}) == len(keys)


@pytest.mark.parametrize(("side", "exit"), [(Side.LONG, "sell"), (Side.SHORT, "buy")])
def test_what_protects_a_position_is_on_the_other_side_and_only_reduces(side, exit):
    drafts = [
        intents.stop("X", side, D(2), D(90), D(89), WHY),
        intents.stop("X", side, D(2), D(90), None, WHY),
        intents.backstop("X", side, D(80), WHY),
        intents.target("X", side, D(2), D(120), WHY),
        intents.exit("X", side, D(2), WHY),
    ]
    assert {d.side for d in drafts} == {exit}
    assert all(d.reduce_only or d.close_position for d in drafts)
    assert [d.type.value for d in drafts] == ["STOP", "STOP_MARKET", "STOP_MARKET", "TAKE_PROFIT_MARKET", "MARKET"]
    assert all(d.reason == "protect" and d.requester == "executor" for d in drafts)


def test_a_backstop_closes_the_position_whatever_its_quantity():
    request = intents.request(intents.backstop("X", Side.LONG, D(80), WHY))
    assert request.close_position
    assert request.quantity is None
    assert not request.reduce_only


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "exit"},
        {"reduce_only": True, "quantity": None},
        {"reduce_only": True, "close_position": True},
        {"reduce_only": True, "trigger": D(1)},
        {"reduce_only": True, "type": OrderType.STOP},
    ],
)
def test_a_draft_that_contradicts_itself_is_refused(wrong):
    right = {"kind": "stop", "quantity": D(1), "type": OrderType.MARKET}
    with pytest.raises(ValueError, match="."):
        Draft(client_order_id="x", symbol="X", side="sell", created_at=NOW, expires_at=None, **(right | wrong))
