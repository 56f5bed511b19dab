"""The whole exchange without HTTP: a request goes in, an answer comes out; signatures, faults and the ledger included.

Life of a request:
1. It is counted; its parameters are read; a fault may answer in the exchange's place.
2. Time is brought up to now: what the market did meanwhile happens first, and is committed.
3. Key, signature and receive window are checked where the endpoint wants them; the endpoint's function runs.
4. What it changed is committed; then the user-data messages and the answer leave.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from trading.practice import (
    account_api,
    batch_api,
    faults,
    interference,
    market_api,
    misanswer,
    shapes,
    signing,
    trade_api,
    walk,
)
from trading.practice import params as read
from trading.practice.engine import Engine
from trading.practice.ledger import Ledger
from trading.practice.params import Params
from trading.practice.rules import read_rules
from trading.practice.values import Answer, Refused
from trading.practice.weights import Meter

PUBLIC = market_api.ROUTES
SIGNED = trade_api.ROUTES | batch_api.ROUTES | account_api.ROUTES
KEYED = account_api.KEYED
LISTEN_KEY_MS = 3_600_000
MAX_UNKNOWN = 1_000


class Exchange:
    """The practice exchange as one object. `clock_ms` is the only clock; `keys` maps API keys to secrets."""

    def __init__(
        self,
        market: Any,
        tables: Any,
        ledger: Ledger,
        clock_ms: Callable[[], int],
        keys: Mapping[str, str],
        balance: Decimal = Decimal("10000"),
    ) -> None:
        self.market, self.tables, self.ledger, self.clock_ms, self.keys = market, tables, ledger, clock_ms, keys
        self.now = clock_ms()
        self.engine = Engine(market, tables, ledger, balance, self.now)
        self.infos: dict[str, dict[str, Any]] = {}
        self.ways = interference.Ways()
        self._list()
        self.faults = faults.Desk()
        self.fault: faults.Fault | None = None  # of the request that is being answered
        self.meter = Meter()
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        self.requests: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.countdowns: dict[str, int] = ledger.recall("countdowns") or {}  # symbol: when its orders go (ms)
        self._listening: dict[str, Any] = ledger.recall("listen_key") or {}

    # -- time ----------------------------------------------------------------------------------------------------------
    def advance(self, now_ms: int) -> None:
        """Let happen what the market did up to now: triggers, fills, funding, liquidation; commit it."""
        self.now = max(self.now, now_ms)
        self._change_ways()
        self._safely(self._pass_time)

    def _pass_time(self) -> None:
        walk.walk(self.engine, self.now)
        interference.act(self.engine, self.faults)
        for symbol in [s for s, at in self.countdowns.items() if at <= self.now]:
            for order in self.engine.open_orders(symbol):
                self.engine.cancel(order)
            self.count_down(symbol, 0)

    def _change_ways(self) -> None:
        """Symbols' status and rules follow the faults that are in force."""
        before, self.ways = self.ways, interference.ways(self.faults, self.now)
        if before.ids == self.ways.ids:
            return
        symbols = self.market.symbols
        self.engine.statuses = self.ways.statuses(symbols)
        for symbol in before.symbols(symbols) | self.ways.symbols(symbols):
            self.infos[symbol] = self._info(symbol)
            self.engine.rules[symbol] = read_rules(self.infos[symbol], self.tables.brackets(symbol))

    # -- requests ------------------------------------------------------------------------------------------------------
    def handle(
        self,
        method: str,
        path: str,
        query: str | Mapping[str, str] = "",
        headers: Mapping[str, str] | None = None,
        body: str = "",
    ) -> Answer:
        """Answer one request; `query` as sent (or as a dict), `body` the form-encoded body of a POST or PUT."""
        raw = query if isinstance(query, str) else urlencode(query)
        if (method, path) in PUBLIC or (method, path) in SIGNED or (method, path) in KEYED:
            self.requests[f"{method} {path}"] += 1
        try:
            params = read.parse("&".join(part for part in (raw, body) if part))
        except Refused as no:
            return self._refusal(no)
        now = self.clock_ms()
        used = self.meter.spend(method, path, params, now)
        fault = self.faults.on_request(self._asked(method, path, params, used), now)
        answer = misanswer.instead(fault, self.tables.error, now) if fault else None
        if answer is None:
            self.fault = fault
            answer = self._answered(method, path, raw, body, params, headers or {})
            answer = misanswer.afterwards(fault, answer, self.tables.error) if fault else answer
        return replace(answer, headers=answer.headers | self.meter.headers(method, path, now))

    def lingers(self, method: str, path: str, query: str, body: str) -> float:
        """Seconds that this request stays on its way before `handle` should get it."""
        try:
            params = read.parse("&".join(part for part in (query, body) if part))
        except Refused:
            return 0.0
        return self.faults.lingers(self._asked(method, path, params), self.clock_ms())

    def _asked(self, method: str, path: str, params: Params, used: int = 0) -> faults.Asked:
        route = (method, path)
        exits = "true" in (params.get("reduceOnly", "").lower(), params.get("closePosition", "").lower())
        return faults.Asked(method, path, params.get("symbol", ""), route in SIGNED or route in KEYED, exits, used)

    def _answered(
        self, method: str, path: str, raw: str, body: str, params: Params, headers: Mapping[str, str]
    ) -> Answer:
        try:
            self.advance(self.clock_ms())
            function = self._function(method, path, raw, body, params, headers)
            return Answer(200, self._safely(lambda: function(self, params)))
        except Refused as no:
            return self._refusal(no)

    def symbol(self, params: Params) -> str:
        symbol = read.text(params, "symbol")
        if symbol not in self.infos:
            raise Refused(-1121)
        return symbol

    def _function(self, method: str, path: str, raw: str, body: str, params: Params, headers: Mapping[str, str]) -> Any:
        """The endpoint's function, once its caller is known to be allowed."""
        route = (method, path)
        if route in PUBLIC:
            return PUBLIC[route]
        if route in SIGNED:
            secret = signing.check_key(headers, self.keys)
            signing.check_time(params, self.now + self.faults.skew(self.now))
            signing.check_signature(raw, body, secret)
            return SIGNED[route]
        if route in KEYED:
            signing.check_key(headers, self.keys)
            return KEYED[route]
        if len(self.unknown) < MAX_UNKNOWN or f"{method} {path}" in self.unknown:
            self.unknown[f"{method} {path}"] += 1
        raise Refused(-5000, f"Path {path}, Method {method} is invalid", 404)

    def _safely(self, work: Callable[[], Any]) -> Any:
        """Do, commit, tell. A refusal changes nothing; after any other failure memory is read back from the ledger."""
        try:
            result = work()
            messages = self.engine.commit()
        except Refused:
            self.engine.commit()
            raise
        except BaseException:
            self.engine.load(self.now)
            raise
        for message in messages:
            for listener in self.listeners:
                listener(message)
        return result

    def _refusal(self, no: Refused) -> Answer:
        status, message = (no.status, no.message) if no.status else self.tables.error(no.code)
        return Answer(status, {"code": no.code, "msg": no.message or message})

    # -- for a market that learns --------------------------------------------------------------------------------------
    def learn(self) -> None:
        """The market has got to know symbols, or rules that changed."""
        self.engine.learn(self.tables)
        self._list()

    def _list(self) -> None:
        self.infos |= {s: self._info(s) for s in self.market.symbols}
        self.ways = interference.Ways()  # faults change the rules anew

    def _info(self, symbol: str) -> dict[str, Any]:
        price = self.market.price(symbol, self.market.history_start_ms)
        return self.ways.info(symbol, self.tables.symbol_info(symbol, price))

    # -- for the desk --------------------------------------------------------------------------------------------------
    def remember_market(self) -> None:
        """Keep the market's anchor, speed and drives, so that a restart continues it."""
        self.ledger.remember("market", self.market.state())

    def count_down(self, symbol: str, wait: int) -> None:
        """In so many ms the symbol's open orders are cancelled; 0: never mind."""
        self.countdowns.pop(symbol, None)
        if wait:
            self.countdowns[symbol] = self.now + wait
        self.ledger.remember("countdowns", self.countdowns)

    def cancel_by_hand(self, order_id: int) -> dict[str, Any]:
        """Cancel an open order of either book, as a human at the venue would."""
        if order_id in self.engine.orders:
            return self._safely(lambda: shapes.order(self.engine.cancel(self.engine.orders[order_id])))
        algo = self.engine.algos.get(order_id)
        if algo is None or algo.status != "NEW":
            raise Refused(-2011)
        return self._safely(lambda: shapes.algo(self.engine.cancel_algo(algo)))

    # -- the listen key of the user-data stream ------------------------------------------------------------------------
    def listen_key(self, *, renew: bool = False) -> str:
        """The valid key, or empty; renewing makes one where there is none, and prolongs it by an hour."""
        if self._listening.get("until", 0) <= self.now:
            self._listening = {}
        if renew:
            fresh = hashlib.sha256(f"{sorted(self.keys)} {self.now}".encode()).hexdigest()
            self._remember_key({"key": self._listening.get("key", fresh), "until": self.now + LISTEN_KEY_MS})
        return self._listening.get("key", "")

    def drop_listen_key(self) -> None:
        self._remember_key({})

    def _remember_key(self, entry: dict[str, Any]) -> None:
        self._listening = entry
        self.ledger.remember("listen_key", entry)
