"""What each gate may answer: its codes, in the order of GATES. Pages name a gate that passed by what it looks for."""

from __future__ import annotations

from trading.codes import Code

GATE_CODES: dict[str, tuple[Code, ...]] = {
    "execution_enabled": (Code.EXECUTION_DISABLED,),
    "venue_started": (Code.PREFLIGHT_REQUIRED,),
    "switch_active": (Code.KILL_SWITCH,),
    "no_halt": (Code.SELF_HEALING_NO_NEW_TRADES,),
    "account_known": (Code.INFRA_UNAVAILABLE,),
    "fresh_candle": (Code.FEED_STALE,),
    "fresh_signal": (Code.STALE_SIGNAL,),
    "fresh_price": (Code.PRICE_STALE, Code.PRICE_INVALID),
    "clock_right": (Code.CLOCK_OFF,),
    "symbol_trading": (Code.SYMBOL_NOT_TRADING,),
    "nothing_unresolved": (Code.UNRESOLVED_ORDER,),
    "policy_allows": (Code.POLICY_NO_NEW_TRADES,),
    "daily_loss": (Code.DAILY_LOSS,),
    "quorum": (Code.WEAK_CONSENSUS,),
    "confidence": (Code.LOW_CONFIDENCE,),
    "earns_its_costs": (Code.EXPECTED_COST_TOO_HIGH,),
    "with_trend": (Code.AGAINST_TREND_LONG, Code.AGAINST_TREND_SHORT, Code.INSUFFICIENT_HISTORY),
    "funding": (Code.FUNDING_RATE,),
    "near_signal_price": (Code.PRICE_DRIFT,),
    "cooled_down": (Code.COOLDOWN_ACTIVE,),
    "one_position": (Code.ALREADY_OPEN, Code.OPPOSITE_OPEN),
    "free_slot": (Code.MAX_POSITIONS,),
    "uncorrelated": (Code.CORRELATION,),
    "quantity_left": (Code.QTY_ZERO_AFTER_STEP,),
    "notional_enough": (Code.MIN_NOTIONAL,),
    "notional_allowed": (Code.NOTIONAL_LIMIT,),
    "open_risk": (Code.TOTAL_RISK,),
    "exposure": (Code.EXPOSURE,),
    "margin_free": (Code.INSUFFICIENT_MARGIN,),
    "liquidation_far": (Code.LIQUIDATION_BUFFER,),
}
