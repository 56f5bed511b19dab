"""An order we want: sized, rounded, with its protection."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.exchange.venue import Side


@dataclass(frozen=True, slots=True)
class Ticket:
    """One accepted entry. Prices are relative to `price` (the mark at decision); real stops come from the fill.

    `r` is the stop distance in price, `backstop_distance` the backstop's, `risk` USDT lost at the stop.
    """

    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    r: Decimal
    backstop_distance: Decimal
    target_r: Decimal
    leverage: int
    margin_mode: str
    risk: Decimal
    notional: Decimal
    margin: Decimal
    horizon_bars: int
