"""Every protective order as the exchange shows it: what was read back, not what we meant to send."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import held as holding
from monitoring.show.panels.base import Panel, register
from monitoring.show.panels.held import verify_limit
from monitoring.show.scene import Scene
from monitoring.watch.words import market, price

KINDS = ("stop", "backstop")


def proof(scene: Scene) -> dict[str, Any]:
    """Stops and backstops of the open positions, with when each was last read back."""
    limit = verify_limit()
    rows = [row for one in scene.held for row in orders(one, limit, scene.now)]
    words = ngettext("%(n)s order rests there", "%(n)s orders rest there", len(rows))
    return {"rows": rows, "verify_limit": limit, "about": words % {"n": len(rows)} if rows else ""}


def orders(one: holding.Held, limit: Any, now: datetime) -> list[dict[str, Any]]:
    told = {"stop": _("Stop"), "backstop": _("Backstop")}
    return [
        {
            "key": f"{one.id}-{kind}",
            "position": one.id,
            "title": market(one.symbol),
            "side": one.side,
            "kind": told[kind],
            "guard": guard,
            "badge": holding.badge(one, guard, limit, now, kind),
            "trigger": price(guard.price, one.places) if guard.price is not None else "",
            "quantity": _("the whole position") if guard.close_position else price(guard.quantity),
        }
        for kind, guard in zip(KINDS, (one.stop, one.backstop), strict=True)
        if guard is not None
    ]


def confirmed(scene: Scene) -> bool:
    """Whether the exchange has shown at least one open position's stop lately."""
    return any(holding.badge(one, one.stop, verify_limit(), scene.now).state == "ok" for one in scene.held)


def read_at(scene: Scene) -> datetime | None:
    """The oldest word of the exchange among them."""
    seen = [
        guard.verified_at for one in scene.held for guard in (one.stop, one.backstop) if guard and guard.verified_at
    ]
    return min(seen, default=None)


register(Panel("proof", proof, read_at, verify_limit, timed=True, follows=("positions", "orders"), seldom=1))
