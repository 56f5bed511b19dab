"""The models' page: who votes, what the supervisor found, how promises came true, trainings and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.control import actions
from monitoring.show import charts, controls, minds, wayback
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene
from monitoring.show.silence import silent
from monitoring.templatetags.quantum import title_of_kind
from monitoring.watch.words import grouped, percent, signed
from trading.models import ModelFinding, ModelVersion

TITLES = {
    "bias": gettext_lazy("Direction"),
    "calibration": gettext_lazy("Promise"),
    "hit_rate": gettext_lazy("Hit rate"),
    "votes": gettext_lazy("Votes"),
    "drift": gettext_lazy("Drift"),
}
FOUND = {
    "TOO_FEW": gettext_lazy("%(n)s so far, needs %(wanted)s."),
    "TOO_SHORT": gettext_lazy("%(n)s independent stretches of time so far, needs %(wanted)s."),
    "BALANCED": gettext_lazy("%(value)s of the bars leaned %(side)s (%(low)s to %(high)s); at most %(limit)s."),
    "ONE_SIDED": gettext_lazy("%(value)s of the bars leaned %(side)s (%(low)s to %(high)s); at most %(limit)s."),
    "MARKET_ONE_SIDED": gettext_lazy("%(value)s of the bars leaned %(side)s, and so did the market: %(market)s."),
    "CALIBRATED": gettext_lazy("It promised %(promised)s, and %(came)s came true."),
    "OVERCONFIDENT": gettext_lazy("It promised %(promised)s, and only %(came)s came true."),
    "TIMID": gettext_lazy("It promised %(promised)s, and as much as %(came)s came true."),
    "PAYS": gettext_lazy("%(value)s hit, break-even is %(limit)s; %(mean_r)s R a signal after costs."),
    "LOSES": gettext_lazy("%(value)s hit, break-even is %(limit)s; %(mean_r)s R a signal after costs."),
    "UNPROVEN": gettext_lazy("%(value)s hit, break-even is %(limit)s: %(mean_r)s R, which may be chance."),
    "VOTES": gettext_lazy("It voted in %(value)s of the judged bars, %(long)s of that long."),
    "MUTE": gettext_lazy("It voted in %(value)s of the judged bars, needs %(limit)s."),
    "STABLE": gettext_lazy("Index %(psi)s, at most %(psi_limit)s: it judges what it learned from."),
    "SHIFTED": gettext_lazy("Index %(psi)s, at most %(psi_limit)s: what it judges is not what it learned from."),
}
SIDES = {"long": gettext_lazy("long"), "short": gettext_lazy("short")}
TRIGGERS = {
    "first": gettext_lazy("first training"),
    "manual": gettext_lazy("asked for"),
    "broken": gettext_lazy("a model may not vote"),
    "advice": gettext_lazy("the supervisor's advice"),
    "samples": gettext_lazy("enough new samples"),
    "age": gettext_lazy("the champions' age"),
}
VERDICTS = {
    "FIRST": gettext_lazy("promoted: nobody could vote"),
    "UNJUDGED": gettext_lazy("promoted without a contest"),
    "BETTER": gettext_lazy("promoted: better on candles that neither had seen"),
    "RESTORES": gettext_lazy("promoted: it restores a set that was not whole, and is not worse"),
    "NOT_BETTER": gettext_lazy("refused: not provably better"),
    "WORSE": gettext_lazy("refused: worse"),
    "TOO_LITTLE": gettext_lazy("refused: too little that neither had seen"),
}
OUTCOMES = {
    "running": gettext_lazy("running"),
    "done": gettext_lazy("done"),
    "failed": gettext_lazy("failed"),
}
ADVICE = {"retrain": gettext_lazy("retrain"), "quarantine": gettext_lazy("quarantine")}
DONE = {"quarantined": gettext_lazy("quarantined"), "kept": gettext_lazy("kept: too few would be left")}


def said(scene: Scene) -> dict[str, Any]:
    """How many may vote, and whether anything was found against them."""
    found, run = scene.once(minds.standing), scene.facts.training
    voting = [one for one in found if one.row.status == ModelVersion.CHAMPION]
    out = [one for one in found if one.shape == "fail"]
    bad = [row for row in scene.once(minds.findings) if row.verdict == ModelFinding.BAD]
    if not voting:
        sentence = _("The first models are training.") if run and not run.failed else _("No model may vote.")
        tone = "unknown" if run and not run.failed else "fail"
    elif out:
        sentence = ngettext(
            "%(n)s model may not vote: %(names)s.", "%(n)s models may not vote: %(names)s.", len(out)
        ) % {"n": len(out), "names": ", ".join(title_of_kind(one.row.kind) for one in out)}
        tone = "fail"
    elif bad:
        sentence = _("%(n)s models vote; something was found against %(names)s.") % {
            "n": len(voting),
            "names": ", ".join(name_of(row.kind) for row in bad),
        }
        tone = "warn"
    else:
        sentence = ngettext("%(n)s model votes.", "%(n)s models vote.", len(voting)) % {"n": len(voting)}
        tone = "ok"
        if silent(scene, "model_supervisor"):
            blind = _("Whether anything speaks against them is not known: the supervisor is silent.")
            sentence, tone = f"{sentence} {blind}", "unknown"
    newest = max(voting, key=lambda one: one.row.trained_at, default=None)
    return {"sentence": sentence, "tone": tone, "newest": newest, "learned": learned(newest)}


def learned(one: minds.Mind | None) -> dict[str, str]:
    """What the newest champion learned from."""
    told = (one.row.metrics.get("learned_from") or {}) if one else {}
    return {name: grouped(told[name]) for name in ("symbols", "bars", "pairs") if told.get(name)}


def name_of(kind: str) -> str:
    return _("the ensemble") if kind == ModelFinding.ENSEMBLE else title_of_kind(kind)


def training(scene: Scene) -> dict[str, Any]:
    found = scene.once(minds.standing)
    trained = max((one.row.trained_at for one in found if one.row.status == ModelVersion.CHAMPION), default=None)
    return {
        "training": scene.facts.training,
        "run": scene.run,
        "control": controls.offer(controls.retrain(trained, scene.now), scene.audience),
        "learning": settings.QUANTUM.QT_CONTINUOUS_LEARNING,
        "retraining": next((p for p in scene.pulses if p.name == "retraining_orchestrator"), None),
    }


def voters(scene: Scene) -> dict[str, Any]:
    found = scene.once(minds.standing)
    polled = max((one.ballot.of for one in found if one.ballot), default=0)
    about = (
        ngettext("votes on the newest signal", "votes on the newest %(n)s signals", polled) % {"n": grouped(polled)}
        if polled
        else ""
    )
    return {"minds": [shown(one) for one in found], "about": about}


def former(scene: Scene) -> dict[str, Any]:
    kept = [(one, controls.offer(wayback.roll_back(one, scene.now), scene.audience)) for one in actions.former_sets()]
    return {"minds": [shown(one) for one in scene.once(minds.former)], "kept": kept}


def shown(one: minds.Mind) -> dict[str, Any]:
    ballot = one.ballot
    return {
        "mind": one,
        "row": one.row,
        "votes": percent(ballot.share, 0) if ballot else "",
        "long": percent(ballot.long_share, 0) if ballot and ballot.long_share is not None else "",
        "agreed": percent(ballot.agreed, 0) if ballot and ballot.agreed is not None else "",
        "beats": one.unseen.log_loss is not None
        and one.unseen.base_log_loss is not None
        and one.unseen.log_loss < one.unseen.base_log_loss,
    }


def findings(scene: Scene) -> dict[str, Any]:
    rows = scene.once(minds.findings)
    return {
        "rows": [
            {
                "row": row,
                "title": _("Ensemble") if row.kind == ModelFinding.ENSEMBLE else title_of_kind(row.kind),
                "shape": minds.SHAPES[row.verdict] if row.n or row.verdict == ModelFinding.BAD else "unknown",
                "topics": [topic(str(TITLES[name]), getattr(row, name)) for name in minds.TOPICS if getattr(row, name)],
                "advice": ADVICE.get(row.advice, row.advice),
                "done": DONE.get(row.done, row.done),
            }
            for row in rows
        ],
        "level": rows[0].level if rows else settings.QUANTUM.QT_SUPERVISOR_MODE,
        "every": settings.QUANTUM.QT_MODEL_SUPERVISOR_INTERVAL,
    }


def topic(title: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """One topic's verdict and its sentence."""
    code = told.get("code", "")
    words = FOUND.get(code)
    return {
        "title": title,
        "shape": minds.SHAPES.get(told.get("verdict", ""), "unknown"),
        "sentence": words % facts_of(told) if words else code,
        "n": grouped(told["n"]) if told.get("n") is not None and code not in ("TOO_FEW", "TOO_SHORT") else "",
    }


class Told(dict):
    """Facts for a sentence; what was not measured reads as such."""

    def __missing__(self, name: str) -> str:
        return _("no data")


def facts_of(told: Mapping[str, Any]) -> Told:
    known = Told({name: percent(told[name], 0) for name in SHARED if isinstance(told.get(name), (int, float))})
    known |= {name: brief(told[name]) for name in EXACT if isinstance(told.get(name), (int, float))}
    known |= {name: grouped(told[name]) for name in ("n", "wanted") if told.get(name) is not None}
    if isinstance(told.get("mean_r"), (int, float)):
        known["mean_r"] = signed(told["mean_r"], 3)
    if isinstance(told.get("value"), (int, float)):
        known["psi"] = grouped(told["value"], 3)
    if isinstance(told.get("limit"), (int, float)):
        known["psi_limit"] = grouped(told["limit"], 2)
    if told.get("side"):
        known["side"] = str(SIDES.get(told["side"], told["side"]))
    return known


def brief(share: float) -> str:
    """A share with one decimal, or none where that would be 0."""
    return percent(share, 0 if abs(share * 100 - round(share * 100)) < 0.05 else 1)


SHARED = ("low", "high", "market", "long", "short", "agreed")
EXACT = ("value", "limit", "promised", "came")


def calibration(scene: Scene) -> dict[str, Any]:
    """The ensemble as it came true, where outcomes are in; each model on the part of its training it had not seen."""
    found = []
    whole = next((row for row in scene.once(minds.findings) if row.kind == ModelFinding.ENSEMBLE), None)
    champions = [one for one in scene.once(minds.standing) if one.row.status == ModelVersion.CHAMPION]
    lived = drawn("ensemble", whole.calibration.get("bins") or [], None) if whole else None
    if lived:
        found.append((_("Ensemble"), _("signals whose outcome is known"), lived))
    elif champions:
        trained = champions[0].row.metrics.get("ensemble") or {}
        first = drawn("ensemble", trained.get("calibration") or [], champions[0].base_rate)
        found += [(_("Ensemble"), _("candles kept apart from its training"), first)] if first else []
    for one in champions:
        figure = drawn(one.row.kind, one.row.calibration, one.base_rate)
        if figure:
            found.append((title_of_kind(one.row.kind), _("candles kept apart from its training"), figure))
    return {"figures": found}


def drawn(name: str, bins: list[dict[str, Any]], base: float | None) -> charts.Figure | None:
    told = [b for b in bins if b.get("mean") is not None and b.get("rate") is not None]
    figure = charts.calibration([charts.Bin(b["mean"], b["rate"], b["n"]) for b in told], base)
    return replace(figure, name=f"calibration-{name}") if figure else None


def jobs(scene: Scene) -> dict[str, Any]:
    return {"jobs": [job(row) for row in scene.once(minds.jobs)]}


def job(row: Any) -> dict[str, Any]:
    numbers = row.numbers or {}
    gain = numbers.get("gain")
    return {
        "row": row,
        "trigger": TRIGGERS.get(row.trigger, row.trigger),
        "outcome": OUTCOMES.get(row.outcome, row.outcome),
        "shape": {"running": "unknown", "done": "ok", "failed": "fail"}.get(row.outcome, "unknown"),
        "verdict": VERDICTS.get(row.code, row.code) if row.verdict else "",
        "gain": signed(gain, 4) if isinstance(gain, (int, float)) else "",
        "low": signed(numbers["low"], 4) if isinstance(numbers.get("low"), (int, float)) else "",
        "high": signed(numbers["high"], 4) if isinstance(numbers.get("high"), (int, float)) else "",
        "n": grouped(numbers["n"]) if isinstance(numbers.get("n"), int) else "",
        "lasted": minds.lasted(row),
    }


def trained_at(scene: Scene) -> datetime | None:
    return max((one.row.trained_at for one in scene.once(minds.standing)), default=None)


def found_at(scene: Scene) -> datetime | None:
    rows = scene.once(minds.findings)
    return rows[0].at if rows else None


def supervised() -> Any:
    return SECOND * settings.QUANTUM.QT_MODEL_SUPERVISOR_INTERVAL * 2


def begun_at(scene: Scene) -> datetime | None:
    return scene.run.beat_at if scene.run else None


def ageless() -> None:
    """What it shows does not grow old by itself."""


MOVED = ("models", "verdict")

register(
    Panel("models_said", said, trained_at, ageless, timed=True, follows=MOVED, seldom=1),
    Panel("training", training, begun_at, ageless, timed=True, follows=("models",)),
    Panel("voters", voters, trained_at, ageless, follows=(*MOVED, "decisions"), seldom=3),
    Panel("findings", findings, found_at, supervised, timed=True, follows=MOVED, seldom=1),
    Panel("calibration", calibration, trained_at, ageless, follows=MOVED, seldom=3),
    Panel("jobs", jobs, begun_at, ageless, follows=("models",), seldom=1),
    Panel("former", former, trained_at, ageless, follows=("models",), seldom=3),
)
