"""Every reason for a "no": its stage, sentence, setting and fix. The page and the API are generated from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Meaning:
    """`sentence` is a template over value, limit and the rejection's own `facts`."""

    stage: str
    title: str
    fix: str
    setting: str = ""
    meant: bool = False  # explained idleness: costs no health


class Code(StrEnum):
    # not evaluated: no signal could be made
    NO_MODEL = "NO_MODEL"
    MODELS_TRAINING = "MODELS_TRAINING"
    MODEL_OUTPUT_INVALID = "MODEL_OUTPUT_INVALID"
    INSUFFICIENT_HISTORY = "INSUFFICIENT_HISTORY"
    FEED_STALE = "FEED_STALE"
    # gates
    EXECUTION_DISABLED = "EXECUTION_DISABLED"
    KILL_SWITCH = "KILL_SWITCH"
    SELF_HEALING_NO_NEW_TRADES = "SELF_HEALING_NO_NEW_TRADES"
    INFRA_UNAVAILABLE = "INFRA_UNAVAILABLE"
    GATE_ERROR = "GATE_ERROR"
    STALE_SIGNAL = "STALE_SIGNAL"
    SYMBOL_NOT_TRADING = "SYMBOL_NOT_TRADING"
    POLICY_NO_NEW_TRADES = "POLICY_NO_NEW_TRADES"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    WEAK_CONSENSUS = "WEAK_CONSENSUS"
    EXPECTED_COST_TOO_HIGH = "EXPECTED_COST_TOO_HIGH"
    AGAINST_TREND_LONG = "AGAINST_TREND_LONG"
    AGAINST_TREND_SHORT = "AGAINST_TREND_SHORT"
    FUNDING_RATE = "FUNDING_RATE"
    COOLDOWN_ACTIVE = "COOLDOWN_ACTIVE"
    UNRESOLVED_ORDER = "UNRESOLVED_ORDER"
    ALREADY_OPEN = "ALREADY_OPEN"
    OPPOSITE_OPEN = "OPPOSITE_OPEN"
    PRICE_STALE = "PRICE_STALE"
    PRICE_DRIFT = "PRICE_DRIFT"
    DAILY_LOSS = "DAILY_LOSS"
    # slots, portfolio and size
    MAX_POSITIONS = "MAX_POSITIONS"
    CORRELATION = "CORRELATION"
    TOTAL_RISK = "TOTAL_RISK"
    EXPOSURE = "EXPOSURE"
    QTY_ZERO_AFTER_STEP = "QTY_ZERO_AFTER_STEP"
    MIN_NOTIONAL = "MIN_NOTIONAL"
    NOTIONAL_LIMIT = "NOTIONAL_LIMIT"
    INSUFFICIENT_MARGIN = "INSUFFICIENT_MARGIN"
    LIQUIDATION_BUFFER = "LIQUIDATION_BUFFER"
    # after the decision
    EXCHANGE_REJECT = "EXCHANGE_REJECT"
    EXPIRED = "EXPIRED"
    TIMEOUT_UNKNOWN = "TIMEOUT_UNKNOWN"
    SL_REJECTED_CLOSED = "SL_REJECTED_CLOSED"


MEANINGS: dict[Code, Meaning] = {}  # filled below; a test keeps it complete
