"""Names of the earlier system, and of a stranger that shares our prefix: what they are now, or why they are nothing.

A name in RENAMED or MEANINGLESS refuses the start and is explained; it is never silently ignored.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

RENAMED: dict[str, str] = {
    "QT_ALLOWED_SYMBOLS": "QT_SYMBOLS",
    "QT_CLM_ENABLED": "QT_CONTINUOUS_LEARNING",
    "QT_ENABLE_AI_TRADING": "QT_ENABLE_EXECUTION",
    "QT_DEFAULT_LEVERAGE": "QT_MAX_LEVERAGE",
    "QT_MODEL_SUPERVISOR_BIAS_THRESHOLD": "QT_BIAS_THRESHOLD",
    "QT_MODEL_SUPERVISOR_MODE": "QT_SUPERVISOR_MODE (observe, advise or enforce)",
    "QT_MAX_PRICE_STALENESS_SECONDS": "QT_MAX_DATA_AGE",
    "QT_ESS_MAX_DATA_STALENESS": "QT_MAX_DATA_AGE",
    "QT_ESS_MAX_DAILY_LOSS": "QT_MAX_DAILY_LOSS (a share of equity: 0.03 is 3 %)",
    "QT_AI_MAX_DAILY_DD": "QT_MAX_DAILY_LOSS (a share of equity: 0.03 is 3 %)",
    "QT_EXECUTION_EXCHANGE": "QT_MODE (practice, paper, testnet or live)",
    "QT_EXECUTION_BINANCE_TESTNET": "QT_MODE=testnet",
    "BINANCE_TESTNET": "QT_MODE=testnet",
    "BINANCE_USE_TESTNET": "QT_MODE=testnet",
    "USE_BINANCE_TESTNET": "QT_MODE=testnet",
    "EXCHANGE_MODE": "QT_MODE (practice, paper, testnet or live)",
    "ORCH_DAILY_DD_LIMIT": "QT_MAX_DAILY_LOSS (a share of equity: 0.03 is 3 %)",
    "ORCH_MAX_OPEN_POSITIONS": "QT_MAX_POSITIONS",
    "RM_MAX_CONCURRENT_TRADES": "QT_MAX_POSITIONS",
    "RM_MAX_DAILY_DD_PCT": "QT_MAX_DAILY_LOSS",
    "RM_MAX_LEVERAGE": "QT_MAX_LEVERAGE",
    "RM_RISK_PER_TRADE_PCT": "QT_RISK_PER_TRADE",
}

ONE_MINIMUM = "one minimum is added to the policy's own: QT_CONFIDENCE_THRESHOLD, and the strictest of them wins"
COUNTERTREND = "the confidence from which a trade against the trend is let through is fixed at 0.50"
IN_R = "exits are measured in R, the distance to the stop:"
BY_BAR = "the executor runs when a candle has closed"
ALL_JUDGED = "every signal is judged, ranked and explained, and none is cut before"
BY_RISK = "size follows from QT_RISK_PER_TRADE and the stop's distance, within QT_MAX_OPEN_RISK and QT_MAX_LEVERAGE"
ALWAYS_ON = "it always runs; what it did is on the page of modules"
FEED = "the universe is the venue's, narrowed by QT_SYMBOLS"
SWITCH = "the kill switch is a stored state: manage.py switch halted --reason TEXT"
POLICY = "the policy is computed from the market and its limits are fixed: see /policy/"

MEANINGLESS: dict[str, str] = {
    "QT_MIN_CONFIDENCE": ONE_MINIMUM,
    "QT_COUNTERTREND_MIN_CONF": COUNTERTREND,
    "QT_UPTREND_SHORT_EXCEPTION_CONF": COUNTERTREND,
    "QT_PROBA_BUY": ONE_MINIMUM,
    "QT_PROBA_SELL": ONE_MINIMUM,
    "QT_CHECK_INTERVAL": BY_BAR,
    "QT_EVENT_DRIVEN_MODE": BY_BAR,
    "QT_EVENT_DIRECT_EXECUTE": "there is one path from signal to order",
    "QT_SIGNAL_QUEUE_MAX": ALL_JUDGED,
    "QT_MAX_SIGNALS_PER_CYCLE": ALL_JUDGED,
    "QT_MAX_POSITIONS_PER_SYMBOL": "a symbol has one position at most",
    "QT_MAX_POSITION_PER_SYMBOL": BY_RISK,
    "QT_MAX_GROSS_EXPOSURE": BY_RISK,
    "QT_MAX_NOTIONAL_PER_TRADE": BY_RISK,
    "QT_EXECUTION_CASH_BUFFER": BY_RISK,
    "QT_EXECUTION_MIN_NOTIONAL": "the venue's own filter counts",
    "QT_EXECUTION_MAX_ORDERS": "QT_MAX_POSITIONS bounds what may be open",
    "QT_EXECUTION_ALLOW_PARTIAL": "a partial fill is protected as it is",
    "QT_EXECUTION_QUOTE_ASSET": "perpetuals are quoted in USDT",
    "QT_QUOTES": "perpetuals are quoted in USDT",
    "QT_MARKET_TYPE": "only USDT-margined perpetuals are traded",
    "QT_TP_PCT": f"{IN_R} QT_TARGET_R",
    "QT_SL_PCT": f"{IN_R} QT_STOP_ATR and QT_MIN_STOP_COSTS set it",
    "QT_TRAIL_PCT": f"{IN_R} QT_TRAIL_DISTANCE",
    "QT_TRAIL_CALLBACK": f"{IN_R} QT_TRAIL_DISTANCE",
    "QT_TRAILING_STOP_ENABLED": "trailing is always on; QT_TRAILING_MIN_PROFIT says from when",
    "QT_PARTIAL_TP": "a position is closed as a whole",
    "QT_FORCE_EXITS_ENABLED": "exits are never switched off",
    "QT_KILL_SWITCH": SWITCH,
    "QT_AI_EMERGENCY_BRAKE": SWITCH,
    "QT_ESS_ENABLED": SWITCH,
    "QT_ESS_CHECK_INTERVAL": SWITCH,
    "QT_ESS_MAX_EQUITY_DD": "QT_MAX_DAILY_LOSS is the limit",
    "QT_ESS_MAX_SL_HITS": "QT_MAX_DAILY_LOSS is the limit",
    "QT_ESS_SL_PERIOD_MINUTES": "QT_MAX_DAILY_LOSS is the limit",
    "QT_AI_MAX_OPEN_DD": "QT_MAX_OPEN_RISK bounds what the open stops can lose",
    "QT_FAILSAFE_RESET_MINUTES": "only a person releases the kill switch",
    "QT_RISK_STATE_DB": "all state is in one database: DATABASE_URL, or the var folder",
    "QT_ADMIN_TOKEN": "people log in, and programs have keys: manage.py apikey create --user NAME",
    "QT_MIN_UNIT_PRICE": "the venue's own price filter counts",
    "QT_MAX_UNIT_PRICE": "the venue's own price filter counts",
    "QT_UNIVERSE": FEED,
    "QT_MAX_SYMBOLS": FEED,
    "QT_UNIVERSE_REFRESH_HOURS": FEED,
    "QT_RETRAIN_INTERVAL_HOURS": "retraining is asked for: POST /api/v1/retraining/jobs",
    "QT_MIN_SAMPLES_FOR_RETRAIN": "retraining is asked for: POST /api/v1/retraining/jobs",
    "QT_AUTO_BACKTEST_AFTER_TRAIN": "every training is judged out of sample",
    "QT_FORCE_SAMPLE_COLLECTION": "every signal is stored with its outcome",
    "QT_MODEL_SUPERVISOR_MIN_SAMPLES": ALWAYS_ON,
    "QT_SELF_HEALING_ENABLED": ALWAYS_ON,
    "QT_HEALTH_CHECK_INTERVAL": ALWAYS_ON,
    "QT_MAX_CONSECUTIVE_FAILURES": "a process that dies five times in a minute is given up, and entries stop",
    "QT_AUTO_RESTART": "what dies is restarted, always",
    "QT_AUTO_PAUSE_CRITICAL": "a process that dies five times in a minute is given up, and entries stop",
    "QT_AI_INTEGRATION_STAGE": ALWAYS_ON,
    "QT_AI_FAIL_SAFE": "what fails, fails closed: no new entries",
    "QT_RL_V3_SHADOW_MODE": "there is no reinforcement learning here",
    "RL_V3_MODE": "there is no reinforcement learning here",
    "META_STRATEGY_ENABLED": "four models vote, and no bandit chooses among strategies",
    "META_STRATEGY_EPSILON": "four models vote, and no bandit chooses among strategies",
    "META_STRATEGY_ALPHA": "four models vote, and no bandit chooses among strategies",
    "ORCH_BASE_CONFIDENCE": POLICY,
    "ORCH_BASE_RISK_PCT": POLICY,
    "ORCH_LOSING_STREAK_LIMIT": POLICY,
    "ORCH_PROFILE": POLICY,
    "ORCH_TOTAL_EXPOSURE_LIMIT": BY_RISK,
    "RM_HIGH_CONF_MULT": BY_RISK,
    "RM_HIGH_VOL_CONFIDENCE": POLICY,
    "RM_LOW_CONF_MULT": BY_RISK,
    "RM_MAX_ATR_RATIO": POLICY,
    "RM_MAX_EXPOSURE_PCT": BY_RISK,
    "RM_MAX_POSITION_USD": BY_RISK,
    "RM_MAX_RISK_PCT": BY_RISK,
    "RM_MAX_SPREAD_BPS": "the expected-value gate counts the costs of each symbol",
    "RM_MAX_WEEKLY_DD_PCT": "QT_MAX_DAILY_LOSS is the limit",
    "RM_MIN_CONFIDENCE": ONE_MINIMUM,
    "RM_MIN_CONSENSUS_TYPES": "agreement is part of the calibrated confidence",
    "RM_MIN_POSITION_USD": "the venue's own filter counts",
    "RM_MIN_RISK_PCT": BY_RISK,
    "RM_MIN_VOLUME_24H": FEED,
    "RM_REQUIRE_TREND": "the trend gate is always asked",
}

MEANINGLESS_PREFIXES: dict[str, str] = {"QT_AI_": ALWAYS_ON, "QT_LIQUIDITY_": FEED}

# A Linux desktop sets these for every program; they belong to the Qt toolkit and are none of our business.
QT_TOOLKIT = (  # a name that ends in _ stands for all that begin so
    "QT_ACCESSIBILITY", "QT_ACCESSIBILITY_", "QT_ASSUME_", "QT_AUTO_SCREEN_", "QT_CLIPBOARD_", "QT_DEBUG_PLUGINS",
    "QT_DEVICE_PIXEL_RATIO", "QT_ENABLE_HIGHDPI_SCALING", "QT_FATAL_", "QT_FFMPEG_", "QT_FONT_DPI",
    "QT_FORCE_STDERR_LOGGING", "QT_GRAPHICSSYSTEM", "QT_HASH_SEED", "QT_ICON_THEME", "QT_IM_MODULE", "QT_IM_MODULES",
    "QT_LINUX_ACCESSIBILITY_", "QT_LOGGING_", "QT_MAC_", "QT_MEDIA_", "QT_MESSAGE_PATTERN", "QT_MULTIMEDIA_",
    "QT_NO_GLIB", "QT_NO_SHARED_MEMORY", "QT_NO_XDG_DESKTOP_PORTAL", "QT_OPENGL", "QT_PLUGIN_PATH", "QT_QPA_",
    "QT_QUICK_", "QT_SCALE_FACTOR", "QT_SCALE_FACTOR_ROUNDING_POLICY", "QT_SCREEN_SCALE_FACTORS", "QT_SELECT",
    "QT_STYLE_OVERRIDE", "QT_USE_NATIVE_WINDOWS", "QT_VIRTUALKEYBOARD_", "QT_WAYLAND_", "QT_WEBENGINE_", "QT_WIDGETS_",
    "QT_X11_", "QT_XCB_", "QT_XKB_",
)  # fmt: skip


def stranger(name: str, known: Iterable[str]) -> str | None:
    """What is wrong with a name that is no setting of ours; None where it is none of our business."""
    if name in RENAMED:
        return f"{name} was renamed to {RENAMED[name]}."
    because = MEANINGLESS.get(name) or next((why for p, why in MEANINGLESS_PREFIXES.items() if name.startswith(p)), "")
    if because:
        return f"{name} has no meaning now, because {because}."
    if not name.upper().startswith("QT_") or of_the_toolkit(name):
        return None
    near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
    hint = f"did you mean {near[0]}?" if near else ".env.example lists them all."
    return f"{name} is no setting of Quantum: {hint}"


def of_the_toolkit(name: str) -> bool:
    return any(name.startswith(known) if known.endswith("_") else name == known for known in QT_TOOLKIT)
