"""Incidents, remedies and levels in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.watch.detectors import Action, Ailment
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
    Ailment.BROKER_SILENT: gettext_lazy("The queue does not answer"),
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
    Ailment.BROKER_SILENT: gettext_lazy("Scheduled work reaches nobody; the stream trades on by itself."),
}  # fmt: skip
ACTIONS: Mapping[Action, Promise] = {
    Action.RESTART_MODULE: gettext_lazy("Run the module again"),
    Action.RESTART_PROCESS: gettext_lazy("Start the process again"),
    Action.BACKFILL_CANDLES: gettext_lazy("Fetch the missing candles"),
    Action.REFRESH_UNIVERSE: gettext_lazy("Refresh the universe"),
    Action.PROTECT_POSITION: gettext_lazy("Look after the position"),
}
PROOFS: Mapping[str, Promise] = {
    "ticked_at": gettext_lazy("ran at %(value)s"),
    "heard_at": gettext_lazy("heard at %(value)s"),
    "beat_at": gettext_lazy("progress at %(value)s"),
    "looked_at": gettext_lazy("gone when looked for at %(value)s"),
    "modules": gettext_lazy("modules that ran: %(value)s"),
    "symbols": gettext_lazy("symbols: %(value)s"),
    "oldest_s": gettext_lazy("oldest candle %(age)s"),
    "newest_s": gettext_lazy("newest candle %(age)s"),
    "ms": gettext_lazy("answered in %(value)s ms"),
    "training": gettext_lazy("no training runs"),
    "expected": gettext_lazy("it is not expected to run any more"),
}
LEVELS: Mapping[Level, Promise] = {
    Level.ALLOW_ALL: gettext_lazy("Entries are allowed"),
    Level.REDUCED: gettext_lazy("Entries at half their size"),
    Level.NO_NEW_TRADES: gettext_lazy("No new trades"),
    Level.DEFENSIVE_EXIT: gettext_lazy("No new trades; look at what is open"),
    Level.EMERGENCY_SHUTDOWN: gettext_lazy("No new trades; a person is needed"),
}


def title(code: str, params: Mapping[str, Any]) -> str:
    return str(TITLES[Ailment(code)]) % shown(params)


def sentence(code: str, params: Mapping[str, Any]) -> str:
    """The measured number first, then the limit."""
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
    if "symbol" in params:
        told["market"] = market(str(params["symbol"]))
    return told
