"""Incidents, remedies and levels in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from monitoring.watch.detectors import Action, Ailment
from monitoring.watch.words import age, clock, grouped, market
from trading.gates.directives import Level

TITLES: Mapping[Ailment, Promise] = {
    Ailment.MODULE_SILENT: lazy("%(module)s does not run"),
    Ailment.MODULE_FAILING: lazy("%(module)s fails"),
    Ailment.PROCESS_SILENT: lazy("The process %(process)s is silent"),
    Ailment.STREAM_SILENT: lazy("The exchange's stream is silent"),
    Ailment.FEED_STALE: lazy("All candles are old"),
    Ailment.SYMBOLS_STALE: lazy("Some symbols' candles are old"),
    Ailment.TRAINING_STUCK: lazy("The training is stuck"),
    Ailment.UNPROTECTED: lazy("%(market)s has no stop"),
    Ailment.ORDER_UNKNOWN: lazy("An order on %(market)s has no known outcome"),
    Ailment.DATABASE_SLOW: lazy("The database is slow"),
    Ailment.BROKER_SILENT: lazy("The queue does not answer"),
}
SENTENCES: Mapping[Ailment, Promise] = {
    Ailment.MODULE_SILENT: lazy("Silent for %(age)s; it is due every %(every_age)s."),
    Ailment.MODULE_FAILING: lazy("Its newest run ended in an error: %(error)s"),
    Ailment.PROCESS_SILENT: lazy("Nothing of it has been heard for %(age)s."),
    Ailment.STREAM_SILENT: lazy("%(age)s without a word, limit %(limit_age)s. Prices come every second."),
    Ailment.FEED_STALE: lazy("%(age)s old on %(market)s, limit %(limit_age)s; all %(of)s symbols are late."),
    Ailment.SYMBOLS_STALE: lazy("%(symbols)s of %(of)s are late; %(market)s is %(age)s old, limit %(limit_age)s."),
    Ailment.TRAINING_STUCK: lazy("Without progress for %(age)s, limit %(limit_age)s."),
    Ailment.UNPROTECTED: lazy("No stop at the exchange for %(age)s, limit %(limit_age)s."),
    Ailment.ORDER_UNKNOWN: lazy("Not known for %(age)s, limit %(limit_age)s. The exchange is asked again."),
    Ailment.DATABASE_SLOW: lazy("%(ms)s ms for one question, limit %(limit_ms)s ms."),
    Ailment.BROKER_SILENT: lazy("Scheduled work reaches nobody; the stream trades on by itself."),
}  # fmt: skip
ACTIONS: Mapping[Action, Promise] = {
    Action.RESTART_MODULE: lazy("Run the module again"),
    Action.RESTART_PROCESS: lazy("Start the process again"),
    Action.BACKFILL_CANDLES: lazy("Fetch the missing candles"),
    Action.REFRESH_UNIVERSE: lazy("Refresh the universe"),
    Action.PROTECT_POSITION: lazy("Look after the position"),
}
PROOFS: Mapping[str, Promise] = {
    "ticked_at": lazy("ran at %(value)s"),
    "heard_at": lazy("heard at %(value)s"),
    "beat_at": lazy("progress at %(value)s"),
    "looked_at": lazy("gone when looked for at %(value)s"),
    "modules": lazy("modules that ran: %(value)s"),
    "symbols": lazy("symbols: %(value)s"),
    "oldest_s": lazy("oldest candle %(age)s"),
    "newest_s": lazy("newest candle %(age)s"),
    "ms": lazy("answered in %(value)s ms"),
    "training": lazy("no training runs"),
    "expected": lazy("it is not expected to run any more"),
}
LEVELS: Mapping[Level, Promise] = {
    Level.ALLOW_ALL: lazy("Entries are allowed"),
    Level.REDUCED: lazy("Entries at half their size"),
    Level.NO_NEW_TRADES: lazy("No new trades"),
    Level.DEFENSIVE_EXIT: lazy("No new trades; look at what is open"),
    Level.EMERGENCY_SHUTDOWN: lazy("No new trades; a person is needed"),
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
