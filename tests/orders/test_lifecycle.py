"""The life of an order: the table, all pairs of it, and the row that moves."""

from itertools import product

import pytest

from trading.exchange.venue import OrderStatus as S
from trading.orders.lifecycle import LEGAL, LIVE, OVER, IllegalMove, check_move

ALLOWED = {
    "sending": "unknown new partial triggered filled canceled expired refused not_placed",
    "unknown": "new partial triggered filled canceled expired refused not_placed",
    "new": "partial triggered filled canceled expired refused",
    "triggered": "partial filled canceled expired refused",
    "partial": "filled canceled expired",
    "canceled": "filled",
    "filled": "",
    "expired": "",
    "refused": "",
    "not_placed": "new partial triggered filled",
}


@pytest.mark.parametrize(("was", "became"), list(product(S, S)))
def test_a_status_moves_only_where_the_table_says(was, became):
    if became in ALLOWED[was].split():
        check_move(was, became)
    else:
        with pytest.raises(IllegalMove, match=f"from {was.value} to {became.value}"):
            check_move(was, became)


def test_every_status_has_a_row_and_is_either_live_or_over():
    assert set(LEGAL) == set(S) == LIVE | OVER
    assert not LIVE & OVER


def test_from_every_live_status_an_end_can_be_reached():
    assert all(LEGAL[status] & OVER for status in LIVE)
