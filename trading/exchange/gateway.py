"""The venue's wire: the only import of ccxt. One class trades (sync), one streams (async); both raise `errors`.

The calls are ccxt's own endpoints (signing, rate limit, error mapping); answers are read from the venue's exact strings
(`wire.py`), never from ccxt's floats. What a request is, is in `asking.py`; which ones there are, in `market.py`,
`account.py`, `ordering.py` and `history.py`. Nothing is ever sent twice: a lost answer of a write is `OutcomeUnknown`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import ccxt

from trading.exchange import wire
from trading.exchange.account import AccountCalls
from trading.exchange.answers import retry_after
from trading.exchange.asking import Clock, Known, Transport, timed, utc_now
from trading.exchange.budget import Budget
from trading.exchange.connection import Connection, point, settings_of
from trading.exchange.errors import Answer, KeyRefused
from trading.exchange.history import HistoryCalls
from trading.exchange.ordering import OrderCalls
from trading.exchange.quiet import Told

ClientError = ccxt.BaseError
WRITE_TIMEOUT, READ_TIMEOUT = 5.0, 10.0  # seconds
WEIGHT = 1200.0  # a minute, per process; the venue allows 2400 to an address
PRACTICE_KEY = "practice"


# -- ccxt, made to say what it knows -----------------------------------------------------------------------------------


class Telling:
    """Mixed into ccxt's classes: errors carry the HTTP answer; local addresses are mapped like the venue's own."""

    exceptions: dict[str, Any]
    handle_http_status_code: Callable[..., None]

    def get_exceptions_by_url(self, url: str, exactOrBroad: str) -> dict:
        return self.exceptions.get("linear", {}).get(exactOrBroad, {}) if "/fapi/" in (url or "") else {}

    def handle_errors(self, code, reason, url, method, headers, body, response, request_headers, request_body):
        """ccxt's own, then the plain HTTP status; whatever is raised carries status, body and Retry-After."""
        try:
            found = super().handle_errors(  # type: ignore[misc]
                code, reason or "", url, method, headers, body, response, request_headers, request_body
            )
            if not found and code >= 400:
                self.handle_http_status_code(code, reason or "", url, method, body)
                raise ccxt.ExchangeError(f"HTTP {code}")
        except ccxt.BaseError as error:
            error.answer = Answer(code, body)
            error.retry_after = retry_after(headers)
            raise
        return found


class Wired(Telling, ccxt.binanceusdm):
    """ccxt's sync client with our clock, our budget, a time limit by method, and a transport in place of HTTP."""

    transport: Transport | None = None
    patience: float = READ_TIMEOUT  # seconds that any request may take at most
    clock: Clock | None = None
    budget: Budget | None = None
    rest: Callable[[float], object] = staticmethod(time.sleep)  # how it waits for its budget
    hurried: Callable[[], bool] = staticmethod(lambda: False)  # whether the read at hand reduces risk
    leave: Callable[[], None] = staticmethod(lambda: None)  # raises where the request at hand may not leave any more

    def milliseconds(self) -> int:
        return wire.ms(self.clock()) if self.clock else super().milliseconds()

    def fetch2(self, path, api=("public",), method="GET", params=None, config=None):
        params = params or {}
        if self.budget is not None:
            cost = self.calculate_rate_limiter_cost(api, method, path, params, config or {})
            first = method != "GET" or self.hurried()
            while (pause := self.budget.wait(cost, time.monotonic(), first=first)) > 0:
                self.rest(min(pause, 1.0))
                self.leave()
        self.leave()
        return super().fetch2(path, api, method, params, config or {})

    def fetch(self, url, method="GET", headers=None, body=None):
        self.timeout = int(1000 * min(self.patience, READ_TIMEOUT if method == "GET" else WRITE_TIMEOUT))
        with timed(self.clock or utc_now):
            if self.transport is None:
                return super().fetch(url, method, headers, body)
            sent = self.prepare_request_headers(headers)
            status, answered, raw = self.transport(method, url, sent, body)
        parsed = self.parse_json(raw.strip())
        self.handle_errors(status, "", url, method, answered, raw, parsed, sent, body)
        return raw if parsed is None else parsed


def streaming_client(
    connection: Connection,
    clock: Clock,
    hear: Callable[[Any], None],
    weight: float = WEIGHT,
    leave: Callable[[], None] = lambda: None,
) -> Any:
    """ccxt's async client. `hear` gets every message raw: ccxt's own reading drops a candle's closed flag.

    `leave` raises where nothing may be asked any more; it is called when a request has waited for its turn.
    """
    import ccxt.pro  # 2 s: only the stream pays for it

    class Tapped(Telling, ccxt.pro.binanceusdm):
        def milliseconds(self) -> int:
            return wire.ms(clock())

        async def fetch(self, url, method="GET", headers=None, body=None):
            leave()
            with timed(clock):
                return await super().fetch(url, method, headers, body)

        def handle_message(self, client, message):
            content = message.get("data", message) if isinstance(message, dict) and "stream" in message else message
            if isinstance(content, dict) and ("error" in content or content.get("e") == "listenKeyExpired"):
                client.on_error(ccxt.NetworkError(str(content)))
            else:
                hear(content)

    # the leaky bucket spreads 44 requests over 22 s; the rolling window lets them go at once, up to the budget
    limiter = {"enableRateLimit": True, "rateLimiterAlgorithm": "rollingWindow", "rateLimit": 60_000 / weight}
    client = Tapped(settings_of(connection) | limiter | {"timeout": int(1000 * READ_TIMEOUT)})
    point(client, connection)
    return client


# -- trading -----------------------------------------------------------------------------------------------------------


class CcxtGateway(HistoryCalls, OrderCalls, AccountCalls):
    """The `venue.Gateway` on ccxt's binanceusdm, made of its calls by subject."""

    broken = ccxt.BaseError

    @property
    def library(self) -> str:
        return f"ccxt {ccxt.__version__}"


def nothing(_: datetime) -> Iterable[Told]:
    return ()


def connect(
    connection: Connection,
    transport: Transport | None = None,
    clock: Clock = utc_now,
    patience: float = READ_TIMEOUT,
    known: Known = nothing,
) -> CcxtGateway:
    """A gateway at the connection's address; `transport` replaces HTTP (then `clock` is the venue's, too).

    `known` gives the silences that any process of ours heard of, at a moment of our clock.
    """
    client = Wired(settings_of(connection))
    point(client, connection)
    client.transport = transport
    client.patience = patience
    client.clock = clock
    client.budget = None if transport else Budget(WEIGHT)
    return CcxtGateway(client, connection, clock, known)


def configured() -> Connection:
    """The connection that the settings describe."""
    from django.conf import settings

    config = settings.QUANTUM
    if config.practising:
        return Connection(
            url=config.QT_PRACTICE_URL,
            key=config.QT_API_KEY or PRACTICE_KEY,
            secret=config.QT_API_SECRET or PRACTICE_KEY,
            mode=config.mode,
        )
    if not (config.QT_API_KEY and config.QT_API_SECRET):
        raise KeyRefused(f"{config.mode} mode needs QT_API_KEY and QT_API_SECRET")
    return Connection(url=config.stand_in_url, key=config.QT_API_KEY, secret=config.QT_API_SECRET, mode=config.mode)


@lru_cache(maxsize=1)
def venue() -> CcxtGateway:
    """This process's gateway."""
    from trading.exchange.rows import silences

    return connect(configured(), known=silences)
