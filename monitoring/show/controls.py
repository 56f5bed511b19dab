"""Controls: what a person can press, with the consequence in today's numbers. Pure but for the words' language.

A page or panel builds a `Control` from rows that it has read anyway, and its template shows it:

    row["control"] = controls.offer(controls.close(held), scene.audience)      # None where the role may not
    {% include "monitoring/parts/control.html" with control=row.control %}      # draws nothing for None

The part is a form that leads to `/control/<action>/?target=...`: a plain page that states the same and asks the same.
With the script, the button opens a dialog instead and posts JSON to the same address. Either way what the page showed
(`shown`) goes along, and an answer is 200 done, 202 accepted, 400, 403 or 409 (nothing changed), each with a sentence.
`kind` in the include is the button's class: `button`, `button primary` or (default) `plain-button`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show.audience import Audience
from monitoring.watch.words import age, exact, grouped, market, price, signed

NO_REASON, MAY_REASON, MUST_REASON = "none", "optional", "required"


@dataclass(frozen=True, slots=True)
class Value:
    """A number that the dialog asks for. A change in the direction of `eases` (up, down) needs a reason."""

    label: str
    now: str
    step: str
    low: str = ""
    high: str = ""
    eases: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that can be pressed.

    `action` is the address below /control/, `target` what it acts on; `verb` stands on the button, `title` is the
    dialog's question, `consequence` its two sentences, `go` and `stay` its two verbs. `shown` holds the row's values
    that the page showed: where one has changed meanwhile, the answer is 409. `permit` is the key in PERMITS.
    """

    action: str
    target: str
    verb: str
    title: str
    consequence: str
    go: str
    stay: str
    permit: str
    reason: str = MAY_REASON
    shown: Mapping[str, str] = field(default_factory=dict)
    value: Value | None = None

    @property
    def json(self) -> str:
        """For the script: everything that the dialog says and posts."""
        value = self.value and {name: getattr(self.value, name) for name in Value.__slots__}
        told = {name: getattr(self, name) for name in ("action", "target", "title", "consequence", "go", "stay")}
        return json.dumps(told | {"reason": self.reason, "shown": dict(self.shown), "value": value}, ensure_ascii=False)


def offer(control: Control, audience: Audience) -> Control | None:
    """The control, for those who may press it."""
    return control if audience.may(control.permit) else None


def close(
    number: int, symbol: str, side: str, quantity: Decimal, mark: Decimal | None, unrealized: Decimal | None
) -> Control:
    """Close one open position."""
    name = market(symbol)
    known = {"quantity": price(quantity), "price": price(mark), "money": signed(unrealized or Decimal(0))}
    if mark is None or unrealized is None:
        first = _("%(quantity)s are closed at market; no price is known now.")
    else:
        first = _("%(quantity)s are closed at market, at about %(price)s: %(money)s USDT before the exit's fee.")
    return Control(
        action="close",
        target=str(number),
        verb=_("Close this position"),
        title=_("Close %(symbol)s %(side)s?") % {"symbol": name, "side": _(side)},
        consequence=both(first % known, _("Its stop, backstop and target are cancelled once it is flat.")),
        go=_("Close it"),
        stay=_("Keep it"),
        permit="position.close",
        shown={"side": side, "quantity": exact(quantity)},
    )


def clear_cooldown(symbol: str, order_id: int, seconds_left: float, cooldown: float) -> Control:
    """End one symbol's cooldown."""
    told = {"order": order_id, "left": age(seconds_left), "all": age(cooldown), "symbol": market(symbol)}
    return Control(
        action="cooldown",
        target=symbol,
        verb=_("Clear this cooldown"),
        title=_("Clear the cooldown of %(symbol)s?") % told,
        consequence=_(
            "Order %(order)s started it, and %(left)s of %(all)s are left. "
            "The next signal on %(symbol)s may send an order at once."
        )
        % told,
        go=_("Clear it"),
        stay=_("Let it run"),
        permit="cooldown.clear",
        reason=MUST_REASON,
        shown={"order_id": str(order_id)},
    )


def tick(name: str, title: str, last_work: datetime | None, every: timedelta, now: datetime) -> Control:
    """Run one module by hand."""
    told = {"title": title, "every": age(every), "ago": age(now - last_work) if last_work else ""}
    if last_work:
        second = _("It runs every %(every)s by itself, and last did useful work %(ago)s ago.") % told
    else:
        second = _("It runs every %(every)s by itself, and has done no useful work yet.") % told
    return Control(
        action="tick",
        target=name,
        verb=_("Run now"),
        title=_("Run %(title)s now?") % told,
        consequence=both(
            _("It does once what is due, in its own queue, and its beat names you as the caller."), second
        ),
        go=_("Run it"),
        stay=_("Leave it"),
        permit="module.tick",
        reason=NO_REASON,
    )


def refresh_universe(symbols: int, at: datetime | None, now: datetime) -> Control:
    """Ask the venue anew what may be traded."""
    known = ngettext("%(n)s symbol is in, as of %(ago)s ago.", "%(n)s symbols are in, as of %(ago)s ago.", symbols)
    first = known % {"n": grouped(symbols), "ago": age(now - at)} if at else _("No universe has been stored yet.")
    return Control(
        action="universe",
        target="",
        verb=_("Refresh the universe"),
        title=_("Ask the exchange what it trades?"),
        consequence=both(first, _("Symbols that it no longer trades get no new entries from the next bar on.")),
        go=_("Refresh it"),
        stay=_("Leave it"),
        permit="universe.refresh",
        reason=NO_REASON,
    )


def retrain(trained_at: datetime | None, now: datetime) -> Control:
    """Train a new set of models."""
    if trained_at:
        first = _("The models in force were trained %(ago)s ago; they go on voting meanwhile.") % {
            "ago": age(now - trained_at)
        }
    else:
        first = _("No model votes now.")
    return Control(
        action="retrain",
        target="",
        verb=_("Train new models"),
        title=_("Train new models now?"),
        consequence=both(
            first,
            _("A challenger is trained in a queue of its own; it takes over only where it is better out of sample."),
        ),
        go=_("Train them"),
        stay=_("Leave them"),
        permit="model.retrain",
    )


def tune(
    name: str,
    value: float,
    shown: str,
    first: str,
    allowed: tuple[float | None, float | None],
    whole: bool,
    eases: str,
    label: str,
) -> Control:
    """Change one limit. `shown` and `first` are written with their unit, `eases` says which way loosens."""
    low, high = (bare(end) for end in allowed)
    told = {"name": name, "value": shown, "first": first, "low": low, "high": high}
    first_of_all = _("It is %(value)s; the environment says %(first)s, and it may be from %(low)s to %(high)s.") % told
    if eases == "up":
        way = _("From the next bar on; a higher value lets more risk in and takes a risk officer and a reason.")
    else:
        way = _("From the next bar on; a lower value lets more risk in and takes a risk officer and a reason.")
    return Control(
        action="tune",
        target=name,
        verb=_("Change"),
        title=_("Change %(name)s?") % told,
        consequence=both(first_of_all, way),
        go=_("Change it"),
        stay=_("Leave it"),
        permit="limits.tighten",
        shown={name: bare(value)},
        value=Value(label, bare(value), "1" if whole else "any", low, high, eases),
    )


def both(first: str, second: str) -> str:
    return f"{first} {second}"


def bare(value: Any) -> str:
    """A number as an input field takes it."""
    return "" if value is None else exact(Decimal(str(value)))
