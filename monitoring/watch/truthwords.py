"""The truth table in words: why a module is what it is, what waits for it, and what its statuses are called."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.truth import Status

NAMES: dict[Status, Promise] = {
    Status.RUNNING: _("running"),
    Status.IDLE: _("idle"),
    Status.STARTING: _("starting"),
    Status.LATE: _("late"),
    Status.OFF: _("switched off"),
    Status.NEVER_RAN: _("never ran"),
    Status.DOWN: _("down"),
    Status.FAILED: _("not loaded"),
    Status.STUCK: _("stuck"),
    Status.FAILING: _("failing"),
    Status.HALF: _("half working"),
    Status.IDLE_TOO_LONG: _("works on nothing"),
}
WHY: dict[str, Promise] = {
    "works": _("Its newest run examined %(n)s, %(age_s)s ago."),
    "nothing-to-do": _("Nothing to do: %(why)s"),
    "starting": _("Its process began %(age_s)s ago; the first run is on its way."),
    "not-loaded": _("It could not be loaded, so nothing of it runs: %(error)s"),
    "process-silent": _("The process %(process)s, which runs it, has been silent for %(age_s)s."),
    "nobody-calls": _("Nobody calls it: the process %(process)s, which keeps the schedule, is silent for %(age_s)s."),
    "not-back": _("It was called %(age_s)s ago and has not come back; limit %(limit_s)s."),
    "part-broken": _("Its newest run, %(age_s)s ago, left a part undone: %(error)s"),
    "part-failed": _("%(n)s of %(of)s could not be done: %(why)s"),
    "own-tick-uncalled": _("It was due %(n)s times and was never called by its schedule; only by: %(by)s."),
    "no-reason": _("It runs, examines nothing and gives no reason. Last useful work: %(age_s)s ago."),
    "code-differs": _("It runs code %(mine)s; %(than)s runs %(other)s."),
    "config-differs": _("It runs with settings %(mine)s; %(than)s with %(other)s."),
    "undone-votes": _("%(asked)s judgements were due and no model's vote was counted for %(age_s)s."),
    "undone-evaluations": _("%(asked)s signals were judged and none was evaluated here for %(age_s)s."),
    "undone-batches": _("%(asked)s batches were judged and it was not asked about any for %(age_s)s."),
    "undone-candles": _("%(asked)s symbols wait for the newest closed candle, %(age_s)s by now."),
    "undone-bars": _("A closed bar has been waiting to be judged for %(age_s)s."),
    "undone-measures": _("A closed bar has been waiting to be measured for %(age_s)s."),
    "undone-exits": _("%(asked)s open positions wait for their exits to be evaluated, %(age_s)s by now."),
    "undone-trails": _("%(asked)s open positions wait for their stops to be trailed, %(age_s)s by now."),
    "undone-outcomes": _("%(asked)s signals have ended and none was labelled; the oldest waits for %(age_s)s."),
    "undone-incidents": _("%(asked)s incidents are open and nobody has looked for %(age_s)s."),
    "undone-ticks": _("It finds work whenever it runs, and has done none for %(age_s)s."),
    "half-votes": _("%(done)s of %(asked)s judgements have the models' votes."),
    "half-evaluations": _("%(done)s of %(asked)s judged signals were evaluated here."),
    "half-batches": _("It was asked about %(done)s of %(asked)s batches."),
    "half-candles": _("%(done)s of %(asked)s symbols have the newest closed candle."),
    "half-exits": _("%(asked)s open positions, %(done)s evaluations of their exits in a minute."),
    "half-trails": _("%(done)s of %(asked)s open positions have what trailing needs to know."),
    "half-outcomes": _("%(done)s of %(asked)s ended signals are labelled; the oldest waits for %(age_s)s."),
}
DONE: dict[str, Promise] = {
    "votes": _("%(done)s of %(asked)s judgements voted on"),
    "evaluations": _("%(done)s of %(asked)s signals evaluated"),
    "batches": _("asked about %(done)s of %(asked)s batches"),
    "candles": _("%(done)s of %(asked)s symbols have the newest candle"),
    "bars": _("newest bar judged: %(done)s of %(asked)s"),
    "measures": _("newest bar measured: %(done)s of %(asked)s"),
    "exits": _("%(done)s of %(asked)s open positions evaluated"),
    "trails": _("%(done)s of %(asked)s open positions trailed"),
    "outcomes": _("%(done)s of %(asked)s ended signals labelled"),
    "incidents": _("%(done)s of %(asked)s incidents looked at"),
    "ticks": _("work at its newest run: %(done)s of %(asked)s"),
}
