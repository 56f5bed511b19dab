"""The proof under the positions: each protective order as the exchange itself has shown it."""

import re

import pytest

from monitoring.show.panels import render
from tests.show import factories as make

pytestmark = pytest.mark.django_db


def panel(now) -> str:
    html = render(["proof"], now)[0].html
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_each_order_has_its_number_type_trigger_and_when_it_was_read_back(now):
    make.holdings(now)
    said = panel(now)
    assert "8 orders rest there" in said
    assert "STOP_MARKET" in said and "yes, reduce-only" in said and "yes, it closes the position" in said
    assert "29,942.0" in said and "the whole position" in said
    assert "Protection not confirmed:" in said  # the one that was last seen 38 s ago


def test_an_order_that_was_not_read_back_is_not_drawn_as_protection(now):
    position = make.position("BTC/USDT:USDT", now)
    make.guard(position, "stop", "95", None)
    said = panel(now)
    assert "Protection not read back:" in said and "not yet" in said and "Protected:" not in said


def test_without_a_position_it_teaches(now):
    assert "With the first position: its stop and its backstop" in panel(now)
