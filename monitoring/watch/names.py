"""What stored words are called on screen: states of the switch, outcomes, regimes, liveness."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from monitoring.watch import truthwords

NAMES = {
    # the switch
    "active": _("active"),
    "reducing": _("reducing"),
    "halted": _("halted"),
    # what became of a signal
    "traded": _("traded"),
    "rejected": _("rejected"),
    "failed": _("failed"),
    "pending": _("pending"),
    # the market
    "trending": _("trending"),
    "ranging": _("ranging"),
    "normal": _("normal"),
    "low": _("low"),
    "high": _("high"),
    "extreme": _("extreme"),
    # how bad an incident is
    "critical": _("critical"),
    "medium": _("medium"),
    # margin
    "isolated": _("isolated"),
    "cross": _("cross"),
    # a protective order
    "stop": _("stop"),
    "backstop": _("backstop"),
    "target": _("target"),
    # a module
    "up": _("up"),
    "late": _("late"),
    "down": _("down"),
    "never": _("never"),
    **{status.value: name for status, name in truthwords.NAMES.items()},
}


def word(stored: str) -> str:
    """The stored word in the reader's language; one that has no name is shown as it is stored."""
    return str(NAMES.get(str(stored).lower(), stored))
