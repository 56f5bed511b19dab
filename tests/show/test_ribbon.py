"""What the ribbon says of the market that is played."""

import pytest

from monitoring.show.panels.head import playing
from quantum.config import load

KEYS = {"QT_API_KEY": "k", "QT_API_SECRET": "s"}


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "Synthetic market with trends built in; profit here proves nothing"),
        ({"QT_PRACTICE_DATA": "docs"}, "Playing docs"),
        ({"QT_MODE": "paper"}, "Real prices, relayed from Binance USD-M futures; fills are made here"),
        (
            {"QT_MODE": "paper", "QT_RELAY_URL": "http://127.0.0.1:8200"},
            "Prices relayed from a second practice exchange",
        ),
        (
            KEYS | {"QT_MODE": "testnet", "QT_TESTNET_URL": "http://127.0.0.1:8200"},
            "A second practice exchange stands in for the demo environment",
        ),
        (KEYS | {"QT_MODE": "testnet"}, "Market data of the exchange"),
    ],
)
def test_the_ribbon_says_what_is_played(settings, environ, says):
    settings.QUANTUM = load(environ)
    assert playing() == says
