"""Clear a cooldown: the symbol may be entered again before its time. That loosens, so it takes a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import UNSEEN, BadRequest, Shown, Stale, needed
from monitoring.control.permissions import person
from trading import events, tuning
from trading.models import CooldownClear
from trading.orders.rows import last_entries

PAGE_LIMIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Cleared:
    """The cooldown that is over: which order had started it, and what was left of it."""

    symbol: str
    order_id: int
    seconds_left: float


def clear_cooldown(symbol: str, reason: str, who: Any, now: datetime, shown: Shown = UNSEEN) -> Cleared:
    """End a symbol's cooldown now; `Stale` where there is none any more, or another order has started a new one."""
    actor = person(who)
    actor.must("cooldown.clear")
    reason = needed(reason, _("Clearing a cooldown"))
    with transaction.atomic():
        audit.lock()
        cooldown = timedelta(seconds=tuning.effective().QT_COOLDOWN_SECONDS)
        at, order_id = last_entries([symbol]).get(symbol, (None, 0))
        if at is None or now - at >= cooldown:
            if not known(symbol):
                raise BadRequest(
                    "symbol", _("%(symbol)s is unknown here; the universe lists the symbols.") % {"symbol": symbol}
                )
            raise Stale(_("%(symbol)s is not cooling down.") % {"symbol": symbol})
        shown.must_hold({"order_id": order_id}, now, PAGE_LIMIT)
        left = (at + cooldown - now).total_seconds()
        CooldownClear.objects.create(
            order_id=order_id, symbol=symbol, cleared_by=actor.name, cleared_at=now, reason=reason
        )
        audit.append(
            who=actor.name,
            action="cooldown.clear",
            target=symbol,
            before={"order_id": order_id, "seconds_left": round(left, 1)},
            after={"seconds_left": 0},
            reason=reason,
            now=now,
        )
        events.changed("risk", "policy")
    return Cleared(symbol, order_id, left)


def known(symbol: str) -> bool:
    from trading.feed.rows import universe
    from trading.models import Signal

    return symbol in universe() or Signal.objects.filter(symbol=symbol).exists()
