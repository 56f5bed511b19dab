"""Where and as whom the venue is asked, and how a client is aimed there. Host and mode must belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

RECV_WINDOW = 5000  # ms: a request older than this is refused, so a lost one can't be accepted later
DEMO_HOST = "demo-fapi.binance.com"
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Connection:
    """Where and as whom. `url` is a practice exchange's address; empty where ccxt knows the venue's own."""

    url: str
    key: str
    secret: str
    mode: str


def settings_of(connection: Connection) -> dict[str, Any]:
    """What a ccxt client is made with."""
    return {
        "apiKey": connection.key,
        "secret": connection.secret,
        "enableRateLimit": False,  # sync: our own rolling window; async: set where it is made
        "options": {
            "recvWindow": RECV_WINDOW,
            "fetchCurrencies": False,
            "maxRetriesOnFailure": 0,
            "adjustForTimeDifference": False,
            "timeDifference": 0,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
    }


def point(client: Any, connection: Connection) -> None:
    """Aim every address of ccxt at the connection's, and make sure that host and mode belong together."""
    if connection.mode in ("practice", "paper"):
        host = urlsplit(connection.url).hostname or ""
        if not host or host.endswith("binance.com"):
            raise ValueError(f"{connection.mode} mode needs the practice exchange's address, was {connection.url!r}")
        client.urls["api"] = _rewritten(client.urls["api"], urlsplit(connection.url).netloc)
        return
    if connection.mode != "testnet":
        raise ValueError(f"there is no connection for mode {connection.mode!r}")
    if connection.url:  # a practice exchange in the demo environment's place
        if urlsplit(connection.url).hostname not in LOOPBACK:
            raise ValueError(f"testnet goes to {DEMO_HOST} or to this machine, was {connection.url!r}")
        client.urls["api"] = _rewritten(client.urls["api"], urlsplit(connection.url).netloc)
        return
    client.enable_demo_trading(True)
    host = urlsplit(client.urls["api"]["fapiPrivate"]).hostname or ""
    if host != DEMO_HOST:
        raise ValueError(f"testnet must go to {DEMO_HOST}, ccxt points to {host}")


def _rewritten(urls: Any, netloc: str) -> Any:
    if isinstance(urls, dict):
        return {name: _rewritten(url, netloc) for name, url in urls.items()}
    parts = urlsplit(urls)
    return f"{'ws' if parts.scheme == 'wss' else 'http'}://{netloc}{parts.path}"
