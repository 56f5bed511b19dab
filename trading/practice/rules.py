"""One symbol's trading rules, read from its exchangeInfo entry, and rounding to its grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Bracket:
    """One step of the leverage table; `cum` makes the maintenance margin continuous."""

    floor: Decimal
    cap: Decimal
    rate: Decimal
    cum: Decimal
    leverage: int


@dataclass(frozen=True, slots=True)
class Rules:
    symbol: str
    tick: Decimal
    min_price: Decimal
    max_price: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    percent_up: Decimal
    percent_down: Decimal
    take_bound: Decimal
    trigger_protect: Decimal
    liquidation_fee: Decimal
    price_decimals: int
    quantity_decimals: int
    max_orders: int
    max_algos: int
    brackets: tuple[Bracket, ...]

    @property
    def max_leverage(self) -> int:
        return max(b.leverage for b in self.brackets)

    def floor_price(self, price: Decimal) -> Decimal:
        return to_grid(price, self.tick, ROUND_FLOOR)

    def ceil_price(self, price: Decimal) -> Decimal:
        return to_grid(price, self.tick, ROUND_CEILING)

    def floor_quantity(self, quantity: Decimal) -> Decimal:
        return to_grid(quantity, self.step, ROUND_FLOOR)


def to_grid(value: Decimal, grid: Decimal, rounding: str) -> Decimal:
    return ((value / grid).to_integral_value(rounding) * grid).quantize(grid.normalize())


def on_grid(value: Decimal, grid: Decimal) -> bool:
    return value % grid == 0


def decimals(value: Decimal) -> int:
    """Digits after the point, trailing zeros not counted."""
    return max(0, -int(value.normalize().as_tuple().exponent))


def read_rules(info: Mapping[str, Any], brackets: Sequence[Mapping[str, Any]]) -> Rules:
    """From the venue's JSON: one `symbols` entry of exchangeInfo and the symbol's leverage brackets."""
    filters = {f["filterType"]: f for f in info["filters"]}
    price, lot, market = (
        filters["PRICE_FILTER"],
        filters["LOT_SIZE"],
        filters.get("MARKET_LOT_SIZE", filters["LOT_SIZE"]),
    )
    percent = filters.get("PERCENT_PRICE", {"multiplierUp": "1.05", "multiplierDown": "0.95"})
    return Rules(
        symbol=info["symbol"],
        tick=Decimal(price["tickSize"]).normalize(),
        min_price=Decimal(price["minPrice"]),
        max_price=Decimal(price["maxPrice"]),
        step=Decimal(lot["stepSize"]).normalize(),
        min_quantity=Decimal(lot["minQty"]),
        max_quantity=Decimal(lot["maxQty"]),
        market_max_quantity=Decimal(market["maxQty"]),
        min_notional=Decimal(filters.get("MIN_NOTIONAL", {"notional": "5"})["notional"]),
        percent_up=Decimal(percent["multiplierUp"]),
        percent_down=Decimal(percent["multiplierDown"]),
        take_bound=Decimal(info.get("marketTakeBound", "0.05")),
        trigger_protect=Decimal(info.get("triggerProtect", "0.05")),
        liquidation_fee=Decimal(info.get("liquidationFee", "0.0125")),
        price_decimals=int(info["pricePrecision"]),
        quantity_decimals=int(info["quantityPrecision"]),
        max_orders=int(filters.get("MAX_NUM_ORDERS", {}).get("limit", 200)),
        max_algos=int(filters.get("MAX_NUM_ALGO_ORDERS", {}).get("limit", 100)),
        brackets=tuple(
            Bracket(
                floor=Decimal(str(b["notionalFloor"])),
                cap=Decimal(str(b["notionalCap"])),
                rate=Decimal(str(b["maintMarginRatio"])),
                cum=Decimal(str(b["cum"])),
                leverage=int(b["initialLeverage"]),
            )
            for b in brackets
        ),
    )
