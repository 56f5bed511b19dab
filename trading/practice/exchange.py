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
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from trading.practice import account_api, faults, market_api, shapes, signing, trade_api, walk
from trading.practice import params as read
from trading.practice.engine import Engine
from trading.practice.ledger import Ledger
from trading.practice.params import Params
from trading.practice.values import Answer, Refused

PUBLIC = market_api.ROUTES
SIGNED = trade_api.ROUTES | account_api.ROUTES
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
        self._list()
        self.faults = faults.Desk()
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        self.requests: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self._listening: dict[str, Any] = ledger.recall("listen_key") or {}

    # -- time ----------------------------------------------------------------------------------------------------------
    def advance(self, now_ms: int) -> None:
        """Let happen what the market did up to now: triggers, fills, funding, liquidation; commit it."""
        self.now = max(self.now, now_ms)
        self._safely(lambda: walk.walk(self.engine, self.now))

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
            fault = self.faults.on_request(method, path, params.get("symbol", ""), self.clock_ms())
            if fault and (answer := faults.instead(fault, self.tables.error)):
                return answer
            self.advance(self.clock_ms())
            function = self._function(method, path, raw, body, params, headers or {})
            answer = Answer(200, self._safely(lambda: function(self, params)))
        except Refused as no:
            return self._refusal(no)
        return faults.timed_out(fault, self.tables.error) if fault else answer

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
        market = self.market
        self.infos |= {s: self.tables.symbol_info(s, market.price(s, market.history_start_ms)) for s in market.symbols}

    # -- for the desk --------------------------------------------------------------------------------------------------
    def remember_market(self) -> None:
        """Keep the market's anchor, speed and drives, so that a restart continues it."""
        self.ledger.remember("market", self.market.state())

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
