"""Numbers and ages as the design writes them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.watch import words

MINUS = "\u2212"


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(10412.38, 2, "10,412.38"), (-43.9, 2, f"{MINUS}43.90"), (-0.001, 2, "0.00"), (Decimal("1E+3"), 0, "1,000")],
)
def test_numbers_are_grouped_with_a_true_minus(value, places, text):
    assert words.grouped(value, places) == text


@pytest.mark.parametrize(
    ("value", "text"), [(12.47, "+12.47"), (-13.52, f"{MINUS}13.52"), (0, "0.00"), (0.001, "0.00")]
)
def test_a_gain_has_a_plus_and_nothing_has_no_sign(value, text):
    assert words.signed(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (38, "38 s"), (119, "119 s"), (125, "2 min 5 s"), (31 * 60 + 7, "31 min"), (9840, "2 h 44 min"),
     (3600, "1 h"), (200_000, "2 d 7 h"), (-5, "0 s")],
)  # fmt: skip
def test_an_age_has_one_unit_up_to_two_minutes_then_two(seconds, text):
    assert words.age(seconds).replace(words.NBSP, " ") == text


def test_a_price_keeps_what_is_known_and_no_more():
    assert words.price(Decimal("30214.500000000000")) == "30,214.5"
    assert words.price(Decimal("0.0000012340")) == "0.000001234"
    assert words.price(None) == "No data"


def test_all_prices_of_a_row_have_the_decimals_of_the_finest():
    assert words.places_of(Decimal("29942"), Decimal("29760.4"), None) == 1


def test_windows_and_counts_read_as_sentences():
    assert words.window(timedelta(hours=1)) == "the last hour"
