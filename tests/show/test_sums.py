"""Money that a database adds up: to the last place, on SQLite too."""

from decimal import Decimal

import pytest

from monitoring.show.sums import totals
from tests.show import factories as make
from tests.show.test_api import api, get, key  # noqa: F401
from trading.models import Trade

pytestmark = pytest.mark.django_db
TENTH = Decimal("0.1")
LARGE = Decimal("4503599627.1")


def traded(now, *nets: Decimal) -> None:
    for i, net in enumerate(nets):
        trade = make.closed_trade(make.SYMBOLS[i % len(make.SYMBOLS)], now)
        Trade.objects.filter(pk=trade.pk).update(net=net, fees=TENTH, gross=net + TENTH, funding=0)


def test_tenths_add_up_to_what_they_are(now, django_assert_num_queries):
    traded(now, LARGE, -LARGE, TENTH, TENTH, TENTH)
    with django_assert_num_queries(1):
        assert totals(Trade.objects.all(), "net", "fees") == {"net": Decimal("0.3"), "fees": Decimal("0.5")}


def test_over_nothing_there_is_no_sum(db):
    assert totals(Trade.objects.all(), "net", "fees") == {"net": None, "fees": None}


def test_the_statistics_of_trades_are_exact(api, now):  # noqa: F811
    traded(now, LARGE, TENTH, TENTH, TENTH)
    assert Decimal(str(get(api, "trades/stats")["net"])) == LARGE + 3 * TENTH
