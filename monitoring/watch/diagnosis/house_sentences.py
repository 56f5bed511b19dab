"""The words of each cause in the models and in the house: title, what was measured, and what to do, in that order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.diagnosis.problem import Cause


@dataclass(frozen=True, slots=True)
class Words:
    title: Promise
    cause: Promise
    steps: tuple[Promise, ...]


RESTART = _("If it stays silent, start the process again.")
LOG = _("Its log and the modules page tell the error.")

MODELS: Mapping[Cause, Words] = {
    Cause.NO_MODEL: Words(
        _("No model may vote"),
        _("Nothing can be judged. Models in quarantine: %(quarantined)s. %(idle_words)s"),
        (_("Start a training."),),
    ),
    Cause.TRAINING_FAILED: Words(
        _("The newest training failed"),
        _("%(age)s ago: %(error)s. Older models that still vote: %(voting)s."),
        (_("Remove what the error names, then train again."),),
    ),
    Cause.MODELS_EXCLUDED: Words(
        _("%(kind)s does not vote"),
        _("%(why)s. %(voting)s of %(of)s models vote; nothing takes the place of the missing one."),
        (_("Put right what is missing, or train anew."),),
    ),
    Cause.FEATURES_MISMATCHED: Words(
        _("%(kind)s was trained on other features"),
        _("%(why)s. %(voting)s of %(of)s models vote."),
        (_("Train anew: a model only fits the features it learned from."),),
    ),
    Cause.OVERCONFIDENT: Words(
        _("The models promise too much"),
        _("Promised and true differ by %(value)s on %(n)s signals, limit %(limit)s."),
        (_("Look at the calibration curve, then train anew."),),
    ),
    Cause.FEW_VOTERS: Words(
        _("Too few models vote"),
        _("On the newest %(n)s signals %(value)s of %(of)s models voted in the mean; at least %(limit)s are expected."),
        (_("Open the models page: each one that does not vote says why."),),
    ),
    Cause.TOO_LITTLE_HISTORY: Words(
        _("Too few candles to judge by"),
        _("%(n)s of %(of)s symbols (%(share)s) of the newest bar have too little history."),
        (_("Wait for more candles, or fetch the missing ones."),),
    ),
    Cause.NOTHING_TO_LEARN: Words(
        _("There is nothing to learn from"),
        _("%(n)s of %(of)s signals whose time is over have an outcome (%(share)s), limit %(limit_share)s."),
        (_("Ring for the retraining orchestrator; look for gaps in the candles."),),
    ),
    Cause.CANDLES_STALE: Words(
        _("Candles are old"),
        _("%(n)s of %(of)s symbols; %(market)s is %(age)s old, limit %(limit_time)s. Exits go on."),
        (_("Fetch the missing candles."), _("Check the stream and the exchange's answers.")),
    ),
    Cause.ONE_SIDED: Words(
        _("Trades lean to one side"),
        _("%(share)s of %(of)s trades are %(side)s, limit %(limit_share)s."),
        (_("Compare with the supervisor's look at the signals' balance."),),
    ),
    Cause.UNIVERSE_EMPTY: Words(
        _("The universe is empty"),
        _("The newest snapshot, %(age)s old, lets no symbol in."),
        (_("Refresh the universe; each symbol says why it is out."),),
    ),
}

OPERATIONS: Mapping[Cause, Words] = {
    Cause.PROCESS_DOWN: Words(
        _("The process %(process)s is silent"),
        _("Nothing was heard of it for %(age)s. Modules that hang on it: %(modules)s."),
        (_("See that it runs and start it again."), LOG),
    ),
    Cause.MODULE_BROKEN: Words(
        _("%(name)s could not be loaded"),
        _("The process %(process)s went on without it: %(error)s"),
        (_("Put right what the error names and start again."),),
    ),
    Cause.MODULE_NEVER_CALLED: Words(
        _("%(name)s was never called"),
        _("It is wired and due every %(every)s, and nobody has called it."),
        (_("Ring for it once; then look at its schedule."),),
    ),
    Cause.MODULE_DOWN: Words(
        _("%(name)s does not run"),
        _("Silent for %(age)s; it is due every %(every)s."),
        (_("Ring for it."), RESTART),
    ),
    Cause.MODULE_FAILS: Words(
        _("%(name)s fails"),
        _("Its newest error: %(error)s. %(often)s"),
        (LOG, _("Ring for it once the cause is gone.")),
    ),
    Cause.WORKS_ON_NOTHING: Words(
        _("%(name)s runs and does nothing"),
        _("It ticks and does not see what there is; last examined: %(examined)s. %(idle_words)s"),
        (_("Ring for it and see what it examines."), LOG),
    ),
    Cause.SCHEDULE_OFF: Words(
        _("The schedule of %(name)s is off"),
        _("Somebody switched it off; nothing calls it in time."),
        (_("Switch its schedule on again, or leave a note why not."),),
    ),
    Cause.STREAM_SILENT: Words(
        _("The exchange's stream is silent"),
        _("The process runs, and nothing was heard for %(age)s, limit %(limit_time)s."),
        (_("Check the network to the exchange."), RESTART),
    ),
    Cause.CRASH_LOOP: Words(
        _("A process dies again and again: %(process)s"),
        _("Started again within the hour: %(n)s, limit %(limit)s. %(given_up)s"),
        (LOG, _("Remove the cause before it is started once more.")),
    ),
    Cause.ROWS_OF_ANOTHER_MODE: Words(
        _("Rows of another mode among ours"),
        _("%(n)s rows (%(what)s) carry the mode %(other)s; this house is in mode %(mode)s."),
        (_("Halt entries."), _("Find out who wrote them: two programs must never share a database.")),
    ),
    Cause.LOSS_CONCENTRATED: Words(
        _("%(market)s makes most of the losses"),
        _("%(n)s of %(of)s trades, %(loss)s USDT, %(share)s of all losses, limit %(limit_share)s."),
        (_("Look at its trades; leave the symbol out if it does not fit."),),
    ),
    Cause.ORDERS_PAST_A_GATE: Words(
        _("Orders left although a gate said no"),
        _("Without every gate's yes: %(slipped)s; while the switch was off: %(switch)s."),
        (_("Halt entries."), _("Report this with the decision's page.")),
    ),
    Cause.LIMITS_LOOSENED: Words(
        _("%(setting)s was loosened"),
        _("From %(first)s to %(value)s by %(by)s, %(age)s ago: %(reason)s. Loosened %(steps)s times within 30 days."),
        (_("Check whether it treats a cause or a symptom; tighten it again."),),
    ),
}
