"""The practice exchange of `tests/positions`, with a wire that tears, waits and times out as its faults want."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import ccxt
import pytest

from tests.faults import checker
from tests.positions.conftest import SYMBOL, Venue
from trading.exchange.errors import VenueError
from trading.exchange.gateway import WRITE_TIMEOUT
from trading.positions import entering, onebyone

ORDER, ALGO = "/fapi/v1/order", "/fapi/v1/algoOrder"


class FaultyVenue(Venue):
    """A request that is answered too late or never ends as a lost connection, after the time that it took."""

    def __init__(self) -> None:
        self.on_request: Callable[[str, str], None] = lambda method, path: None
        super().__init__()

    def carry(self, method: str, url: str, headers: dict, body: str | None) -> tuple[int, dict, Any]:
        parts = urlsplit(url)
        self.on_request(method, parts.path)
        answer = self.exchange.handle(method, parts.path, parts.query, headers, body or "")
        if answer.delay > WRITE_TIMEOUT:
            self.wait(WRITE_TIMEOUT)
            raise ccxt.RequestTimeout("no answer in time")
        if answer.delay:
            self.wait(answer.delay)
        if answer.reset:
            raise ccxt.NetworkError("connection reset by peer")
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        return answer.status, dict(answer.headers), text

    def stand(self, kind: str, symbol: str = "", seconds: float | None = None, **params: Any) -> int:
        """A fault that stands for some seconds or until it is ended."""
        body: dict[str, Any] = {"kind": kind, "params": params}
        body |= {"match": {"symbol": self.id(symbol)}} if symbol else {}
        body |= {"seconds": seconds} if seconds else {}
        return self.exchange.faults.add(body, self.clock.ms()).id

    def look(self, seconds: float, every: float = 1) -> None:
        """Time passes; each `every` seconds the keeper looks, whatever its look ends in."""
        for _ in range(round(seconds / every)):
            self.wait(every)
            try:
                self.sweep()
            except (VenueError, onebyone.PartBroken):
                continue

    def wrongs(self) -> list[str]:
        return checker.wrongs(checker.gather(self.exchange, self.clock()))


@pytest.fixture
def venue(db) -> FaultyVenue:
    entering.one_way_seen.clear()
    return FaultyVenue()


__all__ = ["ALGO", "ORDER", "SYMBOL", "FaultyVenue", "venue"]
