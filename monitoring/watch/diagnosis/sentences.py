"""The words of each cause: its title, what was measured, and what to do, in that order. Filled by `words.py`."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.diagnosis import house_sentences as house
from monitoring.watch.diagnosis.house_sentences import LOG, RESTART, Words
from monitoring.watch.diagnosis.problem import Cause

READ = _("Read some of the decisions: each gate's answer stands there.")
ASK_VENUE = _("Open the orders: each one shows the exchange's own words.")
LOOK_AT_VENUE = _("Compare with the exchange's own page before anything else is done.")

SIGNALS: Mapping[Cause, Words] = {
    Cause.SIGNALS_REJECTED: Words(
        _("%(code_title)s: %(n)s of %(of)s signals"),
        _("%(n)s of %(of)s signals were rejected by %(code)s, and no order has left for %(idle)s. %(case)s"),
        (READ,),
    ),
    Cause.SAME_REJECTIONS: Words(
        _("The same %(symbols)s symbols are rejected again and again"),
        _("%(passes)s bars in a row rejected the same symbols by %(code)s: %(names)s. %(case)s"),
        (
            READ,
            _("If they can't trade, leave them out of the universe; if they should, review what the gate measures."),
        ),
    ),
    Cause.MINIMUM_OVERRIDDEN: Words(
        _("One minimum overrides the policy's"),
        _(
            "The policy declares %(declared)s for a %(regime)s market; %(value)s binds, the stricter of the "
            "two. %(n)s signals were rejected by it."
        ),
        (_("Decide which of the two is meant; the stricter one always wins."),),
    ),
    Cause.NEAR_THRESHOLD: Words(
        _("Signals are rejected at the very minimum"),
        _(
            "%(n)s of %(of)s rejections lie within %(within)s of the minimum of %(limit)s; %(reached)s of "
            "them had reached it."
        ),
        (READ, _("One that reached the minimum and was rejected is a fault of the program: report it.")),
    ),
    Cause.THRESHOLD_UNREACHABLE: Words(
        _("The minimum can't be reached"),
        _("The best of %(n)s judgements was %(value)s; the minimum is %(limit)s."),
        (
            _("Compare the minimum with what the models can say, on the models page."),
            _("Lowering it loosens a limit: look at the counterfactuals first."),
        ),
    ),
    Cause.SLOTS_STUCK: Words(
        _("All slots are taken and none comes free"),
        _(
            "%(n)s of %(limit)s slots have been full for %(full)s; the oldest position is %(longest)s old, "
            "and %(closes)s closed within the last day."
        ),
        (
            _("Look at why the open positions don't close: time exit, stop, target."),
            _("Close the ones that should be over."),
        ),
    ),
    Cause.GHOST_POSITION: Words(
        _("%(market)s is open on one side only"),
        _("Only the %(where_word)s knows this position; it takes a slot."),
        (LOOK_AT_VENUE, _("If it is nobody's, close it at the exchange; our row follows.")),
    ),
    Cause.BARS_NOT_JUDGED: Words(
        _("Closed bars are not judged"),
        _("The newest judged bar closed %(age)s ago, limit %(limit_time)s. %(idle_words)s"),
        (_("Ring for the executor."), _("If nothing changes, its queue is not read: look at the worker.")),
    ),
    Cause.SYMBOLS_NOT_TRADING: Words(
        _("Symbols that the exchange does not trade"),
        _("%(n)s of %(of)s signals (%(share)s) are on symbols that can't be traded: %(names)s."),
        (_("Refresh the universe."), _("Leave out what stays away.")),
    ),
    Cause.UNKNOWN_CODE: Words(
        _("A rejection without a meaning: %(code)s"),
        _("%(n)s of %(of)s signals ended with a code that nobody knows."),
        (_("This is a fault of the program: report it with one of the decisions."),),
    ),
    Cause.GATE_FAILS: Words(
        _("A gate fails: %(gate)s"),
        _("%(n)s of %(of)s signals were lost because a gate could not answer: %(error)s"),
        (_("This is a fault of the program: report it with the decision's page."),),
    ),
    Cause.SIGNALS_UNDECIDED: Words(
        _("Signals without a decision"),
        _("Without one: %(n)s. Every signal must have exactly one decision."),
        (_("Halt entries."), _("Report this with the signals' numbers.")),
    ),
    Cause.ENTRIES_HELD: Words(
        _("Self-healing holds entries"),
        _("For %(age)s, at level %(level)s. Why: %(reason)s."),
        (_("Open the incident: it names the fault, the remedy and what is missing."),),
    ),
}

EXCHANGE: Mapping[Cause, Words] = {
    Cause.ORDERS_REFUSED: Words(
        _("The exchange refuses orders: %(code)s"),
        _("%(n)s of %(of)s orders were refused with %(code)s, %(stops)s of them stops. %(meaning)s"),
        (ASK_VENUE,),
    ),
    Cause.ORDERS_FAIL: Words(
        _("Most entries come to nothing"),
        _("%(n)s of the newest %(of)s entries failed (%(share)s), limit %(limit_share)s."),
        (ASK_VENUE, _("Halt entries until one of them has been filled.")),
    ),
    Cause.KEYS_REFUSED: Words(
        _("The exchange does not accept the key"),
        _("Refused with %(code)s in mode %(mode)s: orders %(n)s, modules %(modules)s. %(error)s"),
        (
            _("Check that key, address and mode belong together, and what the key may do."),
            _("Run the checks of the setup page."),
        ),
    ),
    Cause.STOP_WOULD_TRIGGER: Words(
        _("Stops come too late"),
        _(
            "%(n)s stops were refused because the market had passed them (%(code)s); %(closed)s positions "
            "were closed for it."
        ),
        (
            _("Look at the time from fill to stop."),
            _("A stop that is too near is passed before it is placed: review its distance."),
        ),
    ),
    Cause.CLOSED_AT_ONCE: Words(
        _("Trades end within seconds"),
        _("%(n)s of %(of)s trades were over within %(limit_time)s; together they made %(net)s USDT."),
        (_("Open one of them: compare entry, stop and side."),),
    ),
    Cause.STOP_ON_WRONG_SIDE: Words(
        _("%(market)s has its stop on the wrong side"),
        _("%(side)s from %(entry)s, stop at %(stop)s: it closes where the position wins."),
        (_("Close the position; then report this."),),
    ),
    Cause.ORDERS_NOT_SETTLED: Words(
        _("Orders without a known outcome"),
        _("Orders: %(n)s. The oldest, on %(market)s, is %(status)s for %(age)s, limit %(limit_time)s."),
        (_("The exchange is asked again by itself; ring for the position monitor."), LOOK_AT_VENUE),
    ),
    Cause.LEVERAGE_MISMATCH: Words(
        _("Leverage is not what was decided"),
        _("%(where_leverage)s at %(value)s×, decided %(decided)s×, at most %(limit)s×."),
        (_("Set the leverage at the exchange, or make the position smaller."),),
    ),
    Cause.RATE_LIMITED: Words(
        _("The exchange is asked too often"),
        _("Told to wait: orders %(n)s, modules %(modules)s. %(error)s"),
        (
            _("Look for a second program that uses the same key or address."),
            _("Requests go on by themselves when the minute is over."),
        ),
    ),
    Cause.STOPS_CANCELLED: Words(
        _("%(market)s lost its %(kind)s"),
        _("The %(kind)s of an open position was cancelled %(age)s ago (%(why)s), and none rests at the exchange."),
        (_("Ring for the position monitor: it places what is missing."), _("Find out who cancelled it.")),
    ),
    Cause.ACCOUNT_UNREAD: Words(
        _("The account is not read"),
        _("Last read %(age)s ago, limit %(limit_time)s. Without it no entry is allowed."),
        (_("Ring for the exchange module."), _("Check the connection and the key.")),
    ),
}

EXITS: Mapping[Cause, Words] = {
    Cause.UNPROTECTED: Words(
        _("%(market)s has no stop at the exchange"),
        _("For %(age)s, limit %(limit_time)s."),
        (_("The position monitor places it or closes the position; close it yourself if that fails."),),
    ),
    Cause.EXITS_NOT_JUDGED: Words(
        _("Nobody looks after open positions"),
        _("%(n)s of %(of)s positions were not looked at; %(market)s for %(age)s, limit %(limit_time)s."),
        (_("Ring for the position monitor."), RESTART),
    ),
    Cause.RISK_VALUE_MISSING: Words(
        _("%(market)s has no stop distance"),
        _("R is %(value)s: stop, target and trailing can't be reckoned."),
        (_("Close the position; then report this."),),
    ),
    Cause.HELD_PRICE_STALE: Words(
        _("Held positions have an old price"),
        _("%(n)s of %(of)s; %(market)s is %(age)s old, limit %(limit_time)s. Exits go on with it."),
        (_("Check the stream: mark prices come every second."), _("Ring for the position monitor.")),
    ),
    Cause.TRAILING_BEHIND: Words(
        _("%(market)s: the trailing stop stands still"),
        _("The stop lies %(lag_r)s R behind where it belongs (stop %(stop)s, best price %(best)s)."),
        (_("Ring for the trailing stop manager."), LOG),
    ),
    Cause.OPPOSITE_SIGNAL: Words(
        _("The models now say the opposite of %(market)s"),
        _("%(n)s signals against the %(side)s, the first %(age)s ago, limit %(limit_time)s."),
        (_("Decide whether to close it: the system holds until stop, target or time exit."),),
    ),
    Cause.STOP_TOO_NEAR: Words(
        _("Stops are too near for their costs"),
        _("%(n)s of %(of)s signals; on %(market)s the stop is %(costs)s round trips away, at least %(least)s are set."),
        (_("Take longer bars, or a farther stop."),),
    ),
    Cause.POSITION_OVERDUE: Words(
        _("%(market)s is beyond its time exit"),
        _("Overdue for %(age)s, limit %(limit_time)s; held for %(held)s."),
        (_("Close it."), _("Look at the position monitor: the time exit is its work.")),
    ),
    Cause.CLOSE_FAILS: Words(
        _("%(market)s should be closed and is not"),
        _("Waiting for %(age)s, limit %(limit_time)s. %(error)s"),
        (_("Ring for the position monitor."), LOOK_AT_VENUE),
    ),
}

WORDS: Mapping[Cause, Words] = {**SIGNALS, **EXCHANGE, **EXITS, **house.MODELS, **house.OPERATIONS}

EVIDENCE: Mapping[str, Promise] = {
    "decisions": _("%(n)s of %(of)s decisions with %(code)s"),
    "decision": _("Decisions that led to an order: %(n)s"),
    "position": _("Position %(id)s, %(market)s"),
    "positions": _("Open positions"),
    "orders": _("Orders: %(n)s"),
    "trades": _("Trades: %(n)s"),
    "module": _("Module: %(name)s"),
    "modules": _("Modules"),
    "models": _("Models"),
    "universe": _("Symbols: %(n)s"),
    "policy": _("Policy %(version)s"),
    "incident": _("Incident %(key)s"),
    "signals": _("Signals: %(n)s"),
    "setup": _("The setup's checks"),
    "audit": _("Changes of %(setting)s"),
}
REFUSALS: Mapping[int, Promise] = {  # what the venue's code means
    -1013: _("A price or quantity breaks the symbol's rules."),
    -1111: _("A price or quantity has more digits than the symbol allows."),
    -2019: _("There is too little margin."),
    -2022: _("A reduce-only order had nothing to reduce."),
    -4120: _("The exchange takes stops at another place now."),
    -4131: _("The market has too little on the other side."),
    -4164: _("The order is smaller than the exchange's least notional."),
}
