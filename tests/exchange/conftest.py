"""The practice exchange's engine behind the gateway, in process, on a clock that tests turn."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from trading.exchange.gateway import CcxtGateway, Connection, connect
from trading.practice import market, tables
from trading.practice.exchange import Exchange
from trading.practice.ledger import Ledger

START = 1_770_000_000_000 // 60_000 * 60_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")


@dataclass
class Venue:
    """The exchange, our gateway to it, and its time."""

    exchange: Exchange
    gateway: CcxtGateway
    ms: Callable[[], int]
    wait: Callable[[float], None]


@pytest.fixture
def venue() -> Venue:
    time = [START]
    exchange = Exchange(
        market.synthetic(7, SYMBOLS, 60_000, START), tables.load(), Ledger(), lambda: time[0], {"practice": "practice"}
    )

    def transport(method, url, headers, body):
        parts = urlsplit(url)
        answer = exchange.handle(method, parts.path, parts.query, headers, body or "")
        return answer.status, {}, json.dumps(answer.body)

    def wait(seconds):
        time[0] += int(seconds * 1000)
        exchange.advance(time[0])

    connection = Connection("http://127.0.0.1:8100", "practice", "practice", "practice")
    gateway = connect(connection, transport, clock=lambda: datetime.fromtimestamp(time[0] / 1000, UTC))
    return Venue(exchange, gateway, lambda: time[0], wait)
