"""The venue's filters, leverage brackets and error codes, from one generated table (ops/make_venue_table.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("venue_table.json")
ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]
TIME_IN_FORCE = ["GTC", "IOC", "FOK", "GTX", "GTD"]
PERPETUAL = 4_133_404_800_000  # the venue's delivery date for "never"
FALLBACK_ERROR = (400, "An unknown error occured while processing the request.")
PRICE_STEPS = 4  # an unknown symbol's price has five significant digits
SMALLEST_LOT = Decimal("0.5")  # and its lot is worth at most this, in USDT
WIDEST_MOVE = 1000  # prices may move by this factor either way before the price filter binds


@dataclass(frozen=True)
class Tables:
    """What `load` read."""

    symbols: Mapping[str, dict[str, Any]]
    ladders: Sequence[Sequence[Sequence[float]]]
    ladder_of: Mapping[str, int]
    usual_ladder: int
    errors: Mapping[int, tuple[int, str]]

    def symbol_info(self, symbol: str, price: Decimal) -> dict[str, Any]:
        """One symbol's entry of exchangeInfo, in the venue's JSON. `price` shapes what the table does not know."""
        known = self.symbols.get(symbol, {})
        row = _guess(price) | known
        low, high = _price_range(row, price)
        base = symbol.removesuffix("USDT")
        return {
            "symbol": symbol,
            "pair": symbol,
            "contractType": "PERPETUAL",
            "deliveryDate": PERPETUAL,
            "onboardDate": row["onboardDate"],
            "status": "TRADING",
            "maintMarginPercent": "2.5000",
            "requiredMarginPercent": "5.0000",
            "baseAsset": base,
            "quoteAsset": "USDT",
            "marginAsset": "USDT",
            "pricePrecision": row.get("pricePrecision", _digits(row["tickSize"])),
            "quantityPrecision": row.get("quantityPrecision", _digits(row["stepSize"])),
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "underlyingSubType": [],
            "triggerProtect": row["triggerProtect"],
            "liquidationFee": row["liquidationFee"],
            "marketTakeBound": row["marketTakeBound"],
            "maxMoveOrderLimit": 10000,
            "filters": _filters(row, low, high),
            "orderTypes": ORDER_TYPES,
            "timeInForce": TIME_IN_FORCE,
        }

    def brackets(self, symbol: str) -> list[dict[str, Any]]:
        """The symbol's leverage brackets as leverageBracket answers them; the most usual ones for a stranger."""
        out: list[dict[str, Any]] = []
        floor, ratio, cum = 0, 0.0, 0.0
        for number, (cap, leverage, next_ratio) in enumerate(self.ladders[self._ladder(symbol)], 1):
            cum += floor * (next_ratio - ratio)
            ratio = next_ratio
            out.append(
                {
                    "bracket": number,
                    "initialLeverage": int(leverage),
                    "notionalCap": int(cap),
                    "notionalFloor": floor,
                    "maintMarginRatio": ratio,
                    "cum": round(cum, 4),
                }
            )
            floor = int(cap)
        return out

    def error(self, code: int) -> tuple[int, str]:
        """HTTP status and message of an error code."""
        return self.errors.get(code, FALLBACK_ERROR)

    def _ladder(self, symbol: str) -> int:
        return self.ladder_of.get(symbol, self.usual_ladder)


@lru_cache(maxsize=1)
def load() -> Tables:
    table = json.loads(FILE.read_bytes())
    fields = table["fields"]
    return Tables(
        symbols={s: dict(zip(fields, row, strict=False)) for s, row in table["symbols"].items()},
        ladders=table["ladders"],
        ladder_of=table["ladder_of"],
        usual_ladder=table["usual_ladder"],
        errors={int(code): (status, message) for code, (status, message) in table["errors"].items()},
    )


def _filters(row: Mapping[str, Any], low: str, high: str) -> list[dict[str, Any]]:
    spread = Decimal(row["percentPrice"])
    lot = {"stepSize": row["stepSize"], "minQty": row["minQty"]}
    return [
        {"filterType": "PRICE_FILTER", "minPrice": low, "maxPrice": high, "tickSize": row["tickSize"]},
        {"filterType": "LOT_SIZE", **lot, "maxQty": row["maxQty"]},
        {"filterType": "MARKET_LOT_SIZE", **lot, "maxQty": row["marketMaxQty"]},
        {"filterType": "MAX_NUM_ORDERS", "limit": row["maxNumOrders"]},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": row["maxNumAlgoOrders"]},
        {"filterType": "MIN_NOTIONAL", "notional": row["notional"]},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{1 + spread:.4f}",
            "multiplierDown": f"{1 - spread:.4f}",
            "multiplierDecimal": "4",
        },
    ]


def _guess(price: Decimal) -> dict[str, Any]:
    """The rules of a symbol that only its price is known of: like those of its neighbours at the venue."""
    tick = Decimal(1).scaleb(min(price.adjusted() - PRICE_STEPS, 0)) if price > 0 else Decimal("0.0001")
    lot = SMALLEST_LOT / price if price > 0 else Decimal(1)
    step = Decimal(1).scaleb(max(min(lot.adjusted(), 0), -3))
    return {
        "tickSize": _plain(tick),
        "stepSize": _plain(step),
        "minQty": _plain(step),
        "maxQty": _plain(Decimal(1).scaleb(max((10_000_000 / price).adjusted() if price > 0 else 7, 3))),
        "marketMaxQty": _plain(Decimal(1).scaleb(max((1_000_000 / price).adjusted() if price > 0 else 6, 2))),
        "notional": "5",
        "percentPrice": "0.1",
        "marketTakeBound": "0.10",
        "triggerProtect": "0.0500",
        "liquidationFee": "0.010000",
        "maxNumOrders": 200,
        "maxNumAlgoOrders": 10,
        "onboardDate": 1_569_398_400_000,
    }


def _price_range(row: Mapping[str, Any], price: Decimal) -> tuple[str, str]:
    """The table's lowest and highest price, widened: it is some years old, and a practice market may wander far."""
    tick = Decimal(row["tickSize"])
    low = min(Decimal(row.get("minPrice", price)), price / WIDEST_MOVE)
    high = max(Decimal(row.get("maxPrice", price)), price * WIDEST_MOVE)
    return _plain(max(low // tick * tick, tick)), _plain(high // tick * tick)


def _digits(size: str) -> int:
    return max(0, -int(Decimal(size).normalize().as_tuple().exponent))


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
