"""Today's result is added exactly, on both databases."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests import builders
from tests.builders import NOW
from trading import cycle
from trading.models import Trade

pytestmark = pytest.mark.django_db


def closed(net, at=NOW):
    position = builders.position(status="closed", quantity=0, closed_at=at, close_reason="stop")
    facts = {"entry_price": 100, "exit_price": 100, "quantity": 1, "gross": net, "fees": 0, "funding": 0}
    return Trade.objects.create(
        position=position, symbol=position.symbol, side="long", net=net, r_multiple=0, opened_at=at, closed_at=at,
        close_reason="stop", mode="practice", **facts,
    )  # fmt: skip


def test_nothing_traded_is_nothing_earned():
    assert cycle.daily_pnl(NOW) == 0


def test_tenths_of_a_cent_add_up_without_noise():
    for _ in range(10):
        closed(Decimal("0.1"))
    closed(Decimal("-1.000000000001"))
    closed(Decimal("5"), NOW - timedelta(days=1))
    assert cycle.daily_pnl(NOW) == Decimal("-0.000000000001")


def test_what_is_open_counts_with_its_costs_so_far():
    builders.position(unrealized=Decimal("0.7"), realized=Decimal("0.1"), fees=Decimal("0.2"), funding=Decimal("-0.3"))
    assert cycle.daily_pnl(NOW) == Decimal("0.3")
