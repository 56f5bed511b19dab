"""The venue's wire: the only import of ccxt. One class trades (sync), one streams (async); both raise `errors`.

The calls are ccxt's own endpoints (signing, rate limit, error mapping); answers are read from the venue's exact strings
(`wire.py`), never from ccxt's floats. Nothing is ever sent twice: a lost answer of a write is `OutcomeUnknown`.
"""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ccxt
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from trading.exchange import klines, wire
from trading.exchange.budget import Budget
from trading.exchange.errors import (
    CLOCK,
    NOT_SEEN,
    Answer,
    KeyRefused,
    NotAccepted,
    Refused,
    Silenced,
    Unreachable,
    VenueError,
    classify,
)
from trading.exchange.quiet import TOO_MANY, Quiet, Told
from trading.exchange.venue import (
    Account,
    Bar,
    Booking,
    Call,
    Filters,
    Income,
    Mark,
    OrderRequest,
    Permit,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

log = logging.getLogger(__name__)

ClientError = ccxt.BaseError
T = TypeVar("T")
H = TypeVar("H", Income, Booking)
Clock = Callable[[], datetime]
Known = Callable[[datetime], Iterable[Told]]
Transport = Callable[[str, str, dict[str, str], "str | None"], "tuple[int, dict[str, str], str]"]

RECV_WINDOW = 5000  # ms: a request older than this is refused, so a lost one can't be accepted later
WRITE_TIMEOUT, READ_TIMEOUT = 5.0, 10.0  # seconds
WEIGHT = 1200.0  # a minute, per process; the venue allows 2400 to an address
RULES_FRESH = 60.0  # seconds that filters are remembered
RULES_AGAIN = 15.0  # seconds until they are asked for again where they could not be read and older ones will do
LOOK_AGAIN = 3.0  # seconds between two looks at the silences that other processes heard of
# refusals after which the filters are read anew
RULES_BROKEN = {
    -1013,
    -1111,
    -1121,
    -4003,
    -4004,
    -4005,
    -4013,
    -4014,
    -4023,
    -4024,
    -4141,
    -4164,
}
PAGE = 1000  # fills, incomes
WEEK = timedelta(days=7)  # the venue's longest span of userTrades and income
PRACTICE_KEY = "practice"
BANNED_UNTIL = re.compile(r"banned until (\d{13})")
DEMO_HOST = "demo-fapi.binance.com"
LOOPBACK = ("127.0.0.1", "localhost")
SPAN: ContextVar[tuple[datetime, datetime] | None] = ContextVar("span", default=None)  # of this task's newest request


@dataclass(frozen=True, slots=True)
class Connection:
    """Where and as whom. `url` is a practice exchange's address; empty where ccxt knows the venue's own."""

    url: str
    key: str
    secret: str
    mode: str


@dataclass(frozen=True, slots=True)
class Asking:
    """The request at hand: whether it reduces risk, and until when (`_seconds`) it may leave."""

    endpoint: str
    urgent: bool
    latest: float


@dataclass(frozen=True, slots=True)
class Rules:
    """What the venue said of its perpetuals, and when. Not `whole`: its brackets are missing, or it proved wrong."""

    at: float
    found: dict[str, Filters]
    whole: bool

    def good(self, now: float) -> bool:
        return self.whole and now - self.at <= RULES_FRESH


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
            error.retry_after = _retry_after(headers)
            raise
        return found


@contextmanager
def timed(clock: Clock) -> Iterator[None]:
    """Note when the request within leaves and comes back: what it waited for before is no part of it."""
    began = clock()
    try:
        yield
    finally:
        SPAN.set((began, clock()))


def _retry_after(headers: Any) -> float | None:
    value = next((v for k, v in dict(headers or {}).items() if k.lower() == "retry-after"), "")
    return float(value) if value.isdigit() else None


def silence(error: ccxt.BaseError, what: str, now: datetime) -> Silenced | None:
    """What a 429 or 418 asks for: its Retry-After, the end of the ban that its text names, or a guess."""
    answer, wait = _answer(error), getattr(error, "retry_after", None)
    if answer.status not in (418, 429):
        return None
    banned, text = answer.status == 418, answer.error[1]
    if wait is None and banned:
        wait = _until_ban_ends(text, now)
    wait = (120.0 if banned else 5.0) if wait is None else wait
    said = f"{what}: {text or 'too many requests'} (HTTP {answer.status}), {wait:.0f} s of silence"
    return Silenced(said, TOO_MANY, wait, banned=banned)


def _until_ban_ends(text: str, now: datetime) -> float | None:
    """Seconds until the moment that the ban's own text names, where it names one."""
    found = BANNED_UNTIL.search(text)
    return max(0.0, int(found[1]) / 1000 - now.timestamp()) if found else None


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


def _settings(connection: Connection) -> dict[str, Any]:
    return {
        "apiKey": connection.key,
        "secret": connection.secret,
        "enableRateLimit": False,  # sync: our own rolling window; async: set below
        "options": {
            "recvWindow": RECV_WINDOW,
            "fetchCurrencies": False,
            "maxRetriesOnFailure": 0,
            "adjustForTimeDifference": False,
            "timeDifference": 0,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
    }


def _point(client: Any, connection: Connection) -> None:
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


def _answer(error: ccxt.BaseError) -> Answer:
    """What a ccxt error knows of the HTTP answer; without one, whether anything can have left us."""
    known = getattr(error, "answer", None)
    return known or Answer(sent=not _never_connected(error))


def _never_connected(error: BaseException) -> bool:
    """Connection refused, or timed out before a byte was sent. requests and aiohttp name the cause differently."""
    cause: Any = error.__cause__
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return (
        isinstance(reason, NewConnectionError | ConnectTimeoutError) or type(cause).__name__ == "ClientConnectorError"
    )


# -- trading -----------------------------------------------------------------------------------------------------------


class CcxtGateway:
    """The `venue.Gateway` on ccxt's binanceusdm. One thread at a time (a lock sees to it)."""

    def __init__(self, client: Wired, connection: Connection, clock: Clock, known: Known) -> None:
        self.client, self.connection, self.clock = client, connection, clock
        self.offset: timedelta | None = (
            timedelta(0) if client.transport else None
        )  # venue's clock - ours; None: not asked
        self._rules: Rules | None = None
        self._rules_again = -math.inf  # when they are asked for again, where older ones will do
        self._odd: set[str] = set()  # whose rules could not be read, as was said
        self._quiet, self._known, self._look_again = Quiet(), known, -math.inf
        self._seconds = (lambda: clock().timestamp()) if client.transport else time.monotonic
        self._lock = threading.Condition(threading.RLock())
        self._heard = threading.local()
        client.rest, client.hurried = self._lock.wait, self._hurried  # whoever waits for the budget lets others ask
        client.leave = self._leave

    # -- clock
    def now(self) -> datetime:
        """The venue's time, as far as we know it."""
        return self.clock() + (self.offset or timedelta(0))

    def set_clock(self) -> timedelta:
        """Ask the venue for its time; our requests carry it from now on. What was waited before does not count."""
        SPAN.set(None)
        began = self.clock()
        server = self._ask("fapiPublicGetTime", {}, lambda raw: wire.moment(raw["serverTime"]))
        left, came = SPAN.get() or (began, self.clock())
        self.offset = server - (left + (came - left) / 2)
        self.client.options["timeDifference"] = round(-self.offset.total_seconds() * 1000)
        return self.offset

    # -- market
    def filters(self, fresh: bool = False, current: bool = False) -> dict[str, Filters]:
        """The rules of every perpetual, asked for once a minute; the last known ones where the venue does not answer.

        `current` is for the way in: a minute old at most, or an error. `fresh`: asked for now, or an error.
        """
        rules, now, strict = self._rules, self._seconds(), fresh or current
        if rules is not None and not fresh and rules.good(now):
            return rules.found
        if rules is not None and not strict and now < self._rules_again:
            return rules.found
        try:
            return self._learn_rules(rules.found if rules else {}, strict).found
        except VenueError as error:
            if rules is None or strict:
                raise
            log.warning("the venue's rules can't be read: those of %.0f s ago are used (%s)", now - rules.at, error)
            return rules.found

    def _learn_rules(self, known: dict[str, Filters], strict: bool) -> Rules:
        """Row by row. Only who enters needs the leverage brackets too."""
        self._rules_again = self._seconds() + RULES_AGAIN
        rows = self._ask("fapiPublicGetExchangeInfo", {}, lambda answer: list(answer["symbols"]))
        brackets, missing = self._brackets()
        found, odd = wire.rules(rows, brackets, known)
        if not found and (odd or known):
            raise classify(Answer(200), write=False, what="exchangeInfo")
        for name in odd.keys() - self._odd:
            log.warning("the venue's rules for %s can't be read: it is not entered (%s)", name, odd[name])
        self._odd |= odd.keys()
        rules = self._rules = Rules(self._seconds(), found, whole=missing is None)
        if missing is None:
            self._rules_again = -math.inf
        elif strict:
            raise missing
        return rules

    def _brackets(self) -> tuple[dict[str, Any], VenueError | None]:
        try:
            return self._ask("fapiPrivateGetLeverageBracket", {}, wire.brackets), None
        except VenueError as error:
            return {}, error

    def bars(self, symbol: str, timeframe: str, since: datetime | None = None, limit: int = 500) -> list[Bar]:
        """Closed bars, oldest first; the newest `limit` ones, or those from `since` on."""
        params = kline_params(symbol, timeframe, since, limit)
        now, step = self.now(), timedelta(seconds=self.client.parse_timeframe(timeframe))
        found = self._ask("fapiPublicGetKlines", params, lambda rows: klines.closed_bars(rows, symbol, now, step))
        return found[-limit:] if since is None else found[:limit]

    def marks(self) -> dict[str, Mark]:
        found = self._ask("fapiPublicGetPremiumIndex", {}, lambda rows: [wire.mark(row) for row in rows])
        return {m.symbol: m for m in found if m is not None}

    def volumes(self) -> dict[str, Decimal]:
        """Turnover of the last 24 h in quote currency, by symbol."""
        rows = self._ask(
            "fapiPublicGetTicker24hr",
            {},
            lambda rows: {wire.symbol_of(r["symbol"]): wire.number(r["quoteVolume"]) for r in rows},
        )
        return {symbol: volume for symbol, volume in rows.items() if symbol is not None}

    # -- account
    def account(self) -> Account:
        return self._ask("fapiPrivateV3GetAccount", {}, lambda raw: wire.account(raw, self.now()))

    def positions(self) -> list[VenuePosition]:
        found = self._ask("fapiPrivateV3GetPositionRisk", {}, lambda rows: _all(wire.position, rows))
        if all(p.leverage for p in found):
            return found
        leverages = self._ask("fapiPrivateV2GetAccount", {}, _leverages)
        return [replace(p, leverage=p.leverage or leverages.get(p.symbol)) for p in found]

    def amounts(self) -> dict[str, Decimal]:
        """What is held by symbol, shorts below zero, as the account's own list has it."""
        return self._ask("fapiPrivateV3GetAccount", {}, wire.amounts)

    def one_way(self) -> bool:
        return self._ask("fapiPrivateGetPositionSideDual", {}, lambda raw: not wire.true(raw["dualSidePosition"]))

    def multi_assets(self) -> bool:
        """Other assets than USDT count as collateral."""
        return self._ask("fapiPrivateGetMultiAssetsMargin", {}, lambda raw: wire.true(raw["multiAssetsMargin"]))

    def may_trade(self) -> bool:
        return self._ask("fapiPrivateV2GetAccount", {}, lambda raw: wire.true(raw["canTrade"]))

    def may_withdraw(self) -> bool | None:
        """Whether this key may take money out; None where the venue does not tell (its demo environment)."""
        if "sapi" not in self.client.urls["api"]:
            return None
        try:
            return self._ask("sapiGetAccountApiRestrictions", {}, lambda raw: wire.true(raw["enableWithdrawals"]))
        except Refused:
            return None

    def symbol_settings(self, symbol: str) -> tuple[str, int]:
        """Margin mode (`isolated` or `cross`) and leverage that a new position would have."""
        params = {"symbol": wire.market_id(symbol)}
        return self._ask("fapiPrivateGetSymbolConfig", params, lambda rows: wire.symbol_settings(rows[0]))

    def set_leverage(self, symbol: str, leverage: int) -> None:
        params = {"symbol": wire.market_id(symbol), "leverage": leverage}
        self._ask("fapiPrivatePostLeverage", params, lambda raw: raw["leverage"], write=True)

    def set_margin_mode(self, symbol: str, mode: str) -> None:
        """`isolated` or `cross`; that it is so already is no error."""
        params = {"symbol": wire.market_id(symbol), "marginType": "ISOLATED" if mode == "isolated" else "CROSSED"}
        try:
            self._ask("fapiPrivatePostMarginType", params, lambda raw: raw["code"], write=True)
        except Refused as refusal:
            if refusal.code != -4046:
                raise

    # -- orders
    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Both books: ordinary and conditional."""
        params = {"symbol": wire.market_id(symbol)} if symbol else {}
        ordinary = self._ask("fapiPrivateGetOpenOrders", params, lambda rows: _all(wire.order, rows))
        return ordinary + self._ask("fapiPrivateGetOpenAlgoOrders", params, lambda rows: _all(wire.algo_order, rows))

    def order(self, symbol: str, client_order_id: str, *, conditional: bool) -> VenueOrder | None:
        """The order with our id, or None where the venue has none. A triggered one has its spawned order's fate."""
        if not conditional:
            return self._find("fapiPrivateGetOrder", symbol, {"origClientOrderId": client_order_id}, wire.order)
        algo = self._find("fapiPrivateGetAlgoOrder", symbol, {"clientAlgoId": client_order_id}, wire.algo_order)
        if algo is None or not algo.spawned_id:
            return algo
        became = self._find("fapiPrivateGetOrder", symbol, {"orderId": algo.spawned_id}, wire.order)
        return algo if became is None else wire.merged(algo, became)

    def _find(self, endpoint: str, symbol: str, by: dict, parse: Callable[[Any, str], VenueOrder]) -> VenueOrder | None:
        try:
            return self._ask(endpoint, {"symbol": wire.market_id(symbol), **by}, lambda raw: parse(raw, symbol))
        except Refused as refusal:
            if refusal.code in NOT_SEEN:
                return None
            raise

    def place(self, request: OrderRequest, permit: Permit, latest: datetime | None = None) -> VenueOrder:
        """Send one order, once; what could not leave until `latest` (by our clock) is not sent."""
        if permit.client_order_id != request.client_order_id:
            raise ValueError(f"the permit is for {permit.client_order_id}, the order is {request.client_order_id}")
        if request.type.conditional:
            endpoint, params, parse = "fapiPrivatePostAlgoOrder", wire.conditional_params(request), wire.algo_order
        else:
            endpoint, params, parse = "fapiPrivatePostOrder", wire.ordinary_params(request), wire.order
        urgent = request.reduce_only or request.close_position
        until = math.inf if latest is None else self._seconds() + (latest - self.clock()).total_seconds()
        return self._ask(
            endpoint, params, lambda raw: parse(raw, request.symbol), write=True, urgent=urgent, latest=until
        )

    def cancel(self, symbol: str, client_order_id: str, permit: Permit, *, conditional: bool) -> VenueOrder | None:
        """Cancel by our id; None where the venue confirms and tells no more. Refused(-2011): no such open order."""
        if permit is None:
            raise ValueError("a cancellation needs a permit")
        params = {"symbol": wire.market_id(symbol)}
        if conditional:
            params["clientAlgoId"] = client_order_id
            self._ask("fapiPrivateDeleteAlgoOrder", params, lambda raw: raw["algoId"], write=True, urgent=True)
            return None
        params["origClientOrderId"] = client_order_id
        return self._ask("fapiPrivateDeleteOrder", params, lambda raw: wire.order(raw, symbol), write=True, urgent=True)

    def fills(self, symbol: str, since: datetime) -> list[VenueFill]:
        """Every fill from `since` on, oldest first; fees in USDT."""
        base = {"symbol": wire.market_id(symbol), "limit": PAGE}
        found: dict[str, VenueFill] = {}
        for start, end in _weeks(since, self.now()):
            window = {"startTime": wire.ms(start), "endTime": wire.ms(end)}
            rows = self._ask("fapiPrivateGetUserTrades", base | window, list)
            found |= {str(r["id"]): self._fill(r, symbol) for r in rows}
            while len(rows) == PAGE:
                rows = self._ask("fapiPrivateGetUserTrades", base | {"fromId": int(rows[-1]["id"]) + 1}, list)
                found |= {str(r["id"]): self._fill(r, symbol) for r in rows}
        return sorted(found.values(), key=lambda f: (f.at, int(f.trade_id)))

    def _fill(self, raw: dict, symbol: str) -> VenueFill:
        fill = self._read(lambda r: wire.fill(r, symbol), raw, "userTrades")
        asset = str(raw.get("commissionAsset", "USDT"))
        if asset in wire.QUOTES or not fill.fee:
            return fill
        mark = self.marks().get(f"{asset}/USDT:USDT")  # fees may be paid in BNB
        if mark is None:
            raise classify(Answer(200), write=False, what=f"userTrades: no price for a fee in {asset}")
        return replace(fill, fee=fill.fee * mark.price)

    def income(self, since: datetime) -> list[Income]:
        """Funding from `since` on, oldest first."""
        found = {i.income_id: i for i in self._history({"incomeType": "FUNDING_FEE"}, wire.income, since)}
        return sorted(found.values(), key=lambda i: (i.at, i.income_id))

    def journal(self, since: datetime) -> list[Booking]:
        """The income history of every kind from `since` on, oldest first."""
        found = {b.income_id: b for b in self._history({}, wire.booking, since)}
        return sorted(found.values(), key=lambda b: (b.at, b.income_id))

    def _history(self, wanted: dict, read: Callable[[Any], H], since: datetime) -> Iterator[H]:
        """Page by page, some lines twice; a full page goes on at its last line's time."""
        for start, end in _weeks(since, self.now()):
            while True:
                span = {"startTime": wire.ms(start), "endTime": wire.ms(end), "limit": PAGE}
                page = self._ask("fapiPrivateGetIncome", wanted | span, lambda rows: [read(r) for r in rows])
                yield from page
                if len(page) < PAGE:
                    break
                newest = max(one.at for one in page)
                if wire.ms(newest) <= wire.ms(start):
                    raise Unreachable(f"income: more than {PAGE} lines in one millisecond can't be told apart")
                start = newest

    @property
    def library(self) -> str:
        return f"ccxt {ccxt.__version__}"

    @contextmanager
    def recorded(self) -> Iterator[list[Call]]:
        """The requests that this thread makes meanwhile, those that were not sent too."""
        before = getattr(self._heard, "calls", None)
        calls: list[Call] = []
        self._heard.calls = calls
        try:
            yield calls
        finally:
            self._heard.calls = before

    @contextmanager
    def urgently(self) -> Iterator[None]:
        """What this thread reads meanwhile reduces risk: asked although the venue wants silence, unless banned."""
        before, self._heard.urgent = self._hurried(), True
        try:
            yield
        finally:
            self._heard.urgent = before

    def _hurried(self) -> bool:
        return getattr(self._heard, "urgent", False)

    # -- one request
    def _ask(
        self,
        endpoint: str,
        params: dict,
        parse: Callable[[Any], T],
        *,
        write: bool = False,
        urgent: bool = False,
        latest: float = math.inf,
    ) -> T:
        """One request, one answer. A read that the venue's clock refused is asked once more, with the clock set."""
        began = time.perf_counter()
        code: int | None = None
        asking = Asking(endpoint, urgent or (not write and self._hurried()), latest)
        try:
            found = self._asked(asking, params, parse, write)
            code = 0
            return found
        except VenueError as error:
            code = error.code
            raise
        finally:
            if (calls := getattr(self._heard, "calls", None)) is not None:
                calls.append(Call(endpoint, code, round((time.perf_counter() - began) * 1000)))

    def _asked(self, asking: Asking, params: dict, parse: Callable[[Any], T], write: bool) -> T:
        endpoint = asking.endpoint
        with self._lock, self.urgently() if asking.urgent else nullcontext():
            self._may_leave(asking)
            if self.offset is None and ("Private" in endpoint or endpoint.startswith("sapi")):
                self.set_clock()
            try:
                raw = self._call(asking, params)
            except ccxt.BaseError as error:
                failure = self._failure(error, endpoint, write)
                if failure.code not in CLOCK or self.client.transport:
                    raise failure from error
                self.set_clock()
                if write:
                    raise failure from error
                return self._again(asking, params, parse)
            return self._read(parse, raw, endpoint, write)

    def _again(self, asking: Asking, params: dict, parse: Callable[[Any], T]) -> T:
        try:
            return self._read(parse, self._call(asking, params), asking.endpoint)
        except ccxt.BaseError as error:
            raise self._failure(error, asking.endpoint, write=False) from error

    def _call(self, asking: Asking, params: dict) -> Any:
        """ccxt's endpoint, which may wait for the budget before its request leaves."""
        before, self._heard.asking = getattr(self._heard, "asking", None), asking
        try:
            return getattr(self.client, asking.endpoint)(params)
        finally:
            self._heard.asking = before

    def _read(self, parse: Callable[[Any], T], raw: Any, endpoint: str, write: bool = False) -> T:
        """The answer as our values; what can't be read was sent all the same."""
        try:
            if isinstance(raw, str):
                raise ValueError("not JSON")
            return parse(raw)
        except wire.UNREADABLE as error:
            raise classify(Answer(200), write=write, what=endpoint) from error

    def _failure(self, error: ccxt.BaseError, endpoint: str, write: bool) -> VenueError:
        answer = _answer(error)
        if quiet := silence(error, endpoint, self.now()):
            self._quiet.hear(quiet.seconds, banned=quiet.banned, now=self._seconds())
            return quiet
        failure = classify(answer, write=write, what=endpoint)
        if failure.code in RULES_BROKEN and (rules := self._rules):
            self._rules = replace(rules, whole=False)
        return failure

    def _leave(self) -> None:
        """Called when this thread has waited, and just before its request leaves."""
        if (asking := getattr(self._heard, "asking", None)) is not None:
            self._may_leave(asking)

    def _may_leave(self, asking: Asking) -> None:
        """Raise where the venue wants silence meanwhile, or where it is too late: nothing has left yet."""
        now = self._seconds()
        if now >= self._look_again:
            self._look_again = now + LOOK_AGAIN
            self._quiet.take(self._known(self.clock()), self.clock(), now)
        if no := self._quiet.no(asking.endpoint, now, urgent=asking.urgent):
            raise no
        if now > asking.latest:
            raise NotAccepted(f"{asking.endpoint}: waited too long, nothing was sent")


def _all(parse: Callable[[Any, str], T | None], rows: Any) -> list[T]:
    """Every row under its symbol, without those that are no perpetuals or hold nothing."""
    named = ((wire.symbol_of(str(row["symbol"])), row) for row in rows)
    return [found for symbol, row in named if symbol is not None and (found := parse(row, symbol)) is not None]


def _leverages(raw: Any) -> dict[str | None, int]:
    return {wire.symbol_of(p["symbol"]): int(p["leverage"]) for p in raw["positions"]}


def _weeks(since: datetime, until: datetime) -> Iterable[tuple[datetime, datetime]]:
    """The span in the venue's largest windows; the last one reaches a little beyond now (clocks differ)."""
    until += timedelta(seconds=10)
    while since < until:
        yield since, min(since + WEEK, until)
        since += WEEK


def kline_params(symbol: str, timeframe: str, since: datetime | None, limit: int) -> dict[str, Any]:
    params: dict[str, Any] = {"symbol": wire.market_id(symbol), "interval": timeframe, "limit": min(limit + 1, 1500)}
    if since is not None:
        params["startTime"] = wire.ms(since)
    return params


def utc_now() -> datetime:
    return datetime.now(UTC)


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
    client = Wired(_settings(connection))
    _point(client, connection)
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
    client = Tapped(_settings(connection) | limiter | {"timeout": int(1000 * READ_TIMEOUT)})
    _point(client, connection)
    return client


def failure(error: ccxt.BaseError, what: str) -> VenueError:
    """What a ccxt error of a read or a stream stands for."""
    return classify(_answer(error), write=False, what=what)


@lru_cache(maxsize=1)
def venue() -> CcxtGateway:
    """This process's gateway."""
    from trading.exchange.rows import silences

    return connect(configured(), known=silences)
