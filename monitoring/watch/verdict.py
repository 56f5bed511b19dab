"""The headline: one sentence that says what is going on, both numbers, the setting, and what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from monitoring.watch.funnel import Funnel, Reason
from monitoring.watch.knobs import Knob
from monitoring.watch.words import NBSP, age, clock, count, grouped, market, window
from trading.codes import MEANINGS, Code

EATEN = 0.9  # of the most that costs can be in R: the stop stands on its floor, the bars are too small
PROTECT_WITHIN = timedelta(seconds=5)  # law 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words. `kind`: "" muted, strong, code, setting, countdown (ticks towards `at` in the browser)."""

    text: str
    kind: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Action:
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Headline:
    """`tone` is ok, warn, fail or unknown; `state` names the case in one word."""

    state: str
    tone: str
    head: tuple[Piece, ...]
    lead: tuple[Piece, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def sentence(self) -> str:
        return "".join(piece.text for piece in self.head)

    @property
    def explanation(self) -> str:
        return "".join(piece.text for piece in self.lead)


@dataclass(frozen=True, slots=True)
class Naked:
    """An open position without a stop at the venue."""

    symbol: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Training:
    stage: str
    ends_at: datetime | None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """The kill switch as it stands; the defaults are those of a switch that nobody has touched."""

    state: str = "active"
    at: datetime | None = None
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the headline rests on."""

    now: datetime
    span: timedelta
    funnel: Funnel
    switch: Switch
    training: Training | None
    champions: int
    candle_at: datetime | None  # close of the newest stored candle
    max_age: timedelta
    naked: tuple[Naked, ...] = ()
    undecided: int = 0  # signals of all time that have no decision
    knob: Knob | None = None  # the dominant reason's setting
    flat_limit: float = 0.0  # the break-even probability below which a symbol is flat
    best: float | None = None  # the highest confidence that any model ensemble had in the span
    cost_r: float | None = None  # what a round trip costs at the newest bar, in R; the median symbol
    venue: str = ""  # where orders go, and what its start still needs; "" where nothing is missing
    venue_needs: str = ""
    cost_ceiling: float = 1.0  # the most it can be: the stop is never closer than so many costs


def headline(facts: Facts) -> Headline:
    """The first case that applies, worst first."""
    cases = (naked, law_broken, not_started, no_data, training, training_failed, stale, no_model, stopped, not_judged)
    for case in cases:
        answer = case(facts)
        if answer:
            return answer
    if not facts.funnel.signals:
        return no_signals(facts)
    return trades(facts) if facts.funnel.law.traded else no_trades(facts)


def text(words: str) -> tuple[Piece, ...]:
    return (Piece(words),)


def ratio(facts: Facts) -> str:
    """198 signals in the last hour, 0 trades."""
    law = facts.funnel.law
    return f"{count(law.signals, 'signal')} in {window(facts.span)}, {count(law.traded, 'trade')}."


# -- what is wrong ------------------------------------------------------------------------------------------------


def naked(facts: Facts) -> Headline | None:
    late = [n for n in facts.naked if facts.now - n.since > PROTECT_WITHIN]
    if not late:
        return None
    first = min(late, key=lambda n: n.since)
    others = f" {count(len(late) - 1, 'other position')} too." if len(late) > 1 else ""
    return Headline(
        "unprotected",
        "fail",
        text(f"{market(first.symbol)} has had no stop at the exchange for {age(facts.now - first.since)}."),
        text(f"The limit is {age(PROTECT_WITHIN)}.{others} A position that can't be protected is closed at market."),
    )


def law_broken(facts: Facts) -> Headline | None:
    if not facts.undecided:
        return None
    verb = "has" if facts.undecided == 1 else "have"
    return Headline(
        "law-broken",
        "fail",
        text(f"{count(facts.undecided, 'signal')} {verb} no decision."),
        text("Every signal must end in exactly one stored decision. Halt entries and report this."),
    )


def not_started(facts: Facts) -> Headline | None:
    """No entry can leave yet: whatever else is missing comes after the way to the venue."""
    if not facts.venue_needs:
        return None
    meanwhile = _("Everything else runs: prices come in, signals are judged, and say why they wait.")
    return Headline(
        "not-started",
        "warn",
        text(_("No entries at %(venue)s yet.") % {"venue": facts.venue}),
        text(f"{facts.venue_needs} {meanwhile}"),
        (Action(_("Go on with the setup"), "/setup/"),),
    )


def no_data(facts: Facts) -> Headline | None:
    if facts.candle_at or facts.funnel.bars:
        return None
    return Headline(
        "no-data",
        "unknown",
        text("No market data yet."),
        text("The first candles come within seconds of the start. If they don't, see Data Feed among the modules."),
    )


def stale(facts: Facts) -> Headline | None:
    if facts.candle_at is None or facts.now - facts.candle_at <= facts.max_age:
        return None
    return Headline(
        "stale",
        "fail",
        text(f"The newest candle is {age(facts.now - facts.candle_at)} old."),
        text(f"The limit is {age(facts.max_age)}, so nothing new is entered. {ratio(facts)} Exits go on."),
    )


def training(facts: Facts) -> Headline | None:
    run = facts.training
    if run is None or run.failed or facts.champions:
        return None
    left = run.ends_at - facts.now if run.ends_at else None
    if left is None:
        head: tuple[Piece, ...] = text("Models are training.")
    elif left <= timedelta(0):
        head = text("Models are training: any moment now.")
    else:
        head = (Piece("Models are training: "), Piece(age(left), "countdown", run.ends_at), Piece(" left."))
    then = "The last closed bar is judged right after."
    return Headline("training", "unknown", head, text(f"Now: {run.stage}. {then}"))


def training_failed(facts: Facts) -> Headline | None:
    if facts.training is None or not facts.training.failed or facts.champions:
        return None
    return Headline("training-failed", "fail", text("The models could not be trained."), text(facts.training.failed))


def no_model(facts: Facts) -> Headline | None:
    if facts.champions:
        return None
    return Headline(
        "no-model",
        "warn",
        text("There is no model yet, so nothing can be judged."),
        text("Training starts when there is enough history; see AI Models among the modules."),
    )


def stopped(facts: Facts) -> Headline | None:
    switch = facts.switch
    if switch.state == "active":
        return None
    what = "Trading is halted on purpose." if switch.state == "halted" else "Only exits are allowed, on purpose."
    who = f"{switch.by} switched to {switch.state}" if switch.by else f"The switch is on {switch.state}"
    when = f" at {clock(switch.at)}, {age(facts.now - switch.at)} ago" if switch.at else ""
    why = f": {switch.reason}." if switch.reason else "."
    rest = "Stops, trailing and exits still work."
    return Headline(switch.state, "warn", text(what), text(f"{who}{when}{why} {ratio(facts)} {rest}"))


def not_judged(facts: Facts) -> Headline | None:
    if facts.funnel.bars:
        return None
    return Headline(
        "not-judged",
        "unknown",
        text(f"No bar was judged in {window(facts.span)}."),
        text("The executor judges each bar as it closes; see Event Driven Executor among the modules."),
    )


# -- what became of the signals ------------------------------------------------------------------------------------


def no_signals(facts: Facts) -> Headline:
    seen, reason = facts.funnel, facts.funnel.dominant
    head = text(f"No signals in {window(facts.span)}.")
    if seen.evaluated:
        judged = f"{count(seen.evaluated, 'judgement')} of {count(seen.bars, 'bar')}, all flat. "
        if facts.cost_r is not None and facts.cost_r >= EATEN * facts.cost_ceiling:
            return Headline(
                "costs", "warn", text(f"Costs eat the edge. {head[0].text}"), (Piece(judged), *eaten(facts))
            )
        return Headline("flat", "ok", head, (Piece(judged), *short_of(facts)))
    lead: tuple[Piece, ...] = text("No symbol could be evaluated.")
    if reason:
        lead = (
            Piece(f"{grouped(reason.n)} of {grouped(seen.symbols)} were not evaluated: ", "strong"),
            Piece(reason.code, "code"),
            Piece(f". {reason.sentence}"),
        )
    return Headline("not-evaluated", "warn", head, lead)


def short_of(facts: Facts) -> Iterable[Piece]:
    """The best there was, and what a signal needs."""
    if facts.best is not None:
        yield Piece(f"The best confidence was {facts.best:.3f}. ")
    if facts.flat_limit:
        yield Piece(f"A signal needs {facts.flat_limit:.3f}, where an entry breaks even before costs")
        after = f"; after costs of {facts.cost_r:.2f}{NBSP}R that is {after_costs(facts):.3f}" if facts.cost_r else ""
        yield Piece(f"{after}.")


def eaten(facts: Facts) -> Iterable[Piece]:
    """These bars move so little that the stop stands on its floor, a few round trips' costs away."""
    yield Piece(f"A round trip costs {facts.cost_r:.2f}{NBSP}R on these bars, ")
    yield Piece(f"so an entry breaks even at {after_costs(facts):.3f}; ")
    yield Piece(f"the best confidence was {facts.best:.3f}. " if facts.best is not None else "nobody came near. ")
    yield Piece("Longer bars move more for the same costs: ")
    yield Piece("QT_TIMEFRAME", "setting")
    yield Piece(".")


def after_costs(facts: Facts) -> float:
    """(1 + c) / (1 + target): the probability at which an entry earns its costs c, in R."""
    return facts.flat_limit * (1 + (facts.cost_r or 0))


def trades(facts: Facts) -> Headline:
    law = facts.funnel.law
    lead: list[Piece] = []
    if law.rejected and facts.funnel.dominant:
        top = facts.funnel.dominant
        lead += [Piece(f"{grouped(law.rejected)} rejected, {grouped(top.n)} of them by "), Piece(top.code, "code")]
        lead.append(Piece(". "))
    lead += remainder(facts.funnel)
    return Headline("trading", "ok", text(ratio(facts)), tuple(lead), (read(law.signals),))


def no_trades(facts: Facts) -> Headline:
    """The case that this system was built for: signals, and no trade; say which "no", its numbers, its setting."""
    top, law = facts.funnel.dominant, facts.funnel.law
    if top is None:
        state = "pending" if law.pending else "failed"
        return Headline(state, "warn", text(ratio(facts)), tuple(remainder(facts.funnel)), (read(law.signals),))
    verb = "was" if top.n == 1 else "were"
    lead = [
        Piece(f"{grouped(top.n)} {verb} rejected by ", "strong"),
        Piece(top.code, "code"),
        Piece(". ", "strong"),
        *because(top),
        *setting(facts.knob, facts.now),
        *advice(top, facts.knob),
        *remainder(facts.funnel),
    ]
    return Headline("no-trades", "warn", text(ratio(facts)), tuple(lead), (read(law.signals, top),))


def because(top: Reason) -> Iterable[Piece]:
    """The median case's own sentence; where costs eat the edge, say so first."""
    eats = "Costs eat the edge on these bars: " if top.code == Code.EXPECTED_COST_TOO_HIGH else ""
    if top.sentence:
        yield Piece(f"{eats or 'In the median case: '}{top.sentence.rstrip('.')}. ")
    elif eats:
        yield Piece(f"{eats.rstrip(': ')}. ")


def setting(knob: Knob | None, now: datetime) -> Iterable[Piece]:
    """Its value and default, and who changed it last."""
    if knob is None:
        return
    yield Piece(knob.name, "setting")
    yield Piece(f" is {knob.shown}, its default. " if knob.is_default else f" is {knob.shown}; its default is "
                f"{knob.default_shown}. ")  # fmt: skip
    if knob.changed_at:
        yield Piece(f"{knob.changed_by} changed it at {knob.changed_at:%H:%M}, {age(now - knob.changed_at)} ago. ")


def advice(top: Reason, knob: Knob | None) -> Iterable[Piece]:
    """What to do; a sentence about the setting that was just told is left out."""
    meaning = MEANINGS.get(Code(top.code)) if top.code in Code.__members__ else None
    for sentence in re.split(r"(?<=\.) ", meaning.fix) if meaning else ():
        if knob is None or not sentence.startswith(knob.name):
            yield Piece(f"{sentence.rstrip('.')}. ")


def remainder(seen: Funnel) -> Iterable[Piece]:
    """What was neither traded nor rejected."""
    parts = []
    if seen.law.failed:
        codes = ", ".join(seen.failed_by_code)
        parts.append(f"{grouped(seen.law.failed)} failed{f' ({codes})' if codes else ''}")
    if seen.law.pending:
        parts.append(f"{grouped(seen.law.pending)}{NBSP}pending")
    if parts:
        yield Piece(f"{' and '.join(parts)}.")


def read(signals: int, top: Reason | None = None) -> Action:
    number = top.n if top else signals
    label = "Read the decision" if number == 1 else f"Read the {count(number, 'decision')}"
    return Action(label, f"/decisions/?code={top.code}" if top else "/decisions/")
