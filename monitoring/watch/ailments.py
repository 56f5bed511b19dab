"""Incidents, remedies and levels in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.watch import money_words
from monitoring.watch.detectors.findings import Action, Ailment
from monitoring.watch.probes.words import say
from monitoring.watch.words import age, clock, grouped, market
from trading.gates.directives import Level

TITLES: Mapping[Ailment, Promise] = {
    Ailment.MODULE_SILENT: gettext_lazy("%(module)s does not run"),
    Ailment.MODULE_FAILING: gettext_lazy("%(module)s fails"),
    Ailment.PROCESS_SILENT: gettext_lazy("The process %(process)s is silent"),
    Ailment.STREAM_SILENT: gettext_lazy("The exchange's stream is silent"),
    Ailment.FEED_STALE: gettext_lazy("All candles are old"),
    Ailment.SYMBOLS_STALE: gettext_lazy("Some symbols' candles are old"),
    Ailment.TRAINING_STUCK: gettext_lazy("The training is stuck"),
    Ailment.UNPROTECTED: gettext_lazy("%(market)s has no stop"),
    Ailment.ORDER_UNKNOWN: gettext_lazy("An order on %(market)s has no known outcome"),
    Ailment.DATABASE_SLOW: gettext_lazy("The database is slow"),
    Ailment.DISK_SHORT: gettext_lazy("The disk is nearly full"),
    Ailment.BROKER_SILENT: gettext_lazy("The queue does not answer"),
    Ailment.PART_UNKNOWN: gettext_lazy("Nothing is known of %(module)s"),
    Ailment.RESTARTS_EXHAUSTED: gettext_lazy("Too many restarts"),
    Ailment.MODULE_NOT_LOADED: gettext_lazy("%(module)s could not be loaded"),
    Ailment.MODULE_IDLE: gettext_lazy("%(module)s does not do its work"),
    Ailment.CODE_DIFFERS: gettext_lazy("The process %(process)s does not run what the others run"),
    Ailment.MONEY_DIFFERS: gettext_lazy("Our books and the exchange's differ on %(day)s"),
    Ailment.STOPS_BROKEN: gettext_lazy("The exchange's stops failed their check"),
    Ailment.CLOCK_OFF: gettext_lazy("Our clock and the exchange's differ"),
    Ailment.FEED_FROZEN: gettext_lazy("Prices stand still"),
    Ailment.GAP_OPEN: gettext_lazy("Candles are missing"),
    Ailment.QUARANTINE: gettext_lazy("Candles are put aside: %(what_kind)s"),
    Ailment.MARK_STALE: gettext_lazy("The price of what is held is old"),
}
SENTENCES: Mapping[Ailment, Promise] = {
    Ailment.MODULE_SILENT: gettext_lazy("Silent for %(age)s; it is due every %(every_age)s."),
    Ailment.MODULE_FAILING: gettext_lazy("Its newest run ended in an error: %(error)s"),
    Ailment.PROCESS_SILENT: gettext_lazy("Nothing of it has been heard for %(age)s."),
    Ailment.STREAM_SILENT: gettext_lazy("%(age)s without a word, limit %(limit_age)s. Prices come every second."),
    Ailment.FEED_STALE: gettext_lazy("%(age)s old on %(market)s, limit %(limit_age)s; all %(of)s symbols are late."),
    Ailment.SYMBOLS_STALE: gettext_lazy(
        "%(symbols)s of %(of)s are late; %(market)s is %(age)s old, limit %(limit_age)s."
    ),
    Ailment.TRAINING_STUCK: gettext_lazy("Without progress for %(age)s, limit %(limit_age)s."),
    Ailment.UNPROTECTED: gettext_lazy("No stop at the exchange for %(age)s, limit %(limit_age)s."),
    Ailment.ORDER_UNKNOWN: gettext_lazy("Not known for %(age)s, limit %(limit_age)s. The exchange is asked again."),
    Ailment.DATABASE_SLOW: gettext_lazy("%(ms)s ms for one question, limit %(limit_ms)s ms."),
    Ailment.DISK_SHORT: gettext_lazy(
        "%(free_mb)s MB are left, limit %(limit_mb)s MB. Exits need room to be written down: entries are held."
    ),
    Ailment.BROKER_SILENT: gettext_lazy("Scheduled work reaches nobody; the stream trades on by itself."),
    Ailment.MONEY_DIFFERS: gettext_lazy(
        "%(kind)s of %(market)s: ours %(ours)s, the exchange's %(theirs)s; %(difference)s USDT is not explained."
    ),
    Ailment.STOPS_BROKEN: gettext_lazy("%(what)s, checked on %(market)s. Entries are held until a check is OK."),
    Ailment.PART_UNKNOWN: gettext_lazy("It has told nothing for %(age)s, limit %(limit_age)s. Unknown is not healthy."),
    Ailment.RESTARTS_EXHAUSTED: gettext_lazy(
        "%(restarts)s within %(limit_age)s, at most %(most)s; another one is wanted. The next may come at %(until)s."
    ),
    Ailment.MODULE_NOT_LOADED: gettext_lazy("Nothing of it runs: %(error)s"),
    Ailment.MODULE_IDLE: gettext_lazy("%(why)s"),
    Ailment.CLOCK_OFF: gettext_lazy(
        "%(offset_ms)s ms apart; from %(limit_ms)s ms on entries are denied, from %(warn_ms)s ms on it is told."
    ),
    Ailment.FEED_FROZEN: gettext_lazy(
        "%(symbols)s of %(of)s stand still although trades are told, %(market)s for %(age)s. No entries on: %(names)s."
    ),
    Ailment.GAP_OPEN: gettext_lazy(
        "%(missing)s candles in %(gaps)s gaps, symbols: %(symbols)s; %(market)s for %(age)s, limit %(limit_age)s. "
        "They are asked for at every bar."
    ),
    Ailment.QUARANTINE: gettext_lazy(
        "%(candles)s within %(limit_age)s, symbols: %(symbols)s; %(market)s among them. Nothing is decided on them."
    ),
    Ailment.MARK_STALE: gettext_lazy(
        "%(symbols)s of %(of)s held symbols; %(market)s is %(age)s old, limit %(limit_age)s. "
        "Stops rest at the exchange; our own exits wait for a price."
    ),
    Ailment.CODE_DIFFERS: gettext_lazy("It runs %(mine)s, the process %(than)s runs %(other)s: start it again."),
}  # fmt: skip
ACTIONS: Mapping[Action, Promise] = {
    Action.RUN_MODULE: gettext_lazy("Run the module again"),
    Action.RESTART_MODULE: gettext_lazy("Free the module and run it"),
    Action.RESTART_PROCESS: gettext_lazy("Start the process again"),
    Action.BACKFILL_CANDLES: gettext_lazy("Fetch the missing candles"),
    Action.REFRESH_UNIVERSE: gettext_lazy("Refresh the universe"),
    Action.PROTECT_POSITION: gettext_lazy("Look after the position"),
}
KINDS: Mapping[str, Promise] = {  # why candles are put aside
    "nan": gettext_lazy("no number"),
    "shape": gettext_lazy("a field is missing"),
    "foreign": gettext_lazy("another symbol's or interval's"),
    "off_grid": gettext_lazy("off the grid"),
    "future": gettext_lazy("of the future"),
    "unclosed": gettext_lazy("not over yet"),
    "impossible": gettext_lazy("impossible prices"),
    "spike": gettext_lazy("a jump that nothing bears out"),
    "disputed": gettext_lazy("told in two ways"),
    "frozen": gettext_lazy("standing still"),
}
PROOFS: Mapping[str, Promise] = {
    "offset_ms": gettext_lazy("clocks %(value)s ms apart"),
    "filled": gettext_lazy("gaps filled: %(value)s"),
    "kept": gettext_lazy("symbols with a good candle since: %(value)s"),
    "held": gettext_lazy("nothing is held any more"),
    "mark_s": gettext_lazy("oldest price %(age)s"),
    "ticked_at": gettext_lazy("ran at %(value)s"),
    "heard_at": gettext_lazy("heard at %(value)s"),
    "beat_at": gettext_lazy("progress at %(value)s"),
    "looked_at": gettext_lazy("gone when looked for at %(value)s"),
    "seen_by": gettext_lazy("not explained; %(value)s has taken note of it"),
    "modules": gettext_lazy("modules that ran: %(value)s"),
    "symbols": gettext_lazy("symbols: %(value)s"),
    "oldest_s": gettext_lazy("oldest candle %(age)s"),
    "newest_s": gettext_lazy("newest candle %(age)s"),
    "ms": gettext_lazy("answered in %(value)s ms"),
    "free_mb": gettext_lazy("%(value)s MB are left"),
    "training": gettext_lazy("no training runs"),
    "restarts": gettext_lazy("restarts within ten minutes: %(value)s"),
    "expected": gettext_lazy("it is not expected to run any more"),
}
LEVELS: Mapping[Level, Promise] = {
    Level.ALLOW_ALL: gettext_lazy("Entries are allowed"),
    Level.REDUCED: gettext_lazy("Entries at half their size"),
    Level.NO_NEW_TRADES: gettext_lazy("No new trades"),
    Level.DEFENSIVE_EXIT: gettext_lazy("No new trades; positions in danger are closed"),
    Level.EMERGENCY_SHUTDOWN: gettext_lazy("Emergency: everything is closed; a person is needed"),
}


def title(code: str, params: Mapping[str, Any]) -> str:
    """What another release has found, and this one has no words for, goes by its code."""
    if code not in set(Ailment):
        return code
    return str(TITLES[Ailment(code)]) % shown(params)


def sentence(code: str, params: Mapping[str, Any]) -> str:
    """The measured number first, then the limit."""
    if code not in set(Ailment):
        return _("Another release found this; this one does not know it.")
    return str(SENTENCES[Ailment(code)]) % shown(params)


def proof(evidence: Mapping[str, Any]) -> str:
    """What showed that it is over: heard at 20:38:31."""
    return ", ".join(str(PROOFS[name]) % proven(value) for name, value in evidence.items() if name in PROOFS)


def proven(value: Any) -> dict[str, str]:
    if isinstance(value, int | float):
        return {"value": grouped(value), "age": age(value)}
    return {"value": clock(datetime.fromisoformat(value)) if "T" in value else value}


def action(name: str) -> str:
    return str(ACTIONS[Action(name)]) if name in set(Action) else _("No remedy yet")


def shown(params: Mapping[str, Any]) -> dict[str, str]:
    """The measured values as they are written; names ending in `_age` are times."""
    told = {name: grouped(value) if isinstance(value, int | float) else str(value) for name, value in params.items()}
    for name, of in (("age", "seconds"), ("every_age", "every"), ("limit_age", "limit")):
        if isinstance(params.get(of), int | float):
            told[name] = age(params[of])
    if "kind" in params:
        told["what_kind"] = str(KINDS.get(str(params["kind"]), params["kind"]))
    if "what" in params:
        told["what"] = money_words.trouble(str(params["what"]), params.get("failed"))
    if "reason" in params:
        told["why"] = say(str(params["reason"]), params)
    if "until" in params:
        told["until"] = clock(datetime.fromisoformat(str(params["until"])))
    if "symbol" in params:
        told["market"] = market(str(params["symbol"]))
    return told
