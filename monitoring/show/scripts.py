"""The words that the page's scripts say, in the reader's language; each page brings them along as JSON."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS = {
    # ages.js
    "moment": _("a moment"),
    "unconfirmed": _("Protection not confirmed:"),
    # live.js
    "connected": _("Connected"),
    "connecting": _("Connecting"),
    "lost": _("Not connected."),
    "lost-for": _("Not connected for %(age)s."),
    "numbers-from": _("Numbers are from %(at)s."),
    "no-watching": _("This user may not watch."),
    # switch.js
    "active": _("active"),
    "reducing": _("reducing"),
    "halted": _("halted"),
    "allow-entries": _("Allow entries again?"),
    "leave-halt": _("Leave the halt, for exits only?"),
    "switch-goes": _("The switch goes from %(from)s to %(to)s."),
    "one-open": _("1 position is open."),
    "many-open": _("%(n)s positions are open."),
    "may-send": _("The next bar may send orders."),
    "stay": _("Stay %(state)s"),
    "go": _("Go %(state)s"),
    "switch-unreached": _("The switch was not reached. Try again, or use manage.py switch."),
    "switch-unmoved": _("The switch was not moved (%(status)s)."),
    "is-active": _("The switch is on active. Entries are allowed again."),
    "is-reducing": _("The switch is on reducing. No new entries; everything else lives."),
    "is-halted": _("The switch is on halted. No entries, and waiting ones are cancelled."),
    # toast.js
    "dismiss": _("Dismiss"),
}
