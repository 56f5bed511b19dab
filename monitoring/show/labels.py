"""What orders and trades are called on screen: their kinds, what became of them, what the exchange's codes mean."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from trading.exchange.venue import OrderStatus as S

KINDS = {
    "entry": _("Entry"),
    "stop": _("Stop"),
    "backstop": _("Backstop"),
    "target": _("Target"),
    "exit": _("Exit"),
    "trim": _("Trim"),
    "probe": _("Check"),
}
SIDES = {"buy": _("buy"), "sell": _("sell")}
TYPES = {
    "MARKET": _("at market"),
    "LIMIT": _("at a limit"),
    "STOP": _("stop with a limit"),
    "STOP_MARKET": _("stop at market"),
    "TAKE_PROFIT": _("take profit with a limit"),
    "TAKE_PROFIT_MARKET": _("take profit at market"),
}

NOT_SENT = "not_sent"
# status: (shape, word, what it means)
STATUSES = {
    NOT_SENT: ("unknown", _("not sent"), _("Wanted, and not sent yet.")),
    S.SENDING: ("unknown", _("pending"), _("Sent; the exchange has not answered yet.")),
    S.UNKNOWN: ("unknown", _("unknown"), _("No answer came; the exchange is asked what became of it.")),
    S.NEW: ("", _("resting"), _("Rests at the exchange.")),
    S.PARTIAL: ("warn", _("partly filled"), _("Partly filled; the rest rests at the exchange.")),
    S.TRIGGERED: ("warn", _("triggered"), _("Triggered, and not filled yet.")),
    S.FILLED: ("ok", _("filled"), _("Filled.")),
    S.CANCELED: ("", _("cancelled"), _("Cancelled; nothing more of it can fill.")),
    S.EXPIRED: ("", _("expired"), _("Expired at the exchange; nothing more of it can fill.")),
    S.REFUSED: ("fail", _("refused"), _("The exchange refused it; nothing happened there.")),
    S.NOT_PLACED: ("warn", _("never arrived"), _("Proven: the exchange never had it.")),
}

CLOSED = {  # what ended it
    "stop": _("stop"),
    "trailing": _("trailing stop"),
    "backstop": _("backstop"),
    "target": _("target"),
    "time": _("time limit"),
    "manual": _("a person"),
    "self_healing": _("self-healing"),
    "stop_escalated": _("a stop that did not fill"),
    "SL_REJECTED_CLOSED": _("a stop that could not be placed"),
    "liquidation": _("liquidation"),
    "external": _("someone at the exchange"),
}

# The venue's codes that an order of ours can meet, in plain words.
REFUSALS = {
    -1007: _("The exchange did not answer its own engine in time; the outcome was not known."),
    -1015: _("Too many orders in a short time."),
    -1021: _("Our clock and the exchange's differ too much."),
    -1022: _("The signature was wrong: a key or its secret."),
    -1111: _("More decimals than the symbol allows."),
    -2010: _("The exchange refused the order."),
    -2011: _("There is no such order to cancel: it is filled, cancelled or gone."),
    -2013: _("The exchange has no such order."),
    -2014: _("The key has the wrong form."),
    -2015: _("The key, its address or its permission is not accepted."),
    -2018: _("The balance is too small."),
    -2019: _("The margin is too small."),
    -2021: _("The price is past the trigger already: it would trigger at once."),
    -2022: _("There is no position left that it could reduce."),
    -2025: _("Too many open orders."),
    -2027: _("The position would be larger than this leverage allows."),
    -4003: _("The quantity is zero or less."),
    -4004: _("The quantity is below the symbol's smallest."),
    -4005: _("The quantity is above the symbol's largest."),
    -4013: _("The price is below the symbol's smallest."),
    -4014: _("The price does not fit the symbol's tick."),
    -4016: _("The price is above what the exchange allows now."),
    -4024: _("The price is below what the exchange allows now."),
    -4023: _("The quantity does not fit the symbol's step."),
    -4045: _("Too many conditional orders."),
    -4061: _("The position side does not fit the account's mode."),
    -4116: _("An open order has this client id already."),
    -4120: _("Conditional orders go to another address now."),
    -4130: _("There is a stop that closes this position already."),
    -4131: _("The market is too thin: the price is beyond what a market order may take."),
    -4140: _("The symbol is not traded now."),
    -4164: _("The order is worth less than the symbol's smallest."),
    -4183: _("The price is above what the exchange allows now."),
    -4184: _("The price is below what the exchange allows now."),
    -4509: _("There is no open position for a stop that closes one."),
}


def kind(name: str) -> str:
    return str(KINDS.get(name, name))


def closed(reason: str) -> str:
    """Why a trade ended; a reason that has no words yet is shown as it is stored."""
    return str(CLOSED.get(reason, reason.replace("_", " ").lower()))


def refusal(code: int | None, stored: str) -> str:
    """A refusal in plain words, else the exchange's own text."""
    return str(REFUSALS[code]) if code in REFUSALS else stored
