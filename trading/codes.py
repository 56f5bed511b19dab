"""Every reason for a "no": its stage, sentence, setting and fix. The page and the API are generated from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means, whoever it hits.

    `sentence` is the rule in general. `says` are templates over value, limit and the rejection's own facts: the first
    one whose facts are all there is written out (`gates/sentence.py`), else the sentence.
    """

    stage: str
    title: str
    sentence: str
    fix: str
    says: tuple[str, ...] = ()
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
    PREFLIGHT_REQUIRED = "PREFLIGHT_REQUIRED"
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
    PRICE_INVALID = "PRICE_INVALID"
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


MEANINGS: dict[Code, Meaning] = {
    Code.NO_MODEL: Meaning(
        stage="model",
        title="No model",
        sentence="No model has been trained for this market yet.",
        fix="Start a training; on the practice market the first one starts by itself.",
    ),
    Code.MODELS_TRAINING: Meaning(
        stage="model",
        title="Models are training",
        sentence="The models are being trained; the last closed bar is judged right after.",
        says=(
            "Training is {value:share} done, about {eta:age} left.",
            "Training is {value:share} done.",
        ),
        fix="Wait: it ends by itself.",
        meant=True,
    ),
    Code.MODEL_OUTPUT_INVALID: Meaning(
        stage="model",
        title="Model output unusable",
        sentence="No model gave a usable probability.",
        says=("{value:count} usable votes, needs {limit:count}.",),
        fix="Open the models page: each excluded model says why. Retrain, or retire it.",
    ),
    Code.INSUFFICIENT_HISTORY: Meaning(
        stage="data",
        title="Too little history",
        sentence="The symbol has too few candles without a gap for its indicators.",
        says=("{value:count} bars without a gap, needs {limit:count}.", "No {mean:count}-bar mean yet."),
        fix="Wait for more candles, or look for the gap under Data Feed.",
    ),
    Code.FEED_STALE: Meaning(
        stage="data",
        title="Candle too old",
        sentence="The newest closed candle of the symbol is too old to decide on.",
        says=("Candle {value:age} old, limit {limit:age}.", "No closed candle yet, limit {limit:age}."),
        fix="Check the stream and the exchange's answers. QT_MAX_DATA_AGE is the limit.",
        setting="QT_MAX_DATA_AGE",
    ),
    Code.EXECUTION_DISABLED: Meaning(
        stage="mode",
        title="Execution is off",
        sentence="Execution is off: everything is judged and nothing is sent.",
        fix="Set QT_ENABLE_EXECUTION=true and start again.",
        setting="QT_ENABLE_EXECUTION",
        meant=True,
    ),
    Code.PREFLIGHT_REQUIRED: Meaning(
        stage="mode",
        title="Not started",
        sentence="Entries wait until the checks of the exchange have passed and somebody has pressed start.",
        says=(
            "{failed:count} of {checks:count} checks of the exchange have not passed.",
            "The checks have passed; nobody has pressed start at {unstarted} yet.",
            "{stopped_by} stopped entries here; they wait for a start.",
            "{unchecked} has not been checked with this key yet.",
        ),
        fix="Open /setup/: run the checks, then press start.",
        meant=True,
    ),
    Code.KILL_SWITCH: Meaning(
        stage="system",
        title="Kill switch",
        sentence="The kill switch is not on active.",
        says=("The switch is on {value}, entries need {limit}.",),
        fix="Set the switch back to active, with a reason.",
        meant=True,
    ),
    Code.SELF_HEALING_NO_NEW_TRADES: Meaning(
        stage="system",
        title="Self-healing holds entries",
        sentence="Self-healing allows no new trades for now.",
        says=("Self-healing allows no new trades: {value}.",),
        fix="Open the incident: it names the fault, the remedy and what is missing.",
    ),
    Code.INFRA_UNAVAILABLE: Meaning(
        stage="system",
        title="Account not known",
        sentence="What an entry needs to know of the exchange is not known.",
        says=("Not known: {value}. The exchange has not answered.",),
        fix="Check the connection and the keys; the account is read again every few seconds.",
    ),
    Code.GATE_ERROR: Meaning(
        stage="system",
        title="A gate failed",
        sentence="A gate could not answer, so there is no order.",
        says=("The gate {gate} could not answer ({error}), so there is no order.",),
        fix="This is a fault of the program: report it with the decision's page.",
    ),
    Code.STALE_SIGNAL: Meaning(
        stage="signal",
        title="Signal too old",
        sentence="The signal is of an older bar than the one being traded, or was judged too late.",
        says=("Signal {value:age} old, limit {limit:age}.",),
        fix="Look at the executor's lag. QT_MAX_DATA_AGE is the limit.",
        setting="QT_MAX_DATA_AGE",
    ),
    Code.SYMBOL_NOT_TRADING: Meaning(
        stage="symbol",
        title="Not trading",
        sentence="The exchange does not trade this symbol now, or gave no rules for it.",
        says=("{symbol:market} is {value} at the exchange.",),
        fix="Refresh the universe; leave the symbol out of QT_SYMBOLS if it was delisted.",
        setting="QT_SYMBOLS",
    ),
    Code.POLICY_NO_NEW_TRADES: Meaning(
        stage="policy",
        title="Policy allows no entries",
        sentence="The policy of the moment allows no new trades.",
        says=("Policy {version:count} allows no entries: {why}.", "No entries yet: {why}."),
        fix="Wait: entries come back when volatility falls below 3 % per bar.",
        meant=True,
    ),
    Code.LOW_CONFIDENCE: Meaning(
        stage="signal",
        title="Confidence too low",
        sentence="The confidence must reach the strictest of all minima that are set.",
        says=("{value:number}, needs {limit:number} {when}.", "{value:number}, needs {limit:number}."),
        fix="The setting named here binds; lowering it loosens a limit.",
        setting="QT_CONFIDENCE_THRESHOLD",
    ),
    Code.WEAK_CONSENSUS: Meaning(
        stage="signal",
        title="Too few votes",
        sentence="Too few models voted on this signal.",
        says=("{value:count} of {models:count} models voted, needs {limit:count}.",),
        fix="Open the models page: each excluded model says why. Retrain, or retire it.",
    ),
    Code.EXPECTED_COST_TOO_HIGH: Meaning(
        stage="cost",
        title="Costs eat the edge",
        sentence="After fees and slippage the signal's expected value is below zero.",
        says=("{value:number}, needs {limit:number} to earn its costs of {cost_r:number} R.",),
        fix="A farther stop makes costs smaller in R: longer candles, or a higher QT_MIN_STOP_COSTS.",
        setting="QT_MIN_STOP_COSTS",
        meant=True,
    ),
    Code.AGAINST_TREND_LONG: Meaning(
        stage="filter",
        title="Long against the trend",
        sentence="A long needs a price of at least 98 % of its 200-bar mean, or a confidence of 0.50.",
        says=("{value:share} of the 200-bar mean, needs {limit:share}, or a confidence of {override:number}.",),
        fix="Wait for the price to come back to its mean; a stronger signal passes as it is.",
    ),
    Code.AGAINST_TREND_SHORT: Meaning(
        stage="filter",
        title="Short against the trend",
        sentence="A short needs a price of at most 102 % of its 200-bar mean, or a confidence of 0.50.",
        says=("{value:share} of the 200-bar mean, at most {limit:share}, or a confidence of {override:number}.",),
        fix="Wait for the price to come back to its mean; a stronger signal passes as it is.",
    ),
    Code.FUNDING_RATE: Meaning(
        stage="symbol",
        title="Funding too high",
        sentence="This side would pay too high a funding rate.",
        says=("{value:share} per 8\u00a0h to pay, at most {limit:share}.", "No funding rate is known."),
        fix="Wait for the next funding, or trade the side that is paid.",
    ),
    Code.COOLDOWN_ACTIVE: Meaning(
        stage="pass",
        title="Cooldown",
        sentence="The last order on this symbol was too short a time ago. Only a submitted order starts the time.",
        says=("{value:seconds} since the last order, needs {limit:seconds}.",),
        fix="Wait: it ends by itself. QT_COOLDOWN_SECONDS sets its length.",
        setting="QT_COOLDOWN_SECONDS",
    ),
    Code.UNRESOLVED_ORDER: Meaning(
        stage="order",
        title="Outcome unknown",
        sentence="What became of an order on this symbol is not known yet, so none is added.",
        fix="The exchange is asked again by itself; open the orders page to see how far it is.",
    ),
    Code.ALREADY_OPEN: Meaning(
        stage="portfolio",
        title="Already open",
        sentence="A position in this direction is open already; there is one per symbol.",
        says=("{symbol:market} {value} is open already.",),
        fix="Nothing to do: the open position is looked after.",
        meant=True,
    ),
    Code.OPPOSITE_OPEN: Meaning(
        stage="portfolio",
        title="Opposite side open",
        sentence="A position in the other direction is open; there is one per symbol.",
        says=("{symbol:market} {value} is open; a {side} has to wait until it is closed.",),
        fix="Close the open position if the new direction is right.",
        meant=True,
    ),
    Code.PRICE_INVALID: Meaning(
        stage="risk",
        title="Impossible price",
        sentence="The mark price is not a positive number.",
        says=("The mark price is {value}, needs more than 0.",),
        fix="Check what the exchange sends for this symbol.",
    ),
    Code.PRICE_STALE: Meaning(
        stage="risk",
        title="Price too old",
        sentence="The mark price of the symbol is too old to size an order on.",
        says=("Mark price {value:age} old, limit {limit:age}.", "No mark price yet, limit {limit:age}."),
        fix="Check the stream: mark prices come every few seconds.",
    ),
    Code.PRICE_DRIFT: Meaning(
        stage="signal",
        title="Price moved on",
        sentence="The price has moved too far since the signal's bar closed.",
        says=("{value:number} R from the signal's price, at most {limit:number} R.",),
        fix="Look at the executor's lag: the faster a bar is judged, the smaller the drift.",
    ),
    Code.DAILY_LOSS: Meaning(
        stage="risk",
        title="Daily loss",
        sentence="Today's loss has reached its limit; entries stop until 00:00 UTC.",
        says=("{value:share} lost today, entries stop at {limit:share}.",),
        fix="Wait for the next day. Raising QT_MAX_DAILY_LOSS loosens a limit.",
        setting="QT_MAX_DAILY_LOSS",
        meant=True,
    ),
    Code.MAX_POSITIONS: Meaning(
        stage="portfolio",
        title="No free slot",
        sentence="All slots are taken by open positions or by better-ranked signals of this bar.",
        says=(
            "{value:count} positions with this one, at most {limit:count}; ranked {rank:count} for {free:count} free.",
            "{value:count} positions with this one, at most {limit:count}.",
        ),
        fix="A slot comes free when a position closes. QT_MAX_POSITIONS is their number.",
        setting="QT_MAX_POSITIONS",
        meant=True,
    ),
    Code.CORRELATION: Meaning(
        stage="portfolio",
        title="Moves with an open position",
        sentence="It would move with a position that is open or was accepted in this bar.",
        says=(
            "{value:number} with {other:market} {other_side}, at most {limit:number}.",
            "Not measured with {other:market} {other_side}: too few common bars; at most {limit:number} is allowed.",
        ),
        fix="Closing the other position does it. Raising QT_MAX_CORRELATION loosens a limit.",
        setting="QT_MAX_CORRELATION",
    ),
    Code.TOTAL_RISK: Meaning(
        stage="portfolio",
        title="Open risk",
        sentence="With this one, all stops together would lose more than the limit.",
        says=("{value:share} of equity at risk with this one, at most {limit:share}.",),
        fix="Wait for a stop to move up or a position to close. Raising QT_MAX_OPEN_RISK loosens a limit.",
        setting="QT_MAX_OPEN_RISK",
        meant=True,
    ),
    Code.EXPOSURE: Meaning(
        stage="portfolio",
        title="Exposure",
        sentence="With this one, gross notional over equity would be above the highest leverage.",
        says=("{value:number}× equity with this one, at most {limit:number}×.",),
        fix="Wait for a position to close, or risk less per trade. Raising QT_MAX_LEVERAGE loosens a limit.",
        setting="QT_MAX_LEVERAGE",
        meant=True,
    ),
    Code.QTY_ZERO_AFTER_STEP: Meaning(
        stage="size",
        title="Quantity rounds to nothing",
        sentence="What the risk allows is less than the smallest quantity that the exchange takes.",
        says=("{value:exact} after rounding, the exchange needs {limit:exact}.",),
        fix="More equity or more risk per trade; QT_RISK_PER_TRADE loosens a limit.",
        setting="QT_RISK_PER_TRADE",
    ),
    Code.MIN_NOTIONAL: Meaning(
        stage="size",
        title="Order too small",
        sentence="The order's value after rounding is below the exchange's minimum.",
        says=("{value:money} USDT after rounding, the exchange needs {limit:money}.",),
        fix="More equity or more risk per trade; QT_RISK_PER_TRADE loosens a limit.",
        setting="QT_RISK_PER_TRADE",
    ),
    Code.NOTIONAL_LIMIT: Meaning(
        stage="risk",
        title="Order too large",
        sentence="This trade alone would be larger than equity times the highest leverage.",
        says=("{value:money} USDT alone, at most {limit:money}.",),
        fix="Lower QT_RISK_PER_TRADE, or a farther stop by QT_STOP_ATR.",
        setting="QT_RISK_PER_TRADE",
    ),
    Code.INSUFFICIENT_MARGIN: Meaning(
        stage="size",
        title="Margin is short",
        sentence="The free margin does not carry this order and its costs.",
        says=("{value:money} USDT margin and costs, {limit:money} free.",),
        fix="Wait for a position to close; QT_MAX_LEVERAGE lets a position use less margin.",
        setting="QT_MAX_LEVERAGE",
    ),
    Code.LIQUIDATION_BUFFER: Meaning(
        stage="size",
        title="Liquidation too near",
        sentence="Liquidation would be nearer than twice the stop, or nearer than the backstop.",
        says=("Liquidation {value:share} away, needs {limit:share} at {leverage:count}×.",),
        fix="A nearer stop (QT_STOP_ATR), or less leverage (QT_MAX_LEVERAGE).",
        setting="QT_STOP_ATR",
    ),
    Code.EXCHANGE_REJECT: Meaning(
        stage="order",
        title="Refused by the exchange",
        sentence="The exchange refused the order.",
        says=("Refused with {value}: {message}.", "Refused: {message}."),
        fix="The exchange's own words are on the order's page.",
    ),
    Code.EXPIRED: Meaning(
        stage="order",
        title="Expired",
        sentence="The order ended without a fill.",
        says=("No fill within {value:age}.",),
        fix="Nothing to do: the next bar is judged anew.",
    ),
    Code.TIMEOUT_UNKNOWN: Meaning(
        stage="order",
        title="No answer",
        sentence="The exchange has not answered: what became of the order is unknown until it was found out.",
        says=("No answer for {value:age}. The exchange has been asked {asked:times}.", "No answer for {value:age}."),
        fix="The exchange is asked again by the order's own id; nothing is sent twice.",
    ),
    Code.SL_REJECTED_CLOSED: Meaning(
        stage="exit",
        title="Closed: no stop possible",
        sentence="The stop could not be placed, so the position was closed at market.",
        says=("The stop was refused ({value}), closed at market after {seconds:age}.",),
        fix="The refused stop is on the position's page, with the exchange's words.",
    ),
}
