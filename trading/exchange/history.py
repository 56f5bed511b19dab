"""What has happened at the venue, page by page: fills, funding, the income history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from trading.exchange import wire
from trading.exchange.errors import Answer, Unreachable, classify
from trading.exchange.market import MarketCalls
from trading.exchange.venue import Booking, Income, VenueFill

H = TypeVar("H", Income, Booking)
PAGE = 1000  # fills, incomes
WEEK = timedelta(days=7)  # the venue's longest span of userTrades and income


class HistoryCalls(MarketCalls):
    """Fills with their fees in USDT (which takes a mark), and income."""

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


def _weeks(since: datetime, until: datetime) -> Iterable[tuple[datetime, datetime]]:
    """The span in the venue's largest windows; the last one reaches a little beyond now (clocks differ)."""
    until += timedelta(seconds=10)
    while since < until:
        yield since, min(since + WEEK, until)
        since += WEEK
