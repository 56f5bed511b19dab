"""The way back for models: the control that lets a former set vote again."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from monitoring.control.actions.wayback import Set, in_force
from monitoring.show.controls import MUST_REASON, Control, both
from monitoring.templatetags.quantum import title_of_kind
from monitoring.watch.words import age


def roll_back(known: Set, now: datetime) -> Control:
    """Let a former set vote again."""
    told = {
        "version": known.version,
        "kinds": ", ".join(title_of_kind(kind) for kind in known.kinds),
        "ago": age(now - known.trained_at),
        "now": in_force(known.against),
    }
    first = _("%(kinds)s of version %(version)s, trained %(ago)s ago, vote from the next closed bar on.") % told
    if known.against:
        second = _("Version %(now)s retires and stays for a way back. Open positions keep their stops.") % told
    else:
        second = _("No model votes now. Open positions keep their stops.")
    return Control(
        action="rollback",
        target=known.version,
        verb=_("Bring back"),
        title=_("Bring version %(version)s back?") % told,
        consequence=both(first, second),
        go=_("Bring it back"),
        stay=_("Leave it"),
        permit="model.rollback",
        reason=MUST_REASON,
        shown={"in_force": told["now"]},
    )
