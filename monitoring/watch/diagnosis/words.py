"""Problems in the reader's language: title, cause with its numbers and setting, evidence, steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext as _

from monitoring.watch import spoken
from monitoring.watch.diagnosis.problem import Action, Cause, Diagnosis, Evidence, Meant, Problem
from monitoring.watch.diagnosis.sentences import EVIDENCE, REFUSALS, WORDS
from monitoring.watch.knobs import shown as limit
from monitoring.watch.names import word
from monitoring.watch.retold import retold
from monitoring.watch.told import translated
from monitoring.watch.words import age, clock, grouped, iso, market, percent, plain
from trading.codes import MEANINGS, Code
from trading.gates.sentence import say

NUMBERS = (
    "value",
    "limit",
    "declared",
    "within",
    "stop",
    "entry",
    "best",
    "net",
    "loss",
    "lag_r",
    "costs",
    "least",
    "first",
)


def title(problem: Problem) -> str:
    return str(WORDS[problem.cause].title) % shown(problem)


def cause(problem: Problem) -> str:
    """What was measured, against which limit, and the setting behind it."""
    said = (str(WORDS[problem.cause].cause) % shown(problem)).strip()
    told_already = problem.cause is Cause.LIMITS_LOOSENED
    behind = "" if told_already else setting(problem)
    return " ".join(part for part in (said[:1].upper() + said[1:], behind) if part)


def headline(found: Diagnosis) -> str:
    """Why there were no signals, or no orders, in one sentence; nothing where there were orders."""
    if found.traded:
        return ""
    root = next((one for one in found.problems if one.share and not one.because), None)
    why = cause(root) if root else next((meant(one) for one in found.meant), _("nothing was found that explains it."))
    named = f"{title(root)}. {why}" if root else why
    told = {"n": grouped(found.signals), "window": age(found.window_s), "why": named}
    if found.signals:
        return _("%(n)s signals and no order within %(window)s, because: %(why)s") % told
    return _("No signals were produced within %(window)s, because: %(why)s") % told


def steps(problem: Problem) -> list[str]:
    told = [str(step) for step in WORDS[problem.cause].steps]
    if problem.cause in (Cause.SIGNALS_REJECTED, Cause.SAME_REJECTIONS) and problem.subject in Code.__members__:
        told.append(gettext(MEANINGS[Code(problem.subject)].fix))
    return told


def told(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """The problems for a machine, in their order, with words in the language that is active."""
    return [
        {
            "rank": rank,
            "key": one.key,
            "severity": one.severity.value,
            "title": title(one),
            "cause": cause(one),
            "measured": dict(one.params),
            "setting": one.setting,
            "since": iso(one.since),
            "because": one.because,
            "evidence": [{"text": evidence(it), "href": it.href} for it in one.evidence],
            "steps": steps(one),
            "action": pressed(one.action),
        }
        for rank, one in enumerate(problems, start=1)
    ]


def pressed(one: Action | None) -> dict[str, str] | None:
    """A safe action by its name and target; a way to a page is none."""
    return {"control": one.control, "target": one.target} if one and one.control else None


def evidence(one: Evidence) -> str:
    return str(EVIDENCE[one.code]) % written(one.params)


def setting(problem: Problem) -> str:
    """The setting's value and default, and who changed it last; nothing where none is named."""
    knob = problem.knob
    if knob is None:
        return ""
    blank = _("not set")
    told = {"setting": knob.name, "value": knob.shown or blank, "default": knob.default_shown or blank}
    if knob.is_default:
        said = _("%(setting)s is %(value)s, its default.") % told
    else:
        said = _("%(setting)s is %(value)s; its default is %(default)s.") % told
    if not knob.changed_at:
        return said
    by = {"by": knob.changed_by, "at": f"{knob.changed_at:%Y-%m-%d} {clock(knob.changed_at)}"}
    changed = _("%(by)s changed it at %(at)s UTC.") % by
    return f"{said} {changed}"


def action(one: Action | None) -> str:
    """What the safe action does, in two words."""
    if one is None or not one.control:
        return ""
    names = {
        "tick_module": _("Run the module now"),
        "refresh_universe": _("Refresh the universe"),
        "retrain": _("Train anew"),
        "close_position": _("Close the position"),
        "clear_cooldown": _("End the cooldown"),
        "set_switch": _("Halt entries"),
        "tune": _("Put the limit back"),
    }
    return names[one.control]


def meant(one: Meant) -> str:
    """What stands still on purpose, in a sentence."""
    part = {"n": grouped(one.params.get("n") or 0), "of": grouped(one.params.get("of") or 0)}
    if one.code in ("HALTED", "REDUCING"):
        told = {"by": one.params["by"], "state": word(one.code.lower()), "reason": retold(str(one.params["reason"]))}
        return _("%(by)s switched to %(state)s: %(reason)s.") % told
    if one.code == "FLAT":
        best = one.params.get("best")
        told = {**part, "best": f"{best:.3f}" if best is not None else "–"}
        return _("%(n)s judgements, all flat; the best confidence was %(best)s.") % told
    if one.code not in Code.__members__:
        return one.code
    meaning = gettext(MEANINGS[Code(one.code)].sentence)
    if not one.params.get("of"):
        return meaning
    share = _("%(n)s of %(of)s signals.") % part
    return f"{share} {meaning}"


# -- numbers ----------------------------------------------------------------------------------------------------------


def shown(problem: Problem) -> dict[str, str]:
    """The measured values as they are written, and the words that some sentences need."""
    told = written(problem.params)
    told |= {"code": str(problem.params.get("code", problem.subject))}
    told["code_title"] = titled(told["code"])
    told["case"] = case(problem)
    told["meaning"] = refusal(problem.params.get("code"))
    if "reason" in told:
        told["reason"] = retold(told["reason"])
    told["idle_words"] = retold(str(problem.params.get("idle") or ""))
    told["where_word"] = _("exchange") if problem.params.get("where") == "venue" else _("journal")
    told["where_leverage"] = told.get("market") or _("Everything that is open")
    told["name"] = spoken.named(str(problem.params.get("module", "")))
    told["often"] = often(problem.params) if problem.cause is Cause.MODULE_FAILS else ""
    if problem.cause is Cause.LIMITS_LOOSENED:
        told |= {name: limit(problem.setting, problem.params[name]) for name in ("first", "value")}
    if problem.cause is Cause.MINIMUM_OVERRIDDEN:
        told["regime"] = word(str(problem.params["regime"]))
    return told


def written(params: Mapping[str, Any]) -> dict[str, str]:
    told = {name: value(name, one) for name, one in params.items()}
    for name, one in params.items():
        if name.endswith("_s"):
            told["limit_time" if name == "limit_s" else name.removesuffix("_s")] = age(one) if one is not None else "–"
    if "symbol" in params:
        told["market"] = market(str(params["symbol"]))
    if "name" in params:
        told["name"] = spoken.named(str(params["name"]))
    return told


def value(name: str, one: Any) -> str:
    if one is None:
        return "–"
    if isinstance(one, bool) or not isinstance(one, int | float):
        return str(one)
    if name.endswith("share"):
        return percent(one, 0)
    return plain(one) if isinstance(one, float) or name in NUMBERS else grouped(one)


def often(params: Mapping[str, Any]) -> str:
    """How many of the hour's runs failed, where they were counted."""
    counted = {"errors": grouped(params["errors"]), "ticks": grouped(params["ticks"])}
    return _("Within the hour %(errors)s of %(ticks)s runs failed.") % counted if params["ticks"] else ""


def titled(code: str) -> str:
    return gettext(MEANINGS[Code(code)].title) if code in Code.__members__ else code


def refusal(code: Any) -> str:
    return str(REFUSALS[code]) if isinstance(code, int) and code in REFUSALS else ""


def case(problem: Problem) -> str:
    """The median rejection's own sentence."""
    params = problem.params
    rejected = problem.cause in (Cause.SIGNALS_REJECTED, Cause.SAME_REJECTIONS)
    if not rejected or problem.subject not in Code.__members__:
        return ""
    facts = {"value": params.get("value"), "limit": params.get("limit"), **(params.get("facts") or {})}
    try:
        said = say(Code(problem.subject), facts, translated)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        said = gettext(MEANINGS[Code(problem.subject)].sentence)
    return _("In the median case: %(case)s.") % {"case": said.rstrip(".")}
