"""Whoever writes a candle past all checks is refused by the table itself, on every database."""

import math

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from tests import builders as make
from trading.models import Candle

pytestmark = pytest.mark.django_db
GOOD = {"open": 100.0, "high": 102.0, "low": 99.0, "close": 101.0, "volume": 5.0}
NO_NUMBERS = (math.nan, math.inf, -math.inf)
BAD = [
    *({name: value} for name in GOOD for value in NO_NUMBERS),
    *({name: None} for name in GOOD),
    *({name: -GOOD[name]} for name in GOOD),
    *({name: 0.0} for name in ("open", "high", "low", "close")),
    {"high": 98.0},  # below the low
    {"high": 98.0, "low": 99.0, "open": 98.5, "close": 98.5},
    {"open": 102.5},
    {"open": 98.5},
    {"close": 102.5},
    {"close": 98.5},
    {"high": 1e12, "close": 1e12},
    {"high": 1e308},
    {"volume": 1e18},
    dict.fromkeys(("open", "high", "low", "close"), 0.0),
    dict.fromkeys(("open", "high", "low", "close"), math.nan),
    dict.fromkeys(("open", "high", "low", "close"), math.inf),
]


def insert(numbers: dict[str, float | None]) -> None:
    """By plain SQL, as somebody would who knows nothing of us."""
    table = connection.ops.quote_name(Candle._meta.db_table)
    when = connection.ops.adapt_datetimefield_value(make.NOW)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (symbol, timeframe, open_time, open, high, low, close, volume)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            ["BTC/USDT:USDT", "1m", when, *(numbers[name] for name in GOOD)],
        )


def test_a_candle_that_can_be_is_taken():
    insert(GOOD)
    insert_flat = GOOD | dict.fromkeys(("open", "high", "low", "close"), 100.0) | {"volume": 0.0}
    Candle.objects.all().delete()
    insert(insert_flat)
    assert Candle.objects.count() == 1


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_candle_that_cannot_be_is_refused(bad):
    with pytest.raises((IntegrityError, DataError)):
        insert(GOOD | bad)
    assert Candle.objects.count() == 0


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_good_candle_cannot_be_made_a_bad_one(bad):
    insert(GOOD)
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        Candle.objects.update(**bad)
    assert list(Candle.objects.values_list(*GOOD)) == [tuple(GOOD.values())]


def test_the_same_candle_is_not_taken_twice():
    insert(GOOD)
    with pytest.raises(IntegrityError):
        insert(GOOD)
