"""The dated diagnosis document, Markdown or HTML: score, what runs, what doesn't, problems, changes, next steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from monitoring.watch import spoken
from monitoring.watch.diagnosis import words
from monitoring.watch.doctor import Diagnosis, Severity, house, steps
from monitoring.watch.history import Turn
from monitoring.watch.probes.facts import Facts, Pulse
from monitoring.watch.probes.words import fix
from monitoring.watch.retold import retold
from monitoring.watch.words import age, grouped

ALIVE: dict[str, Promise] = {
    "never": gettext_lazy("never called"),
    "up": gettext_lazy("up"),
    "late": gettext_lazy("late"),
    "down": gettext_lazy("down"),
}
SEVERITY: dict[Severity, Promise] = {
    Severity.CRITICAL: gettext_lazy("critical"),
    Severity.HIGH: gettext_lazy("high"),
    Severity.MEDIUM: gettext_lazy("medium"),
    Severity.LOW: gettext_lazy("low"),
}


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Bullets | Table


# -- what it says -----------------------------------------------------------------------------------------------------


def document(seen: Diagnosis) -> list[Block]:
    """The whole document in the language that is active."""
    return [
        *opening(seen),
        *score(seen),
        *running(seen.facts),
        *not_running(seen.facts),
        *causes(seen),
        *ranked(seen),
        *changed(seen.since_report),
        *next_steps(seen),
    ]


def opening(seen: Diagnosis) -> Iterable[Block]:
    where = {name: retold(value) for name, value in house().items()}
    yield Heading(_("Diagnosis of %(at)s UTC") % {"at": seen.at.strftime("%Y-%m-%d %H:%M:%S")}, 1)
    yield Paragraph(
        _("Mode %(mode)s, market %(market)s, version %(version)s, build %(build)s, settings %(config_hash)s.") % where
    )
    signals = sum(tally.n for tally in seen.facts.decided)
    traded = sum(tally.n for tally in seen.facts.decided if tally.outcome == "traded")
    yield Paragraph(
        _("Within %(window)s: %(bars)s bars judged, %(signals)s signals, %(traded)s of them traded.")
        % {
            "window": age(seen.facts.window),
            "bars": grouped(seen.facts.cycles.bars),
            "signals": grouped(signals),
            "traded": grouped(traded),
        }
    )
    if seen.headline:
        yield Paragraph(seen.headline)


def score(seen: Diagnosis) -> Iterable[Block]:
    card = seen.card
    yield Heading(_("Score"))
    yield Paragraph(
        _("%(overall)s of 100, %(status)s; %(coverage)s of 100 points were measured.")
        % {"overall": card.overall, "status": spoken.status(card.status), "coverage": card.coverage}
    )
    if card.caps:
        yield Bullets(
            tuple(_("Held at %(at)s: %(why)s") % {"at": cap.at, "why": spoken.cap(cap, card)} for cap in card.caps)
        )
    for name, parts in card.groups.items():
        rows = tuple((spoken.name(one.part), f"{one.score}/{one.out_of}", spoken.state(one.status)) for one in parts)
        yield Table((spoken.group(name), _("Points"), _("State")), rows)


def running(facts: Facts) -> Iterable[Block]:
    up = [pulse for pulse in facts.pulses.values() if well(pulse, facts)]
    yield Heading(_("What runs"))
    if not up:
        yield Paragraph(_("Nothing runs."))
        return
    rows = tuple(
        (spoken.named(pulse.name), worked(pulse, facts), str(pulse.examined), str(pulse.actions)) for pulse in up
    )
    yield Table((_("Module"), _("Last useful work"), _("Examined"), _("Acted on")), rows)


def not_running(facts: Facts) -> Iterable[Block]:
    bad = [pulse for pulse in facts.pulses.values() if not well(pulse, facts)]
    yield Heading(_("What does not run"))
    if not bad:
        yield Paragraph(_("Every module runs."))
        return
    rows = tuple((spoken.named(pulse.name), str(ALIVE[pulse.alive(facts.now)]), silence(pulse, facts), pulse.error)
                 for pulse in bad)  # fmt: skip
    yield Table((_("Module"), _("State"), _("Last tick"), _("Error")), rows)


def well(pulse: Pulse, facts: Facts) -> bool:
    return pulse.alive(facts.now) in ("up", "late") and not pulse.failing


def worked(pulse: Pulse, facts: Facts) -> str:
    """When it last did something; why it is idle where it never did."""
    if pulse.last_work is None:
        return _("none yet: %(idle)s") % {"idle": pulse.idle_reason or "–"}
    return _("%(age)s ago") % {"age": age(facts.now - pulse.last_work)}


def silence(pulse: Pulse, facts: Facts) -> str:
    return _("%(age)s ago") % {"age": age(facts.now - pulse.last_tick)} if pulse.last_tick else _("never")


def causes(seen: Diagnosis) -> Iterable[Block]:
    """What is the matter, with what was measured, the setting and the steps."""
    yield Heading(_("Causes, worst first"))
    if not seen.causes:
        yield Paragraph(_("None was found."))
        return
    rows = tuple(
        (str(rank), str(SEVERITY[one.severity]), words.title(one), words.cause(one), " ".join(words.steps(one)))
        for rank, one in enumerate(seen.causes, 1)
    )
    yield Table((_("Rank"), _("Severity"), _("What"), _("Why"), _("What to do")), rows)


def ranked(seen: Diagnosis) -> Iterable[Block]:
    yield Heading(_("Problems, worst first"))
    if not seen.problems:
        yield Paragraph(_("None: every probe says ok."))
        return
    rows = tuple(
        (
            str(rank),
            str(SEVERITY[problem.severity]),
            spoken.name(problem.component.part),
            spoken.why(problem.point),
            f"−{problem.point.of}",
            fix(problem.point.probe),
        )
        for rank, problem in enumerate(seen.problems, 1)
    )
    yield Table((_("Rank"), _("Severity"), _("Where"), _("What"), _("Points"), _("What to do")), rows)


def changed(turn: Turn | None) -> Iterable[Block]:
    yield Heading(_("Changes since the last report"))
    if turn is None:
        yield Paragraph(_("This is the first report."))
        return
    yield Paragraph(
        _("The last report is of %(at)s UTC: %(was)s of 100; now %(now)s.")
        % {"at": turn.before.at.strftime("%Y-%m-%d %H:%M:%S"), "was": turn.before.overall, "now": turn.now.overall}
    )
    if not turn.changes:
        yield Paragraph(_("No component's points have changed."))
        return
    rows = tuple(
        (spoken.named(one.component), f"{one.was} → {one.now}", spoken.turned(one), turn.by.get(one.component, "–"))
        for one in turn.changes
    )
    yield Table((_("Component"), _("Points"), _("Why"), _("By")), rows)


def next_steps(seen: Diagnosis) -> Iterable[Block]:
    yield Heading(_("Next steps"))
    todo = steps(seen)
    if not todo:
        yield Paragraph(_("Nothing to do."))
        return
    left = len(seen.problems) + len(seen.causes)
    yield Paragraph(ngettext("One problem is open.", "%(n)s problems are open.", left) % {"n": left})
    yield Bullets(tuple(todo), numbered=True)


# -- how it is written ------------------------------------------------------------------------------------------------


def markdown(blocks: Sequence[Block]) -> str:
    return "\n\n".join(as_markdown(block) for block in blocks) + "\n"


def as_markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {plain(text)}"
        case Paragraph(text):
            return plain(text)
        case Bullets(items, numbered):
            return "\n".join(f"{f'{n}.' if numbered else '-'} {plain(item)}" for n, item in enumerate(items, 1))
        case Table(head, rows):
            lines = [head, tuple("---" for _cell in head), *rows]
            return "\n".join("| " + " | ".join(plain(cell) for cell in line) + " |" for line in lines)


def plain(text: str) -> str:
    """One line of text that Markdown takes as it is."""
    line = " ".join(text.split(" ")).replace("\r", " ").replace("\n", " ")
    for mark in ("\\", "|", "`", "*", "_", "["):
        line = line.replace(mark, f"\\{mark}")
    return line.replace("<", "&lt;")


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 32px auto; padding: 0 16px; color: #161a1f; background: #fff; }
h1 { font-size: 28px; } h2 { font-size: 20px; margin-top: 32px; }
table { border-collapse: collapse; width: 100%; margin: 12px 0; }
th, td { text-align: left; vertical-align: top; padding: 6px 12px 6px 0; border-bottom: 1px solid #d7dce2; }
th { color: #56606c; font-weight: 400; }
@media (prefers-color-scheme: dark) { body { color: #e8ebef; background: #101418; } th, td { border-color: #2a323b; } th { color: #9aa5b1; } }
"""  # noqa: E501


def html(blocks: Sequence[Block]) -> str:
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    body = "\n".join(as_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="{get_language() or "en"}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def as_html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Bullets(items, numbered):
            tag = "ol" if numbered else "ul"
            return f"<{tag}>" + "".join(f"<li>{escape(item)}</li>" for item in items) + f"</{tag}>"
        case Table(head, rows):
            top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
            lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
            return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"
