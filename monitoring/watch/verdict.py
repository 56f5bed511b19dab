"""The headline: one sentence that says what is going on, both numbers, the setting, and what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.watch.funnel import Funnel, Reason
from monitoring.watch.knobs import Knob
from monitoring.watch.names import word
from monitoring.watch.retold import retold
from monitoring.watch.words import age, clock, grouped, market, window
from trading.codes import MEANINGS, Code

EATEN = 0.9  # of the most that costs can be in R: the stop stands on its floor, the bars are too small
PROTECT_WITHIN = timedelta(seconds=5)  # law 5
PLACE = re.compile(r"%\((\w+)\)s")


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
    change: int = 0  # the newest change's number


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


def fill(template: str, places: Mapping[str, Piece], kind: str = "") -> Iterable[Piece]:
    """The template's own words as pieces of that kind, with a piece of another kind in each place."""
    for i, part in enumerate(PLACE.split(template)):
        if i % 2:
            yield places[part]
        elif part:
            yield Piece(part, kind)


def spaced(sentences: Iterable[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def signals(n: int) -> str:
    return ngettext("%(n)s signal", "%(n)s signals", n) % {"n": grouped(n)}


def ratio(facts: Facts) -> str:
    """198 signals in the last hour, 0 trades."""
    law = facts.funnel.law
    traded = ngettext("%(n)s trade", "%(n)s trades", law.traded) % {"n": grouped(law.traded)}
    parts = {"signals": signals(law.signals), "window": window(facts.span), "trades": traded}
    return _("%(signals)s in %(window)s, %(trades)s.") % parts


# -- what is wrong ------------------------------------------------------------------------------------------------


def naked(facts: Facts) -> Headline | None:
    late = [n for n in facts.naked if facts.now - n.since > PROTECT_WITHIN]
    if not late:
        return None
    first = min(late, key=lambda n: n.since)
    more = len(late) - 1
    without = {"market": market(first.symbol), "age": age(facts.now - first.since)}
    lead = [
        _("The limit is %(limit)s.") % {"limit": age(PROTECT_WITHIN)},
        ngettext("%(n)s other position too.", "%(n)s other positions too.", more) % {"n": grouped(more)}
        if more
        else "",
        _("A position that can't be protected is closed at market."),
    ]
    return Headline(
        "unprotected",
        "fail",
        text(_("%(market)s has had no stop at the exchange for %(age)s.") % without),
        text(spaced(lead)),
    )


def law_broken(facts: Facts) -> Headline | None:
    if not facts.undecided:
        return None
    n = facts.undecided
    return Headline(
        "law-broken",
        "fail",
        text(ngettext("%(n)s signal has no decision.", "%(n)s signals have no decision.", n) % {"n": grouped(n)}),
        text(_("Every signal must end in exactly one stored decision. Halt entries and report this.")),
    )


def not_started(facts: Facts) -> Headline | None:
    """No entry can leave yet: whatever else is missing comes after the way to the venue."""
    if not facts.venue_needs:
        return None
    meanwhile = _("Everything else runs: prices come in, signals are judged, and say why they wait.")
    return Headline(
        "not-started",
        "warn",
        text(_("No entries at %(venue)s yet.") % {"venue": retold(facts.venue)}),
        text(f"{facts.venue_needs} {meanwhile}"),
        (Action(_("Go on with the setup"), "/setup/"),),
    )


def no_data(facts: Facts) -> Headline | None:
    if facts.candle_at or facts.funnel.bars:
        return None
    return Headline(
        "no-data",
        "unknown",
        text(_("No market data yet.")),
        text(_("The first candles come within seconds of the start. If they don't, see Data Feed among the modules.")),
    )


def stale(facts: Facts) -> Headline | None:
    if facts.candle_at is None or facts.now - facts.candle_at <= facts.max_age:
        return None
    limit = _("The limit is %(limit)s, so nothing new is entered.") % {"limit": age(facts.max_age)}
    return Headline(
        "stale",
        "fail",
        text(_("The newest candle is %(age)s old.") % {"age": age(facts.now - facts.candle_at)}),
        text(spaced([limit, ratio(facts), _("Exits go on.")])),
    )


def training(facts: Facts) -> Headline | None:
    run = facts.training
    if run is None or run.failed or facts.champions:
        return None
    left = run.ends_at - facts.now if run.ends_at else None
    if left is None:
        head: tuple[Piece, ...] = text(_("Models are training."))
    elif left <= timedelta(0):
        head = text(_("Models are training: any moment now."))
    else:
        ticking = Piece(age(left), "countdown", run.ends_at)
        head = tuple(fill(_("Models are training: %(left)s left."), {"left": ticking}))
    stage = _("Now: %(stage)s.") % {"stage": retold(run.stage)}
    return Headline("training", "unknown", head, text(spaced([stage, _("The last closed bar is judged right after.")])))


def training_failed(facts: Facts) -> Headline | None:
    if facts.training is None or not facts.training.failed or facts.champions:
        return None
    why = retold(facts.training.failed)
    return Headline("training-failed", "fail", text(_("The models could not be trained.")), text(why))


def no_model(facts: Facts) -> Headline | None:
    if facts.champions:
        return None
    return Headline(
        "no-model",
        "warn",
        text(_("There is no model yet, so nothing can be judged.")),
        text(_("Training starts when there is enough history; see AI Models among the modules.")),
    )


def stopped(facts: Facts) -> Headline | None:
    switch = facts.switch
    if switch.state == "active":
        return None
    halted = switch.state == "halted"
    what = _("Trading is halted on purpose.") if halted else _("Only exits are allowed, on purpose.")
    rest = _("Stops, trailing and exits still work.")
    return Headline(switch.state, "warn", text(what), text(spaced([moved(switch, facts.now), ratio(facts), rest])))


def moved(switch: Switch, now: datetime) -> str:
    """j.berg switched to halted at 11:48:00, 2 h 44 min ago: cables are changed."""
    told = {"by": switch.by, "state": word(switch.state)}
    if switch.at:
        told |= {"at": clock(switch.at), "age": age(now - switch.at)}
    if switch.by:
        said = (
            _("%(by)s switched to %(state)s at %(at)s, %(age)s ago") if switch.at else _("%(by)s switched to %(state)s")
        )
    else:
        said = _("The switch is on %(state)s")
    return f"{said % told}: {retold(switch.reason)}." if switch.reason else f"{said % told}."


def not_judged(facts: Facts) -> Headline | None:
    if facts.funnel.bars:
        return None
    return Headline(
        "not-judged",
        "unknown",
        text(_("No bar was judged in %(window)s.") % {"window": window(facts.span)}),
        text(_("The executor judges each bar as it closes; see Event Driven Executor among the modules.")),
    )


# -- what became of the signals ------------------------------------------------------------------------------------


def no_signals(facts: Facts) -> Headline:
    seen, reason = facts.funnel, facts.funnel.dominant
    head = _("No signals in %(window)s.") % {"window": window(facts.span)}
    if seen.evaluated:
        judged = Piece(f"{all_flat(seen)} ")
        if facts.cost_r is not None and facts.cost_r >= EATEN * facts.cost_ceiling:
            return Headline("costs", "warn", text(spaced([_("Costs eat the edge."), head])), (judged, *eaten(facts)))
        return Headline("flat", "ok", text(head), (judged, *short_of(facts)))
    lead: tuple[Piece, ...] = text(_("No symbol could be evaluated."))
    if reason:
        absent = _("%(n)s of %(of)s were not evaluated:") % {"n": grouped(reason.n), "of": grouped(seen.symbols)}
        lead = (Piece(f"{absent} ", "strong"), Piece(reason.code, "code"), Piece(f". {reason.sentence}"))
    return Headline("not-evaluated", "warn", text(head), lead)


def all_flat(seen: Funnel) -> str:
    """720 judgements of 60 bars, all flat."""
    judged = ngettext("%(n)s judgement", "%(n)s judgements", seen.evaluated) % {"n": grouped(seen.evaluated)}
    bars = ngettext("%(n)s bar", "%(n)s bars", seen.bars) % {"n": grouped(seen.bars)}
    return _("%(judgements)s of %(bars)s, all flat.") % {"judgements": judged, "bars": bars}


def short_of(facts: Facts) -> Iterable[Piece]:
    """The best there was, and what a signal needs."""
    if facts.best is not None:
        yield Piece(f"{best(facts.best)} ")
    if not facts.flat_limit:
        return
    told = {"needed": f"{facts.flat_limit:.3f}"}
    if facts.cost_r:
        told |= {"cost": f"{facts.cost_r:.2f}", "after": f"{after_costs(facts):.3f}"}
        needs = _(
            "A signal needs %(needed)s, where an entry breaks even before costs; "
            "after costs of %(cost)s R that is %(after)s."
        )
    else:
        needs = _("A signal needs %(needed)s, where an entry breaks even before costs.")
    yield Piece(needs % told)


def best(confidence: float) -> str:
    return _("The best confidence was %(p)s.") % {"p": f"{confidence:.3f}"}


def eaten(facts: Facts) -> Iterable[Piece]:
    """These bars move so little that the stop stands on its floor, a few round trips' costs away."""
    told = {"cost": f"{facts.cost_r:.2f}", "after": f"{after_costs(facts):.3f}", "p": f"{facts.best or 0:.3f}"}
    if facts.best is None:
        said = _("A round trip costs %(cost)s R on these bars, so an entry breaks even at %(after)s; nobody came near.")
    else:
        said = _(
            "A round trip costs %(cost)s R on these bars, so an entry breaks even at %(after)s; "
            "the best confidence was %(p)s."
        )
    yield Piece(f"{said % told} ")
    longer = _("Longer bars move more for the same costs: %(setting)s.")
    yield from fill(longer, {"setting": Piece("QT_TIMEFRAME", "setting")})


def after_costs(facts: Facts) -> float:
    """(1 + c) / (1 + target): the probability at which an entry earns its costs c, in R."""
    return facts.flat_limit * (1 + (facts.cost_r or 0))


def trades(facts: Facts) -> Headline:
    law = facts.funnel.law
    lead: list[Piece] = []
    if law.rejected and facts.funnel.dominant:
        top = facts.funnel.dominant
        said = _("%(rejected)s rejected, %(n)s of them by %(code)s.")
        places = {"rejected": Piece(grouped(law.rejected)), "n": Piece(grouped(top.n)), "code": Piece(top.code, "code")}
        lead += [*fill(said, places), Piece(" ")]
    lead += remainder(facts.funnel)
    return Headline("trading", "ok", text(ratio(facts)), tuple(lead), (read(law.signals),))


def no_trades(facts: Facts) -> Headline:
    """The case that this system was built for: signals, and no trade; say which "no", its numbers, its setting."""
    top, law = facts.funnel.dominant, facts.funnel.law
    if top is None:
        state = "pending" if law.pending else "failed"
        return Headline(state, "warn", text(ratio(facts)), tuple(remainder(facts.funnel)), (read(law.signals),))
    said = ngettext("%(n)s was rejected by %(code)s.", "%(n)s were rejected by %(code)s.", top.n)
    lead = [
        *fill(said, {"n": Piece(grouped(top.n), "strong"), "code": Piece(top.code, "code")}, "strong"),
        Piece(" ", "strong"),
        *because(top),
        *setting(facts.knob, facts.now),
        *advice(top, facts.knob),
        *remainder(facts.funnel),
    ]
    return Headline("no-trades", "warn", text(ratio(facts)), tuple(lead), (read(law.signals, top),))


def because(top: Reason) -> Iterable[Piece]:
    """The median case's own sentence; where costs eat the edge, say so first."""
    eats, sentence = top.code == Code.EXPECTED_COST_TOO_HIGH, top.sentence.rstrip(".")
    if sentence:
        said = _("Costs eat the edge on these bars: %(case)s.") if eats else _("In the median case: %(case)s.")
    else:
        said = _("Costs eat the edge on these bars.") if eats else ""
    if said:
        yield Piece(f"{said % {'case': sentence}} ")


def setting(knob: Knob | None, now: datetime) -> Iterable[Piece]:
    """Its value and default, and who changed it last."""
    if knob is None:
        return
    said = _("%(setting)s is %(value)s, its default.") if knob.is_default else _(
        "%(setting)s is %(value)s; its default is %(default)s."
    )  # fmt: skip
    yield from fill(
        said,
        {
            "setting": Piece(knob.name, "setting"),
            "value": Piece(knob.shown),
            "default": Piece(knob.default_shown),
        },
    )
    yield Piece(" ")
    if knob.changed_at:
        said = _("%(by)s changed it at %(at)s, %(age)s ago.")
        told = {"by": knob.changed_by, "at": f"{knob.changed_at:%H:%M}", "age": age(now - knob.changed_at)}
        yield Piece(f"{said % told} ")


def advice(top: Reason, knob: Knob | None) -> Iterable[Piece]:
    """What to do; a sentence about the setting that was just told is left out."""
    meaning = MEANINGS.get(Code(top.code)) if top.code in Code.__members__ else None
    for sentence in re.split(r"(?<=\.) ", _(meaning.fix)) if meaning else ():
        if knob is None or not sentence.startswith(knob.name):
            yield Piece(f"{sentence.rstrip('.')}. ")


def remainder(seen: Funnel) -> Iterable[Piece]:
    """What was neither traded nor rejected."""
    failed = {"n": grouped(seen.law.failed), "codes": ", ".join(seen.failed_by_code)}
    told = failed | {"pending": grouped(seen.law.pending)}
    if seen.law.failed and seen.law.pending:
        said = _("%(n)s failed (%(codes)s) and %(pending)s pending.") if failed["codes"] else _(
            "%(n)s failed and %(pending)s pending."
        )  # fmt: skip
    elif seen.law.failed:
        said = _("%(n)s failed (%(codes)s).") if failed["codes"] else _("%(n)s failed.")
    elif seen.law.pending:
        said = _("%(pending)s pending.")
    else:
        return
    yield Piece(said % told)


def read(signals: int, top: Reason | None = None) -> Action:
    n = top.n if top else signals
    label = _("Read the decision") if n == 1 else _("Read the %(n)s decisions") % {"n": grouped(n)}
    return Action(label, f"/decisions/?code={top.code}" if top else "/decisions/")
