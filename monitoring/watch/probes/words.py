"""What probes ask, say and advise, in the reader's language. Answers are code and numbers; this writes them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from monitoring.watch import truthwords
from monitoring.watch.names import word
from monitoring.watch.retold import retold
from monitoring.watch.words import NBSP, age, grouped, market, plain

Sentence = Promise | Callable[[Mapping[str, Any]], str]

QUESTIONS: dict[str, Promise] = {
    "alive": _("Does it tick?"),
    "punctual": _("Does it tick in time?"),
    "steady": _("Did its last tick end well?"),
    "executor.judges": _("Is each closed bar judged?"),
    "executor.trades": _("Do signals become orders?"),
    "executor.accounts": _("Has every signal its decision?"),
    "executor.answered": _("Is every order's outcome known?"),
    "policy.measured": _("Was the policy measured on a recent bar?"),
    "policy.in_force": _("Is a policy in force?"),
    "position_monitor.protected": _("Has every position its stop at the exchange?"),
    "position_monitor.verified": _("Did the exchange show the stops lately?"),
    "position_monitor.exits": _("Can every position be left?"),
    "position_monitor.no_gap": _("Was every position protected in time?"),
    "trailing.sees_all": _("Does it look at every open position?"),
    "trailing.follows": _("Do stops follow prices that win?"),
    "trailing.priced": _("Are the mark prices fresh?"),
    "risk_guard.asked": _("Is it asked about every signal?"),
    "risk_guard.unanimous": _("Has every order passed every gate?"),
    "risk_guard.within": _("Are there no more positions than slots?"),
    "models.voting": _("Do all models vote?"),
    "models.intact": _("Is no model in quarantine?"),
    "models.skilled": _("Do they know more than the base rate?"),
    "models.calibrated": _("Does what they promise come true?"),
    "model_supervisor.looks": _("Does it look at the models?"),
    "model_supervisor.unbiased": _("Do signals lean to neither side?"),
    "portfolio_balancer.called": _("Is it asked about the portfolio?"),
    "portfolio_balancer.balanced": _("Is the portfolio within its limits?"),
    "retraining_orchestrator.ended_well": _("Did the last training end well?"),
    "retraining_orchestrator.young": _("Are the models young enough?"),
    "data_feed.streams": _("Does the stream bring the candles?"),
    "data_feed.flows": _("Do prices keep coming?"),
    "data_feed.fresh": _("Is every symbol's candle fresh?"),
    "data_feed.complete": _("Was hardly a symbol left out for want of data?"),
    "data_feed.believable": _("Could every candle be believed?"),
    "data_feed.whole": _("Is no candle missing?"),
    "database_validator.schema": _("Are tables, columns, constraints, indexes and migrations as the program expects?"),
    "database_validator.writes": _("Can it write, read and roll back?"),
    "database_validator.keeps": _("Is it ours, sound, and does it keep what was committed?"),
    "database_validator.quick": _("Is it quick?"),
    "database_validator.one_mode": _("Are all rows of this mode?"),
    "universe.snapshot": _("Is the list of symbols recent?"),
    "universe.tradable": _("Is there anything to trade?"),
    "universe.covered": _("Has every symbol candles?"),
    "exchange.account": _("Did the exchange show the account lately?"),
    "exchange.pings": _("Does it answer anybody?"),
    "exchange.clock": _("Do the clocks agree?"),
    "exchange.prompt": _("Does it answer quickly?"),
    "exchange.takes_orders": _("Does it take our orders?"),
    "exchange.ours_alone": _("Are all positions there ours?"),
    "self_healing.calm": _("Is no critical incident open?"),
    "self_healing.helps": _("Do remedies help?"),
    "self_healing.rings": _("Is what is enqueued run?"),
    "self_healing.slots": _("Are the schedules kept?"),
    "logging.written": _("Can every process write its log?"),
    "logging.recent": _("Does every process write its log?"),
    "logging.memory": _("Is there memory left?"),
    "logging.bounded": _("Are the logs kept small?"),
    "logging.room": _("Is there disk left?"),
    "logging.quiet": _("Are there few errors?"),
}

FIXES: dict[str, Promise] = {
    "alive": _("See that the worker and beat run (make run); the worker's log says why it ended."),
    "punctual": _("See that its schedule is on in the admin, and that its queue is not behind."),
    "steady": _("Read the error, and the worker's log around that time; run the module by hand when it is mended."),
    "executor.judges": _("Look at Data Feed and AI Models first: without candles and models no bar is judged."),
    "executor.trades": _("Open the decisions with this code: each names its number, its limit and its setting."),
    "executor.accounts": _("Report this: every signal gets its decision in the same transaction."),
    "executor.answered": _("The exchange is asked again by itself; open the orders to see how far it is."),
    "policy.measured": _("Look at Data Feed: the policy needs the newest bar of enough symbols."),
    "policy.in_force": _("It comes with the first bar for which indicators can be computed."),
    "position_monitor.protected": _("Close the position, or see in the orders why its stop was refused."),
    "position_monitor.verified": _("Run the Position Monitor; if it stays, the exchange's order list can't be read."),
    "position_monitor.exits": _("Open the position and close it; if that fails, close it at the exchange."),
    "position_monitor.no_gap": _("Open the position: it says when its stop was placed, and what delayed it."),
    "trailing.sees_all": _("Run the Trailing Stop Manager by hand and read what it says."),
    "trailing.follows": _("Run the Trailing Stop Manager by hand and read what it says."),
    "trailing.priced": _("See that the stream runs: marks come every few seconds."),
    "risk_guard.asked": _("See that the executor's cycle ends: it asks the guard at every bar."),
    "risk_guard.unanimous": _("Halt entries and report this: no order may pass a gate that said no."),
    "risk_guard.within": _("Close a position, or see who raised or lowered QT_MAX_POSITIONS."),
    "models.voting": _("Start a training on the models' page."),
    "models.intact": _("Read the model's alarm on the models' page; train anew."),
    "models.skilled": _("Train on more history; until then the expected value gate keeps entries few."),
    "models.calibrated": _("Wait for more outcomes, or train anew where the supervisor advises it."),
    "model_supervisor.looks": _("See that the worker runs; run the supervisor by hand."),
    "model_supervisor.unbiased": _("Read the supervisor's advice on the models' page. QT_BIAS_THRESHOLD is the limit."),
    "portfolio_balancer.called": _("See that the worker runs; run the balancer by hand."),
    "portfolio_balancer.balanced": _("Read the proposed trims on the positions' page; accept or dismiss them."),
    "retraining_orchestrator.ended_well": _("Read the run's error on the models' page; start another one."),
    "retraining_orchestrator.young": _("Start a training on the models' page."),
    "data_feed.streams": _("See that the stream process runs; its log says why it does not."),
    "data_feed.flows": _("See the stream's log: the exchange sends less than a price in five seconds."),
    "data_feed.fresh": _("See that the stream runs and that the exchange answers; refresh the universe."),
    "data_feed.complete": _("See which symbols lack candles on the universe's page."),
    "data_feed.believable": _("Look at what the exchange sends for these symbols; nothing is decided on them."),
    "data_feed.whole": _("Wait: they are asked for at every bar; the universe's page lists them."),
    "database_validator.schema": _("Run manage.py migrate; if it stays, restore the database from its backup."),
    "database_validator.writes": _("See that the disk has room and that the database can be written to."),
    "database_validator.keeps": _("Read which check failed: start Quantum by make run, or restore the last backup."),
    "database_validator.one_mode": _(
        "Halt entries: find who wrote the rows; each mode belongs in a database of its own."
    ),
    "database_validator.quick": _("See what else uses the disk or the database server."),
    "universe.snapshot": _("Refresh the universe; if it fails, see what the exchange answers."),
    "universe.tradable": _("Check QT_SYMBOLS: it may name nothing that the exchange trades."),
    "universe.covered": _("Wait for their history; a symbol that stays without candles belongs out of QT_SYMBOLS."),
    "exchange.account": _("Check the address, the keys and this machine's clock."),
    "exchange.pings": _("See that this machine reaches the exchange's address."),
    "exchange.clock": _("Set this machine's clock (chrony, systemd-timesyncd); entries stop from 2 s on."),
    "exchange.prompt": _("See whether the exchange or the line to it is slow."),
    "exchange.takes_orders": _("Open the refused orders: the exchange's own words are with them."),
    "exchange.ours_alone": _("Close it at the exchange, or leave it: it takes a slot and counts in the exposure."),
    "self_healing.calm": _("Open the incident: it names the fault, the remedy and what is missing."),
    "self_healing.helps": _("Open the incident and do by hand what the remedies could not."),
    "self_healing.rings": _("See that the broker and the workers run; the queue that is named is not served."),
    "self_healing.slots": _("See that beat runs and that the workers keep up; their logs name what is slow."),
    "logging.written": _("Give the log folder back to the user who runs Quantum."),
    "logging.recent": _("Start Quantum anew by make run: a process writes to a file that is no longer there."),
    "logging.memory": _("End other programs on this machine, or give it more memory."),
    "logging.bounded": _("Start Quantum by make run: it keeps logs small; or rotate them yourself."),
    "logging.room": _("Free some disk: without it nothing can be stored."),
    "logging.quiet": _("Read the log that is named: the same error is probably told again and again."),
}

SENTENCES: dict[str, Sentence] = {
    **truthwords.WHY,
    "expired": _("Last known %(age_s)s ago; that counts for %(limit_s)s."),
    # every module
    "not-registered": _("Expected here, but nobody has registered it."),
    "never-called": _("Built, and never called; it should tick every %(every_s)s."),
    "silent": _("Silent for %(age_s)s; it should tick every %(every_s)s."),
    "ticks": _("Ticked %(age_s)s ago; every %(every_s)s."),
    "no-tick-yet": _("It has not ticked yet."),
    "schedule-off": _("Its schedule is switched off in the admin."),
    "late": _("Late: ticked %(age_s)s ago; every %(every_s)s."),
    "in-time": _("Ticked %(age_s)s ago; every %(every_s)s."),
    "tick-failed": _("Its tick failed %(age_s)s ago: %(error)s"),
    "no-error": _("Its last tick ended well."),
    # executor
    "training": _("Models are training: %(stage)s. The last closed bar is judged right after."),
    "no-bar": _("No bar was judged yet."),
    "bar-late": _("The newest closed bar was not judged for %(age_s)s; limit %(limit_s)s."),
    "nothing-evaluated": _("No symbol of the newest bar could be evaluated: %(code)s, %(n)s times."),
    "bar-judged": lambda p: ngettext(
        "The bar that closed %(age_s)s ago is judged, %(evaluated)s symbol evaluated.",
        "The bar that closed %(age_s)s ago is judged, %(evaluated)s symbols evaluated.",
        p["evaluated"],
    ),
    "no-signals": _("No signal among %(evaluated)s judgements in %(window_s)s: nothing reached break-even."),
    "orders": lambda p: ngettext(
        "%(signals)s signal, %(orders)s of them with an order.",
        "%(signals)s signals, %(orders)s of them with an order.",
        p["signals"],
    ),
    "stopped": _("On purpose: %(by)s switched to %(state)s (%(reason)s). Costs nothing."),
    "execution-off": _("On purpose: execution is off. Costs nothing."),
    "meant": _("%(n)s of %(signals)s signals were rejected by %(code)s, which is meant. Costs nothing."),
    "young": lambda p: ngettext(
        "%(signals)s signal and no order yet for %(age_s)s; limit %(limit_s)s.",
        "%(signals)s signals and no order yet for %(age_s)s; limit %(limit_s)s.",
        p["signals"],
    ),
    "idle": lambda p: ngettext(
        "%(signals)s signal and no executed order for %(idle_s)s; limit %(limit_s)s. %(n)s by %(code)s.",
        "%(signals)s signals and no executed order for %(idle_s)s; limit %(limit_s)s. %(n)s by %(code)s.",
        p["signals"],
    ),
    "pending": _("%(signals)s orders are on their way."),
    "undecided": lambda p: ngettext("%(n)s signal without a decision.", "%(n)s signals without a decision.", p["n"]),
    "all-decided": _("Every signal has its decision; %(signals)s in the window."),
    "orders-unknown": lambda p: ngettext(
        "The outcome of %(n)s order is unknown for %(age_s)s; limit %(limit_s)s.",
        "The outcome of %(n)s orders is unknown, the oldest for %(age_s)s; limit %(limit_s)s.",
        p["n"],
    ),
    "orders-known": _("No order's outcome is unknown for long; %(n)s on their way."),
    # policy
    "policy-never": _("The market has not been measured yet."),
    "policy-old": _("Policy %(version)s was measured %(age_s)s ago; limit %(limit_s)s."),
    "policy-fresh": _("Policy %(version)s was measured %(age_s)s ago."),
    "policy-in-force": _("Policy %(version)s has been in force for %(age_s)s."),
    # positions
    "naked": lambda p: ngettext(
        "%(symbol)s has had no stop at the exchange for %(age_s)s; limit %(limit_s)s.",
        "%(n)s positions without a stop at the exchange, %(symbol)s for %(age_s)s; limit %(limit_s)s.",
        p["n"],
    ),
    "protecting": _("%(n)s just opened, its stop is on the way; limit %(limit_s)s."),
    "protected": lambda p: ngettext("%(n)s open position, protected.", "%(n)s open positions, all protected.", p["n"]),
    "stop-unseen": _("Stop of %(symbol)s verified %(age_s)s ago; limit %(limit_s)s."),
    "stops-seen": _("The stops of %(n)s positions were verified within %(limit_s)s."),
    "stop-wrong-side": _("The stop of %(symbol)s at %(value)s lies where it wins; it was entered at %(entry)s."),
    "no-stop-distance": _("The stop distance of %(symbol)s is %(value)s: nothing that is counted in R can work."),
    "close-fails": _("A close of %(symbol)s was asked for %(age_s)s ago, and it is still open. %(error)s"),
    "stop-passed": _("The market went through the stop of %(symbol)s %(age_s)s ago; limit %(limit_s)s."),
    "not-looked-at": _("Nobody has looked at %(symbol)s for %(age_s)s; limit %(limit_s)s."),
    "overdue": _("%(symbol)s should have been closed %(age_s)s ago; limit %(limit_s)s."),
    "exits-open": lambda p: ngettext(
        "%(n)s position, nothing in the way of closing it.",
        "%(n)s positions, nothing in the way of closing them.",
        p["n"],
    ),
    "trails-behind": _("The stop of %(symbol)s lies %(value)s R behind where it belongs; limit %(limit)s R."),
    "trails": _("The stops of %(n)s positions are where they belong."),
    "gap": _("A position was without a stop for %(seconds_s)s; limit %(limit_s)s."),
    "no-gap": _("The longest time without a stop today was %(seconds_s)s; limit %(limit_s)s."),
    "no-positions": _("Nothing is open."),
    "works-on-nothing": _("%(n)s positions are open and it looked at none of them lately; it says: %(idle)s."),
    "looked-at": _("It looked at %(n)s positions; %(of)s are open."),
    "mark-old": _("The mark price of %(symbol)s is %(age_s)s old; limit %(limit_s)s."),
    "marks-fresh": _("The marks of %(n)s positions are fresh."),
    # risk guard
    "nothing-to-ask": _("No signal to be asked about in %(window_s)s."),
    "not-asked": _("The newest of %(signals)s decisions is %(age_s)s old, and it has not been asked since."),
    "asked": _("Asked about %(signals)s signals."),
    "slipped": lambda p: ngettext(
        "%(n)s order left without every gate's yes.", "%(n)s orders left without every gate's yes.", p["n"]
    ),
    "left-after-stop": lambda p: ngettext(
        "%(n)s entry left after %(by)s switched to %(state)s.",
        "%(n)s entries left after %(by)s switched to %(state)s.",
        p["n"],
    ),
    "leverage-over": _("%(symbol)s has leverage %(value)s; %(setting)s allows %(limit)s."),
    "exposure-over": _("All positions are %(value)s times the equity; %(setting)s allows %(limit)s."),
    "none-slipped": _("%(n)s orders of the window, each with every gate's yes."),
    "too-many": _("%(n)s positions; %(setting)s allows %(limit)s."),
    "slots": _("%(n)s positions; %(setting)s allows %(limit)s."),
    # models
    "no-model": _("No model has been trained for this market yet."),
    "all-vote": _("%(n)s of %(of)s models vote."),
    "few-vote": _("%(n)s of %(of)s models vote: %(kinds)s."),
    "quarantined": _("%(kind)s is in quarantine: %(why)s"),
    "alarmed": _("%(kind)s votes, and raised an alarm: %(why)s"),
    "none-quarantined": _("None of %(n)s models is in quarantine."),
    "skill-unmeasured": _("What they know was not measured on data they have not seen."),
    "skilled": _("Log loss %(value)s on %(n)s unseen cases; the base rate alone has %(base)s."),
    "unskilled": _("Log loss %(value)s on %(n)s unseen cases; the base rate alone has %(base)s."),
    "not-supervised": _("The Model Supervisor has not looked yet."),
    "calibration-unmeasured": _("Calibration not measured: %(n)s independent outcomes so far, needs %(wanted)s."),
    "calibration-good": _("They promised %(value)s more than came, on %(n)s labels; at most %(limit)s."),
    "calibration-bad": _("They promised %(value)s more than came, on %(n)s labels; at most %(limit)s."),
    "bias-unmeasured": _("Bias not measured: %(n)s independent stretches of signals so far, needs %(wanted)s."),
    "bias-good": _("%(value)s of %(n)s judgements lean %(side)s; limit %(limit)s."),
    "bias-bad": _("%(value)s of %(n)s judgements lean %(side)s; limit %(limit)s."),
    "look-old": _("It last looked %(age_s)s ago; limit %(limit_s)s."),
    "look-fresh": _("It looked %(age_s)s ago; limit %(limit_s)s."),
    "never-looked": _("It has not looked at the portfolio yet."),
    "batch-unseen": _("Orders were let through %(age_s)s ago, and it has not looked since."),
    "trims": lambda p: ngettext(
        "%(n)s trim proposed: %(symbol)s, %(why)s.", "%(n)s trims proposed, first %(symbol)s: %(why)s.", p["n"]
    ),
    "no-trims": _("%(n)s open positions, none to be trimmed."),
    "never-trained": _("No training has run yet, so none can be judged."),
    "training-failed": _("The last training failed %(age_s)s ago: %(error)s"),
    "training-done": _("The last training ended %(age_s)s ago."),
    "models-old": _("%(kind)s was trained %(age_s)s ago; limit %(limit_s)s."),
    "models-young": _("The oldest, %(kind)s, was trained %(age_s)s ago; limit %(limit_s)s."),
    # data
    "streaming": _("The stream heard the exchange %(age_s)s ago; limit %(limit_s)s."),
    "rest-instead": _(
        "The stream has heard nothing for %(age_s)s, limit %(limit_s)s; candles are fetched in its place."
    ),
    "stream-flows": _("%(rate)s messages a second; at least %(limit)s."),
    "stream-thin": _("%(rate)s messages a second, the last %(age_s)s ago; at least %(limit)s."),
    "no-universe": _("No list of symbols yet."),
    "no-candle": _("No candle is stored yet."),
    "candles-old": lambda p: ngettext(
        "%(n)s of %(of)s symbols has an old candle, %(symbol)s: %(age_s)s; limit %(limit_s)s.",
        "%(n)s of %(of)s symbols have old candles, %(symbol)s the oldest: %(age_s)s; limit %(limit_s)s.",
        p["n"],
    ),
    "candles-fresh": _("%(of)s symbols; the oldest candle, of %(symbol)s, is %(age_s)s old; limit %(limit_s)s."),
    "bars-missing": _("%(n)s of %(of)s symbol-bars were not evaluated for want of data."),
    "bars-there": _("%(n)s of %(of)s symbol-bars were not evaluated for want of data."),
    "candles-refused": _("%(n)s candles of the last hour were put aside, %(most)s of them: %(kind)s."),
    "gaps-open": lambda p: ngettext(
        "%(n)s gap, in %(symbols)s symbols; nothing is decided on features over it.",
        "%(n)s gaps, in %(symbols)s symbols; nothing is decided on features over them.",
        p["n"],
    ),
    "no-gaps": _("No candle is missing."),
    "clock-unmeasured": _("The clock was not measured in the last minute."),
    "clock-off": _("%(off_ms)s apart; limit %(limit_ms)s."),
    "clock-right": _("%(off_ms)s apart; limit %(limit_ms)s."),
    "candles-believed": _("No candle of the last hour was put aside."),
    # database
    "never-validated": _("The validator has not looked at the database yet."),
    "database-holds": _("%(n)s checks hold."),
    "database-slow": _("Write, read and roll back took %(value_ms)s; limit %(limit_ms)s."),
    "database-quick": _("Write, read and roll back took %(value_ms)s; limit %(limit_ms)s."),
    "one-mode": _("All rows are of this mode."),
    "rows-of-another-mode": _("%(n)s rows of another mode, most of them %(what)s: %(most)s."),
    "table-missing": _("Tables are missing: %(tables)s."),
    "tables-there": _("All %(n)s tables are there."),
    "column-missing": _("Columns are missing: %(columns)s."),
    "column-strange": _("Columns that the program does not know: %(columns)s."),
    "columns-there": _("All %(n)s columns are there."),
    "type-wrong": _("Columns of another type than the program expects: %(columns)s."),
    "types-right": _("All %(n)s columns have the right type."),
    "constraint-missing": _("Rules that the database should keep are missing: %(constraints)s."),
    "constraints-there": _("All %(n)s constraints are there."),
    "index-missing": _("Indexes are missing: %(indexes)s."),
    "indexes-there": _("All %(n)s indexes are there."),
    "migration-missing": _("Migrations are not applied: %(migrations)s."),
    "migration-newer": _("The database knows migrations that this program does not: %(migrations)s."),
    "migrations-there": _("All %(n)s migrations are applied."),
    "write-failed": _("Writing failed: %(error)s"),
    "written": _("A row was written."),
    "read-failed": _("What was written could not be read back: %(error)s"),
    "read": _("It was read back as it was written."),
    "rollback-failed": _("Rolling back left %(n)s rows behind."),
    "rolled-back": _("Rolling back left nothing behind."),
    "room": _("A file of %(size_mb)s found room beside the database."),
    "room-of-server": _("The room on its disk is the server's to tell; the finding itself was committed."),
    "durable": _("Journal mode %(journal)s, synchronous %(synchronous)s."),
    "not-durable": _("Journal mode %(journal)s, synchronous %(synchronous)s: a power cut may lose commits."),
    "server": _("Synchronous commit is %(synchronous)s; %(standby)s standbys."),
    "check-refused": _("The database refused to tell: %(error)s"),
    "references-kept": _("The database refuses rows that point to nothing."),
    "references-loose": _("The database takes rows that point to nothing: foreign keys are off."),
    "pages-sound": _("Every page of the database is sound."),
    "pages-partly": _("No damage in what could be read of the database in %(limit_s)s."),
    "pages-broken": _("The database is damaged: %(error)s"),
    "checksums-good": _("No page of the database failed its checksum."),
    "checksums-off": _("The server keeps no checksums of its pages; none was reported broken."),
    "checksums-bad": _("%(n)s pages of the database failed their checksum."),
    "database-ours": _("It is the database of %(mode)s at %(venue)s."),
    "database-unstamped": _("It bears no other mode's stamp, nor ours: it was not prepared by make run."),
    "database-of-another": _("It is the database of %(mode)s at %(venue)s, and not ours."),
    "database-moved": _("The file %(path)s is not the one that is open: it was moved, deleted or replaced."),
    "server-standby": _("This server is a standby: it can't be written to."),
    # universe and exchange
    "universe-old": _("Snapshot %(age_s)s old; limit %(limit_s)s."),
    "universe-fresh": _("Snapshot of %(n)s symbols, %(age_s)s old; limit %(limit_s)s."),
    "tradable": _("%(n)s symbols may be traded."),
    "nothing-tradable": _("No symbol may be traded."),
    "symbols-unmeasured": lambda p: ngettext(
        "%(n)s symbol without a candle: %(symbols)s.", "%(n)s symbols without a candle: %(symbols)s.", p["n"]
    ),
    "all-have-candles": _("All %(n)s symbols have candles."),
    "no-account": _("The exchange has not shown the account yet."),
    "latency-unmeasured": _("How long it takes to answer was not measured."),
    "no-ping": _("It has not told its time yet."),
    "ping-old": _("What needs no key was last answered %(age_s)s ago; limit %(limit_s)s."),
    "pings": _("It told its time %(age_s)s ago, in %(value_ms)s."),
    "account-old": _("The account was last shown %(age_s)s ago; limit %(limit_s)s."),
    "account-fresh": _("The account was shown %(age_s)s ago; limit %(limit_s)s."),
    "exchange-slow": _("It took %(value_ms)s to answer; limit %(limit_ms)s."),
    "exchange-prompt": _("It took %(value_ms)s to answer; limit %(limit_ms)s."),
    "orders-refused": _("It refused %(n)s of %(of)s orders."),
    "orders-taken": _("It refused %(n)s of %(of)s orders."),
    "entries-fruitless": _("%(n)s of %(of)s entries were refused, never arrived or expired."),
    "no-orders": _("No order was sent in %(window_s)s."),
    "foreign": _("%(n)s positions there are not ours, such as %(symbol)s."),
    "ghost": _("We keep a position in %(symbol)s that it has not shown for %(age_s)s."),
    "none-foreign": _("All positions there are ours."),
    # healing and logs
    "critical-open": lambda p: ngettext(
        "%(n)s critical incident is open, %(key)s for %(age_s)s.",
        "%(n)s critical incidents are open, %(key)s for %(age_s)s.",
        p["n"],
    ),
    "none-critical": _("%(n)s incidents are open, none of them critical."),
    "helpless": _("Remedies for %(key)s failed %(n)s times."),
    "without-remedy": _("%(key)s needs a person: there is no remedy to try."),
    "remedies-help": _("%(n)s incidents are open, none beyond help."),
    "no-bell": _("No task has been run yet to see whether tasks run."),
    "bell-never": _("No task of the queue %(queue)s was ever run, and one is enqueued every few seconds."),
    "bell-silent": _("No task of the queue %(queue)s was run for %(age_s)s; limit %(limit_s)s."),
    "bell-slow": _("A task of the queue %(queue)s was run %(value_ms)s after it was enqueued; limit %(limit_ms)s."),
    "bells-ring": _("Tasks of %(n)s queues were run, the slowest in %(value_ms)s."),
    "no-slots": _("No call was due yet."),
    "slots-lost": _("Of %(of)s calls that were due in the last hour, %(n)s were made."),
    "slots-kept": _("Of %(of)s calls that were due in the last hour, %(n)s were made."),
    "logs-mute": _("Alive, and no line in its log since it began: %(names)s."),
    "logs-recent": _("%(n)s processes have written to their logs since they began."),
    "no-memory": _("Nothing is known of this machine's memory."),
    "memory-short": _("%(free_mb)s of memory left; needs %(limit_mb)s."),
    "memory-room": _("%(free_mb)s of memory left; needs %(limit_mb)s."),
    "no-logs": _("No log files here: the processes write elsewhere, or were not started by make run."),
    "logs-shut": _("Can't be written to: %(names)s."),
    "logs-open": _("%(n)s log files can be written to."),
    "log-large": _("The log of %(name)s has %(size_mb)s; limit %(limit_mb)s."),
    "logs-small": _("The largest log, of %(name)s, has %(size_mb)s; limit %(limit_mb)s."),
    "no-machine": _("Nothing is known of this machine's disk."),
    "disk-short": _("%(free_mb)s of disk left; needs %(limit_mb)s."),
    "disk-room": _("%(free_mb)s of disk left; needs %(limit_mb)s."),
    "errors-many": _("%(n)s errors in the logs of the last hour, most in %(name)s; limit %(limit)s."),
    "errors-unread": _("%(n)s errors in what was read of the last hour; too much was written in it by: %(names)s."),
    "errors-few": _("%(n)s errors in the logs of the last hour; limit %(limit)s."),
}


def say(code: str, params: Mapping[str, Any]) -> str:
    """The sentence of an answer in the language that is active now; a code of another version says its numbers."""
    sentence = SENTENCES.get(code)
    if sentence is None:
        return f"{code}: " + ", ".join(f"{name} {shown(name, value)}" for name, value in params.items())
    written = sentence(params) if callable(sentence) else sentence
    return (str(written) % {name: shown(name, value) for name, value in params.items()}).strip()


def shown(name: str, value: Any) -> str:
    """A number with its unit, by the ending of its name."""
    if value is None:
        return "?"
    if isinstance(value, (list, tuple)):
        return ", ".join(market(str(one)) for one in value)
    if not isinstance(value, (int, float)):
        return market(str(value)) if name == "symbol" else word(str(value)) if name == "state" else retold(str(value))
    if name.endswith("_s"):
        return age(value) if value >= 10 or value == int(value) else f"{grouped(value, 1)}{NBSP}s"
    if name.endswith("_ms"):
        return f"{grouped(value, 0 if value >= 10 else 1)}{NBSP}ms"
    if name.endswith("_mb"):
        return f"{grouped(value / 1000, 1)}{NBSP}GB" if value >= 1000 else f"{grouped(value)}{NBSP}MB"
    return plain(value)


def question(key: str) -> str:
    return str(QUESTIONS.get(key) or QUESTIONS.get(key.split(".")[1]) or key)


def fix(key: str) -> str:
    return str(FIXES.get(key) or FIXES.get(key.split(".")[1]) or "")
