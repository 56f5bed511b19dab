"""ccxt as it is installed, unpatched, against a practice exchange that runs as its users run it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.practice.running import KEY, SECRET, Running

CONFIG = {"apiKey": KEY, "secret": SECRET, "options": {"fetchCurrencies": False}}


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("venue"), "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT") as running:
        yield running


def pointed(client: Any, port: int) -> Any:
    """The same client, every address of it leading to the practice exchange."""

    def here(address: Any) -> Any:
        if isinstance(address, dict):
            return {name: here(inner) for name, inner in address.items()}
        secure = re.match(r"(http|ws)s://[^/]+", address)
        return f"{secure[1]}://127.0.0.1:{port}{address[secure.end() :]}" if secure else address

    client.urls["api"] = here(client.urls["api"])
    return client
