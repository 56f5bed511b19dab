"""What the venue tells of its market: the rules of its perpetuals, bars, marks, turnover."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from trading.exchange import klines, wire
from trading.exchange.asking import Asks, Client, Clock, Known
from trading.exchange.connection import Connection
from trading.exchange.errors import Answer, VenueError, classify
from trading.exchange.venue import Bar, Filters, Mark

log = logging.getLogger(__name__)

RULES_FRESH = 60.0  # seconds that filters are remembered
RULES_AGAIN = 15.0  # seconds until they are asked for again where they could not be read and older ones will do
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


@dataclass(frozen=True, slots=True)
class Rules:
    """What the venue said of its perpetuals, and when. Not `whole`: its brackets are missing, or it proved wrong."""

    at: float
    found: dict[str, Filters]
    whole: bool

    def good(self, now: float) -> bool:
        return self.whole and now - self.at <= RULES_FRESH


class MarketCalls(Asks):
    """Rules, bars, marks and turnover."""

    def __init__(self, client: Client, connection: Connection, clock: Clock, known: Known) -> None:
        super().__init__(client, connection, clock, known)
        self._rules: Rules | None = None
        self._rules_again = -math.inf  # when they are asked for again, where older ones will do
        self._odd: set[str] = set()  # whose rules could not be read, as was said

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
        params = klines.params(symbol, timeframe, since, limit)
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

    def _failure(self, error: Exception, endpoint: str, write: bool) -> VenueError:
        failure = super()._failure(error, endpoint, write)
        if failure.code in RULES_BROKEN and (rules := self._rules):
            self._rules = replace(rules, whole=False)
        return failure
