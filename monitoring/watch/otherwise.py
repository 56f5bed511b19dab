"""The other value that is worth asking about, and what it would have given in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.watch.counterfactuals import Counterfactual
from monitoring.watch.rejudge import WhatIf
from monitoring.watch.words import grouped, signed
from trading import tuning
from trading.codes import Code
from trading.gates import rejudge
from trading.tuning import Loosens

# What these codes measured is in their setting's own unit, so that it says which value would have let it pass.
SPEAKING = {
    Code.LOW_CONFIDENCE,
    Code.COOLDOWN_ACTIVE,
    Code.MAX_POSITIONS,
    Code.CORRELATION,
    Code.TOTAL_RISK,
    Code.EXPOSURE,
    Code.DAILY_LOSS,
    Code.FEED_STALE,
    Code.STALE_SIGNAL,
}
DIGITS = 2  # significant ones of a value that is asked about


def another(case: Mapping[str, Any], config: Any) -> tuple[str, float] | None:
    """The setting of a rejection, and the value at which it would just have passed; None where none can be named."""
    setting, value, limit = str(case.get("setting") or ""), case.get("value"), case.get("limit")
    if not isinstance(value, int | float) or not isinstance(limit, int | float):
        return None
    if setting not in rejudge.SETTINGS or case.get("code") not in SPEAKING:
        return None
    was = tuning.first_value(config, setting)
    wanted = was + (value - limit) if setting in rejudge.MINIMA else value  # volatility's share stays on top
    found = tuning.within(stepped(wanted, setting, config), tuning.range_of(config, setting))
    if not tuning.TUNABLE[setting].eases(was, found):  # it passes by now, the limit was another then
        return None
    return setting, found


def stepped(value: float, setting: str, config: Any) -> float:
    """A round number on the side that lets it pass."""
    up = tuning.TUNABLE[setting].loosens is Loosens.UP
    exact = Decimal(str(round(value, 9)))
    whole = tuning.range_of(config, setting).whole
    step = Decimal(1) if whole else Decimal(1).scaleb(exact.adjusted() - DIGITS + 1)
    if up and setting == "QT_MAX_DAILY_LOSS":
        exact += step / 1000  # reaching that limit stops entries
    found = (exact / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step
    return int(found) if whole else float(found)


def sentence(told: WhatIf) -> str:
    """With QT_MAX_POSITIONS at 7 instead of 6, 3 of 171 would have passed; their mean was -0.12 R (...)."""
    if not told.signals:
        return nothing(told)
    numbers = {
        "setting": told.setting,
        "value": told.value_shown,
        "was": told.was_shown,
        "n": grouped(len(told.gained)),
        "of": grouped(told.rejected),
    }
    if not told.gained:
        said = _("With %(setting)s at %(value)s instead of %(was)s, none of the %(of)s rejected would have passed.")
        return " ".join(filter(None, (said % numbers, lost(told), left_out(told))))
    said = ngettext(
        "With %(setting)s at %(value)s instead of %(was)s, %(n)s of the %(of)s rejected would have passed;",
        "With %(setting)s at %(value)s instead of %(was)s, %(n)s of the %(of)s rejected would have passed;",
        len(told.gained),
    )
    return " ".join(filter(None, (said % numbers, result(told.result), lost(told), left_out(told))))


def nothing(told: WhatIf) -> str:
    """Why nothing could be judged again."""
    if not told.unreadable:
        return _("No signal was judged in this window.")
    return _("Nothing can be judged again: no bar of this window has kept its desk.")


def result(of: Counterfactual) -> str:
    """their mean was +0.31 R (42 known to the end, 95 % from -0.10 R to +0.72 R)."""
    if of.mean_r is None:
        return _("what they would have brought is not known yet.")
    known = {"mean": signed(of.mean_r), "n": grouped(of.n)}
    if of.ci_low is None or of.ci_high is None:
        return _("their mean was %(mean)s R (%(n)s known to the end, too few for an interval).") % known
    known |= {"low": signed(of.ci_low), "high": signed(of.ci_high)}
    return _("their mean was %(mean)s R (%(n)s known to the end, 95 %% from %(low)s to %(high)s R).") % known


def lost(told: WhatIf) -> str:
    n = len(told.lost)
    said = ngettext("%(n)s that passed would not have.", "%(n)s that passed would not have.", n)
    return said % {"n": grouped(n)} if n else ""


def left_out(told: WhatIf) -> str:
    """What the answer does not know, so that nobody takes it for the whole window."""
    parts = []
    if told.older:
        n = {"n": grouped(told.older), "seen": grouped(told.signals)}
        parts.append(_("Only the newest %(seen)s signals were judged again; %(n)s older ones were not.") % n)
    if told.unreadable:
        said = ngettext("%(n)s bar has no stored desk.", "%(n)s bars have no stored desk.", told.unreadable)
        parts.append(said % {"n": grouped(told.unreadable)})
    if told.untold:
        said = ngettext(
            "Of %(n)s the correlation can't be measured any more.",
            "Of %(n)s the correlation can't be measured any more.",
            told.untold,
        )
        parts.append(said % {"n": grouped(told.untold)})
    return " ".join(parts)
