"""What a gate may know: the desk at one moment, and the limits in force."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from trading.codes import Code
from trading.exchange.venue import Filters, Side
from trading.forecast.belief import SLIPPAGE, TAKER_FEE
from trading.gates.directives import Level


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force. Shares are fractions of 1; a field that a setting fills has its name in `SETTING`."""

    confidence_threshold: float = 0.0
    cooldown: timedelta = timedelta(seconds=120)
    max_positions: int = 6
    max_correlation: float = 0.7
    risk_per_trade: Decimal = Decimal("0.005")
    max_open_risk: Decimal = Decimal("0.03")
    max_daily_loss: Decimal = Decimal("0.03")
    max_leverage: int = 3
    max_data_age: timedelta = timedelta(seconds=90)
    stop_atr: float = 1.5
    backstop_atr: float = 2.5
    min_stop_costs: float = 3.0
    target_r: float = 2.5
    horizon_bars: int = 48
    trend_band: float = 0.02  # long needs price >= 98 % of EMA200
    countertrend_confidence: float = 0.50
    max_funding: float = 0.001
    max_price_drift: float = 0.5  # of R, between signal and desk
    max_price_age: timedelta = timedelta(seconds=30)
    max_clock_offset: timedelta = timedelta(seconds=2)
    liquidation_distance: float = 2.0  # liquidation at least this many stop distances away
    margin_mode: str = "isolated"
    quorum: int = 2  # models that must have voted
    taker_fee: Decimal = Decimal(str(TAKER_FEE))
    slippage: Decimal = Decimal(str(SLIPPAGE))

    @property
    def round_trip(self) -> Decimal:
        """Costs of getting in and out, as a fraction of the price: two taker fees, two slippages."""
        return 2 * (self.taker_fee + self.slippage)


SETTING: dict[str, str] = {
    "confidence_threshold": "QT_CONFIDENCE_THRESHOLD",
    "cooldown": "QT_COOLDOWN_SECONDS",
    "max_positions": "QT_MAX_POSITIONS",
    "max_correlation": "QT_MAX_CORRELATION",
    "risk_per_trade": "QT_RISK_PER_TRADE",
    "max_open_risk": "QT_MAX_OPEN_RISK",
    "max_daily_loss": "QT_MAX_DAILY_LOSS",
    "max_leverage": "QT_MAX_LEVERAGE",
    "max_data_age": "QT_MAX_DATA_AGE",
    "stop_atr": "QT_STOP_ATR",
    "backstop_atr": "QT_BACKSTOP_ATR",
    "min_stop_costs": "QT_MIN_STOP_COSTS",
    "target_r": "QT_TARGET_R",
    "horizon_bars": "QT_HORIZON_BARS",
    "margin_mode": "QT_MARGIN_MODE",
}


@dataclass(frozen=True, slots=True)
class PolicyNow:
    """The policy of the moment."""

    version: int
    regime: str
    volatility: str
    min_confidence: float
    size_factor: float
    entries_allowed: bool
    setting: str  # QT_POLICY_MIN_CONF_...
    why: str = ""


@dataclass(frozen=True, slots=True)
class Market:
    """What the desk knows of one symbol."""

    symbol: str
    candle_at: datetime | None  # close time of the newest stored candle
    mark: Decimal | None
    mark_at: datetime | None
    ema200: float | None
    funding_rate: float | None
    filters: Filters | None
    last_order_at: datetime | None = None
    last_order_id: int | None = None
    unresolved: bool = False  # an order whose outcome is unknown


@dataclass(frozen=True, slots=True)
class Holding:
    """An open position, or one that this batch has just accepted; `risk`: USDT lost if the stop fills at its price."""

    symbol: str
    side: Side
    notional: Decimal
    risk: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that a decision rests on, at one moment."""

    now: datetime
    mode: str
    execution_enabled: bool
    switch: str
    limits: Limits
    policy: PolicyNow
    markets: Mapping[str, Market]
    holdings: tuple[Holding, ...]
    equity: Decimal | None
    available: Decimal | None
    daily_pnl: Decimal | None  # realised today net of costs + unrealised, USDT; a loss is negative
    correlation: Mapping[tuple[str, str], float] = field(default_factory=dict)  # of returns, symbols sorted
    bar_closed_at: datetime | None = None
    halts: tuple[str, ...] = ()  # why directives hold entries
    directive: Level = Level.ALLOW_ALL  # the strictest one that stands
    clock_offset: float | None = None  # seconds that the venue's clock is ahead of ours; None: not measured lately
    waiting: Mapping[str, str | int] = field(default_factory=dict)  # what the venue's start still needs; none: started

    def holding(self, symbol: str) -> Holding | None:
        return next((h for h in self.holdings if h.symbol == symbol), None)

    def market(self, symbol: str) -> Market:
        """What is known of the symbol; of one that nobody told us about, nothing is."""
        return self.markets.get(symbol) or Market(symbol, None, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Our "no": the code, the measured value, the limit it missed, the setting to change. `facts` fill the sentence."""

    code: Code
    value: float | str | None = None
    limit: float | str | None = None
    setting: str = ""
    facts: Mapping[str, str | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in (self.value, self.limit):
            if isinstance(number, float) and not math.isfinite(number):
                raise ValueError(f"a rejection needs a measured number, was {number}")
