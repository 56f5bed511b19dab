"""What a request costs of the venue's limits, as its documents list it, and what of them is used. Times are ms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from trading.practice.params import Params

MINUTE, TEN_SECONDS = 60_000, 10_000
PLACING = {("POST", "/fapi/v1/order"), ("PUT", "/fapi/v1/order"), ("POST", "/fapi/v1/algoOrder")}
BATCH = ("/fapi/v1/batchOrders",)
FIXED = {
    "/fapi/v1/allOrders": 5, "/fapi/v1/allAlgoOrders": 5, "/fapi/v1/userTrades": 5, "/fapi/v1/income": 30,
    "/fapi/v2/account": 5, "/fapi/v3/account": 5, "/fapi/v2/balance": 5, "/fapi/v3/balance": 5,
    "/fapi/v2/positionRisk": 5, "/fapi/v3/positionRisk": 5, "/fapi/v1/symbolConfig": 5,
    "/fapi/v1/commissionRate": 20, "/fapi/v1/countdownCancelAll": 10, "/fapi/v1/batchOrders": 5, "/fapi/v1/trades": 5,
}  # fmt: skip
FOR_ALL = {  # with a symbol, without one
    "/fapi/v1/openOrders": (1, 40), "/fapi/v1/openAlgoOrders": (1, 40), "/fapi/v1/ticker/24hr": (1, 40),
    "/fapi/v1/ticker/price": (1, 2), "/fapi/v1/ticker/bookTicker": (2, 5), "/fapi/v1/premiumIndex": (1, 10),
}  # fmt: skip
READ_ONLY = {"/fapi/v1/positionSide/dual": 30, "/fapi/v1/multiAssetsMargin": 30}
KLINES = ((99, 1), (499, 2), (1000, 5), (1500, 10))  # up to so many rows, so much weight
DEPTH = ((50, 2), (100, 5), (500, 10), (1000, 20))


def weight(method: str, path: str, params: Params) -> int:
    """A request's weight on the address that sends it; placing a single order costs nothing but its count."""
    if (method, path) in PLACING:
        return 1 if method == "PUT" else 0
    if path in FIXED:
        return FIXED[path]
    if path in FOR_ALL:
        return FOR_ALL[path][0 if params.get("symbol") else 1]
    if method == "GET" and path in READ_ONLY:
        return READ_ONLY[path]
    steps = KLINES if path.lower().endswith("klines") else DEPTH if path.endswith("/depth") else ()
    rows = params.get("limit", "500")
    size = int(rows) if rows.isdecimal() and len(rows) < 6 else 500
    return next((cost for most, cost in steps if size <= most), steps[-1][1] if steps else 1)


def orders(method: str, path: str) -> int:
    """How many orders a request counts as; a batch counts as its five."""
    return 5 if path in BATCH and method != "DELETE" else int((method, path) in PLACING)


@dataclass(slots=True)
class Meter:
    """What this minute has used; forgotten with the minute."""

    used: Counter[tuple[str, int]] = field(default_factory=Counter)

    def spend(self, method: str, path: str, params: Params, now: int) -> int:
        """The minute's weight with this request in it."""
        minute, ten = ("weight", now // MINUTE), ("10s", now // TEN_SECONDS)
        kept = {minute, ten, ("1m", now // MINUTE)}
        self.used = Counter({key: n for key, n in self.used.items() if key in kept})
        self.used[minute] += weight(method, path, params)
        if placed := orders(method, path):
            self.used[ten] += placed
            self.used["1m", now // MINUTE] += placed
        return self.used[minute]

    def headers(self, method: str, path: str, now: int) -> dict[str, str]:
        told = {"X-MBX-USED-WEIGHT-1M": str(self.used["weight", now // MINUTE])}
        if orders(method, path):
            told["X-MBX-ORDER-COUNT-10S"] = str(self.used["10s", now // TEN_SECONDS])
            told["X-MBX-ORDER-COUNT-1M"] = str(self.used["1m", now // MINUTE])
        return told
