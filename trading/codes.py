"""Every reason for a "no": its stage, sentence, setting and fix. The page and the API are generated from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


def _(text: str) -> str:
    """Marks a text for translation; it is looked up where somebody reads it."""
    return text


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
    FEED_FROZEN = "FEED_FROZEN"
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
    CLOCK_OFF = "CLOCK_OFF"
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
    RATE_LIMIT_VENUE = "RATE_LIMIT_VENUE"
    KEY_REFUSED = "KEY_REFUSED"
    EXPIRED = "EXPIRED"
    TIMEOUT_UNKNOWN = "TIMEOUT_UNKNOWN"
    SL_REJECTED_CLOSED = "SL_REJECTED_CLOSED"


MEANINGS: dict[Code, Meaning] = {
    Code.NO_MODEL: Meaning(
        stage="model",
        title=_("No model"),
        sentence=_("No model has been trained for this market yet."),
        fix=_("Start a training; on the practice market the first one starts by itself."),
    ),
    Code.MODELS_TRAINING: Meaning(
        stage="model",
        title=_("Models are training"),
        sentence=_("The models are being trained; the last closed bar is judged right after."),
        says=(
            _("Training is {value:share} done, about {eta:age} left."),
            _("Training is {value:share} done."),
        ),
        fix=_("Wait: it ends by itself."),
        meant=True,
    ),
    Code.MODEL_OUTPUT_INVALID: Meaning(
        stage="model",
        title=_("Model output unusable"),
        sentence=_("No model gave a usable probability."),
        says=(_("{value:count} usable votes, needs {limit:count}."),),
        fix=_("Open the models page: each excluded model says why. Retrain, or retire it."),
    ),
    Code.INSUFFICIENT_HISTORY: Meaning(
        stage="data",
        title=_("Too little history"),
        sentence=_("The symbol has too few candles without a gap for its indicators."),
        says=(_("{value:count} bars without a gap, needs {limit:count}."), _("No {mean:count}-bar mean yet.")),
        fix=_("Wait for more candles, or look for the gap under Data Feed."),
    ),
    Code.FEED_STALE: Meaning(
        stage="data",
        title=_("Candle too old"),
        sentence=_("The newest closed candle of the symbol is too old to decide on."),
        says=(_("Candle {value:age} old, limit {limit:age}."), _("No closed candle yet, limit {limit:age}.")),
        fix=_("Check the stream and the exchange's answers. QT_MAX_DATA_AGE is the limit."),
        setting="QT_MAX_DATA_AGE",
    ),
    Code.FEED_FROZEN: Meaning(
        stage="data",
        title=_("Candles stand still"),
        sentence=_("The symbol's newest candles stand still: they may not be the market's."),
        says=(_("{value:count} candles in a row stand still."),),
        fix=_("Compare with the exchange's own chart. Without any trade the market is paused: it ends by itself."),
    ),
    Code.EXECUTION_DISABLED: Meaning(
        stage="mode",
        title=_("Execution is off"),
        sentence=_("Execution is off: everything is judged and nothing is sent."),
        fix=_("Set QT_ENABLE_EXECUTION=true and start again."),
        setting="QT_ENABLE_EXECUTION",
        meant=True,
    ),
    Code.PREFLIGHT_REQUIRED: Meaning(
        stage="mode",
        title=_("Not started"),
        sentence=_("Entries wait until the checks of the exchange have passed and somebody has pressed start."),
        says=(
            _("{failed:count} of {checks:count} checks of the exchange have not passed."),
            _("The checks have passed; nobody has pressed start at {unstarted} yet."),
            _("{stopped_by} stopped entries here; they wait for a start."),
            _("{unchecked} has not been checked with this key yet."),
        ),
        fix=_("Open /setup/: run the checks, then press start."),
        meant=True,
    ),
    Code.KILL_SWITCH: Meaning(
        stage="system",
        title=_("Kill switch"),
        sentence=_("The kill switch is not on active."),
        says=(_("The switch is on {value}, entries need {limit}."),),
        fix=_("Set the switch back to active, with a reason."),
        meant=True,
    ),
    Code.SELF_HEALING_NO_NEW_TRADES: Meaning(
        stage="system",
        title=_("Self-healing holds entries"),
        sentence=_("Self-healing allows no new trades for now."),
        says=(_("Self-healing allows no new trades: {value}."),),
        fix=_("Open the incident: it names the fault, the remedy and what is missing."),
    ),
    Code.INFRA_UNAVAILABLE: Meaning(
        stage="system",
        title=_("Account not known"),
        sentence=_("What an entry needs to know of the exchange is not known."),
        says=(_("Not known: {value}. The exchange has not answered."),),
        fix=_("Check the connection and the keys; the account is read again every few seconds."),
    ),
    Code.GATE_ERROR: Meaning(
        stage="system",
        title=_("A gate failed"),
        sentence=_("A gate could not answer, so there is no order."),
        says=(_("The gate {gate} could not answer ({error}), so there is no order."),),
        fix=_("This is a fault of the program: report it with the decision's page."),
    ),
    Code.STALE_SIGNAL: Meaning(
        stage="signal",
        title=_("Signal too old"),
        sentence=_("The signal is of an older bar than the one being traded, or was judged too late."),
        says=(_("Signal {value:age} old, limit {limit:age}."),),
        fix=_("Look at the executor's lag. QT_MAX_DATA_AGE is the limit."),
        setting="QT_MAX_DATA_AGE",
    ),
    Code.SYMBOL_NOT_TRADING: Meaning(
        stage="symbol",
        title=_("Not trading"),
        sentence=_("The exchange does not trade this symbol now, or gave no rules for it."),
        says=(_("{symbol:market} is {value} at the exchange."),),
        fix=_("Refresh the universe; leave the symbol out of QT_SYMBOLS if it was delisted."),
        setting="QT_SYMBOLS",
    ),
    Code.POLICY_NO_NEW_TRADES: Meaning(
        stage="policy",
        title=_("Policy allows no entries"),
        sentence=_("The policy of the moment allows no new trades."),
        says=(_("Policy {version:count} allows no entries: {why}."), _("No entries yet: {why}.")),
        fix=_("Wait: entries come back when volatility falls below 3 % per bar."),
        meant=True,
    ),
    Code.LOW_CONFIDENCE: Meaning(
        stage="signal",
        title=_("Confidence too low"),
        sentence=_("The confidence must reach the strictest of all minima that are set."),
        says=(_("{value:number}, needs {limit:number} {when}."), _("{value:number}, needs {limit:number}.")),
        fix=_("The setting named here binds; lowering it loosens a limit."),
        setting="QT_CONFIDENCE_THRESHOLD",
    ),
    Code.WEAK_CONSENSUS: Meaning(
        stage="signal",
        title=_("Too few votes"),
        sentence=_("Too few models voted on this signal."),
        says=(_("{value:count} of {models:count} models voted, needs {limit:count}."),),
        fix=_("Open the models page: each excluded model says why. Retrain, or retire it."),
    ),
    Code.EXPECTED_COST_TOO_HIGH: Meaning(
        stage="cost",
        title=_("Costs eat the edge"),
        sentence=_("After fees and slippage the signal's expected value is below zero."),
        says=(_("{value:number}, needs {limit:number} to earn its costs of {cost_r:number} R."),),
        fix=_("A farther stop makes costs smaller in R: longer candles, or a higher QT_MIN_STOP_COSTS."),
        setting="QT_MIN_STOP_COSTS",
        meant=True,
    ),
    Code.AGAINST_TREND_LONG: Meaning(
        stage="filter",
        title=_("Long against the trend"),
        # xgettext:no-python-format
        sentence=_("A long needs a price of at least 98 % of its 200-bar mean, or a confidence of 0.50."),
        says=(_("{value:share} of the 200-bar mean, needs {limit:share}, or a confidence of {override:number}."),),
        fix=_("Wait for the price to come back to its mean; a stronger signal passes as it is."),
    ),
    Code.AGAINST_TREND_SHORT: Meaning(
        stage="filter",
        title=_("Short against the trend"),
        # xgettext:no-python-format
        sentence=_("A short needs a price of at most 102 % of its 200-bar mean, or a confidence of 0.50."),
        says=(_("{value:share} of the 200-bar mean, at most {limit:share}, or a confidence of {override:number}."),),
        fix=_("Wait for the price to come back to its mean; a stronger signal passes as it is."),
    ),
    Code.FUNDING_RATE: Meaning(
        stage="symbol",
        title=_("Funding too high"),
        sentence=_("This side would pay too high a funding rate."),
        says=(_("{value:share} per 8 h to pay, at most {limit:share}."), _("No funding rate is known.")),
        fix=_("Wait for the next funding, or trade the side that is paid."),
    ),
    Code.COOLDOWN_ACTIVE: Meaning(
        stage="pass",
        title=_("Cooldown"),
        sentence=_("The last order on this symbol was too short a time ago. Only a submitted order starts the time."),
        says=(_("{value:seconds} since the last order, needs {limit:seconds}."),),
        fix=_("Wait: it ends by itself. QT_COOLDOWN_SECONDS sets its length."),
        setting="QT_COOLDOWN_SECONDS",
    ),
    Code.UNRESOLVED_ORDER: Meaning(
        stage="order",
        title=_("Outcome unknown"),
        sentence=_("What became of an order on this symbol is not known yet, so none is added."),
        fix=_("The exchange is asked again by itself; open the orders page to see how far it is."),
    ),
    Code.ALREADY_OPEN: Meaning(
        stage="portfolio",
        title=_("Already open"),
        sentence=_("A position in this direction is open already; there is one per symbol."),
        says=(_("{symbol:market} {value} is open already."),),
        fix=_("Nothing to do: the open position is looked after."),
        meant=True,
    ),
    Code.OPPOSITE_OPEN: Meaning(
        stage="portfolio",
        title=_("Opposite side open"),
        sentence=_("A position in the other direction is open; there is one per symbol."),
        says=(_("{symbol:market} {value} is open; a {side} has to wait until it is closed."),),
        fix=_("Close the open position if the new direction is right."),
        meant=True,
    ),
    Code.PRICE_INVALID: Meaning(
        stage="risk",
        title=_("Impossible price"),
        sentence=_("The mark price is not a positive number."),
        says=(_("The mark price is {value}, needs more than 0."),),
        fix=_("Check what the exchange sends for this symbol."),
    ),
    Code.PRICE_STALE: Meaning(
        stage="risk",
        title=_("Price too old"),
        sentence=_("The mark price of the symbol is too old to size an order on."),
        says=(_("Mark price {value:age} old, limit {limit:age}."), _("No mark price yet, limit {limit:age}.")),
        fix=_("Check the stream: mark prices come every few seconds."),
    ),
    Code.PRICE_DRIFT: Meaning(
        stage="signal",
        title=_("Price moved on"),
        sentence=_("The price has moved too far since the signal's bar closed."),
        says=(_("{value:number} R from the signal's price, at most {limit:number} R."),),
        fix=_("Look at the executor's lag: the faster a bar is judged, the smaller the drift."),
    ),
    Code.CLOCK_OFF: Meaning(
        stage="system",
        title=_("Clocks differ"),
        sentence=_("Our clock and the exchange's differ too much: no age can be trusted."),
        says=(_("{value:seconds} between our clock and the exchange's, at most {limit:seconds}."),),
        fix=_("Set this machine's clock (chrony, systemd-timesyncd); it is measured again every 5 s."),
    ),
    Code.DAILY_LOSS: Meaning(
        stage="risk",
        title=_("Daily loss"),
        sentence=_("Today's loss has reached its limit; entries stop until 00:00 UTC."),
        says=(_("{value:share} lost today, entries stop at {limit:share}."),),
        fix=_("Wait for the next day. Raising QT_MAX_DAILY_LOSS loosens a limit."),
        setting="QT_MAX_DAILY_LOSS",
        meant=True,
    ),
    Code.MAX_POSITIONS: Meaning(
        stage="portfolio",
        title=_("No free slot"),
        sentence=_("All slots are taken by open positions or by better-ranked signals of this bar."),
        says=(
            _("{value:count} positions with it, at most {limit:count}; ranked {rank:count} for {free:count} free."),
            _("{value:count} positions with this one, at most {limit:count}."),
        ),
        fix=_("A slot comes free when a position closes. QT_MAX_POSITIONS is their number."),
        setting="QT_MAX_POSITIONS",
        meant=True,
    ),
    Code.CORRELATION: Meaning(
        stage="portfolio",
        title=_("Moves with an open position"),
        sentence=_("It would move with a position that is open or was accepted in this bar."),
        says=(
            _("{value:number} with {other:market} {other_side}, at most {limit:number}."),
            _("Not measured with {other:market} {other_side}: too few common bars; at most {limit:number} is allowed."),
        ),
        fix=_("Closing the other position does it. Raising QT_MAX_CORRELATION loosens a limit."),
        setting="QT_MAX_CORRELATION",
    ),
    Code.TOTAL_RISK: Meaning(
        stage="portfolio",
        title=_("Open risk"),
        sentence=_("With this one, all stops together would lose more than the limit."),
        says=(_("{value:share} of equity at risk with this one, at most {limit:share}."),),
        fix=_("Wait for a stop to move up or a position to close. Raising QT_MAX_OPEN_RISK loosens a limit."),
        setting="QT_MAX_OPEN_RISK",
        meant=True,
    ),
    Code.EXPOSURE: Meaning(
        stage="portfolio",
        title=_("Exposure"),
        sentence=_("With this one, gross notional over equity would be above the highest leverage."),
        says=(_("{value:number}× equity with this one, at most {limit:number}×."),),
        fix=_("Wait for a position to close, or risk less per trade. Raising QT_MAX_LEVERAGE loosens a limit."),
        setting="QT_MAX_LEVERAGE",
        meant=True,
    ),
    Code.QTY_ZERO_AFTER_STEP: Meaning(
        stage="size",
        title=_("Quantity rounds to nothing"),
        sentence=_("What the risk allows is less than the smallest quantity that the exchange takes."),
        says=(_("{value:exact} after rounding, the exchange needs {limit:exact}."),),
        fix=_("More equity or more risk per trade; QT_RISK_PER_TRADE loosens a limit."),
        setting="QT_RISK_PER_TRADE",
    ),
    Code.MIN_NOTIONAL: Meaning(
        stage="size",
        title=_("Order too small"),
        sentence=_("The order's value after rounding is below the exchange's minimum."),
        says=(_("{value:money} USDT after rounding, the exchange needs {limit:money}."),),
        fix=_("More equity or more risk per trade; QT_RISK_PER_TRADE loosens a limit."),
        setting="QT_RISK_PER_TRADE",
    ),
    Code.NOTIONAL_LIMIT: Meaning(
        stage="risk",
        title=_("Order too large"),
        sentence=_("This trade alone would be larger than equity times the highest leverage."),
        says=(_("{value:money} USDT alone, at most {limit:money}."),),
        fix=_("Lower QT_RISK_PER_TRADE, or a farther stop by QT_STOP_ATR."),
        setting="QT_RISK_PER_TRADE",
    ),
    Code.INSUFFICIENT_MARGIN: Meaning(
        stage="size",
        title=_("Margin is short"),
        sentence=_("The free margin does not carry this order and its costs."),
        says=(_("{value:money} USDT margin and costs, {limit:money} free."),),
        fix=_("Wait for a position to close; QT_MAX_LEVERAGE lets a position use less margin."),
        setting="QT_MAX_LEVERAGE",
    ),
    Code.LIQUIDATION_BUFFER: Meaning(
        stage="size",
        title=_("Liquidation too near"),
        sentence=_("Liquidation would be nearer than twice the stop, or nearer than the backstop."),
        says=(_("Liquidation {value:share} away, needs {limit:share} at {leverage:count}×."),),
        fix=_("A nearer stop (QT_STOP_ATR), or less leverage (QT_MAX_LEVERAGE)."),
        setting="QT_STOP_ATR",
    ),
    Code.EXCHANGE_REJECT: Meaning(
        stage="order",
        title=_("Refused by the exchange"),
        sentence=_("The exchange refused the order."),
        says=(_("Refused with {value}: {message}."), _("Refused: {message}.")),
        fix=_("The exchange's own words are on the order's page."),
    ),
    Code.RATE_LIMIT_VENUE: Meaning(
        stage="order",
        title=_("The exchange wants silence"),
        sentence=_("The exchange asked for silence, so the entry was not executed."),
        says=(_("The exchange asked for {value:age} of silence, so the entry was not executed."),),
        fix=_("Nothing to do: entries go on when the silence is over; exits and stops are sent meanwhile."),
    ),
    Code.KEY_REFUSED: Meaning(
        stage="order",
        title=_("Key refused"),
        sentence=_("The exchange refused our API key."),
        says=(_("The exchange refused our API key with {value}."),),
        fix=_("Check the key, its permissions and its list of addresses at the exchange, then run the setup checks."),
    ),
    Code.EXPIRED: Meaning(
        stage="order",
        title=_("Expired"),
        sentence=_("The order ended without a fill."),
        says=(_("No fill within {value:age}."),),
        fix=_("Nothing to do: the next bar is judged anew."),
    ),
    Code.TIMEOUT_UNKNOWN: Meaning(
        stage="order",
        title=_("No answer"),
        sentence=_("The exchange has not answered: what became of the order is unknown until it was found out."),
        says=(
            _("No answer for {value:age}. The exchange has been asked {asked:times}."),
            _("No answer for {value:age}."),
        ),
        fix=_("The exchange is asked again by the order's own id; nothing is sent twice."),
    ),
    Code.SL_REJECTED_CLOSED: Meaning(
        stage="exit",
        title=_("Closed: no stop possible"),
        sentence=_("The stop could not be placed, so the position was closed at market."),
        says=(_("The stop was refused ({value}), closed at market after {seconds:age}."),),
        fix=_("The refused stop is on the position's page, with the exchange's words."),
    ),
}
