"""The open positions, each with what protects it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import controls
from monitoring.show import held as holding
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene
from monitoring.watch.words import NBSP, age, grouped, market, price


def verify_limit() -> timedelta:
    """How old the exchange's own word on a stop may be."""
    return max(SECOND * 15, SECOND * settings.QUANTUM.QT_POSITION_MONITOR_INTERVAL * 2)


def positions(scene: Scene) -> dict[str, Any]:
    limit = verify_limit()
    held = [position(one, limit, scene.now) | {"control": closing(one, scene)} for one in scene.held]
    confirmed = sum(row["stop"].state == "ok" for row in held)
    return {
        "rows": held,
        "verify_limit": limit,
        "about": _("%(n)s of %(of)s open; %(stops)s")
        % {"n": len(held), "of": scene.config.QT_MAX_POSITIONS, "stops": stops(confirmed, len(held))}
        if held
        else "",
        "last": scene.last_closed if not held else None,
    }


def stops(confirmed: int, of: int) -> str:
    if confirmed == of:
        return _("all stops confirmed") if of > 1 else _("its stop is confirmed")
    said = ngettext("%(n)s stop confirmed, %(rest)s not", "%(n)s stops confirmed, %(rest)s not", confirmed)
    return said % {"n": confirmed, "rest": of - confirmed}


def position(one: holding.Held, limit: timedelta, now: datetime) -> dict[str, Any]:
    money = holding.value(one, one.mark, one.mark_at or now) if one.mark is not None else None
    return {
        "held": one,
        "title": market(one.symbol),
        "money": money,
        "cells": holding.cells(one, money) if money else None,
        "quantity": price(one.quantity),
        "entry": price(one.entry, one.places),
        "stop": holding.badge(one, one.stop, limit, now),
        "backstop": holding.badge(one, one.backstop, limit, now, "backstop"),
        "target": price(one.target, one.places) if one.target else "",
        "without": f"{grouped(holding.seconds_without(one, now), 1)}{NBSP}s",
        "limit": age(holding.PROTECT_WITHIN),
        "r": price(one.r, one.places),
        "left": age(one.expires_at - now) if one.expires_at else "",
        "liquidation": price(one.liquidation, one.places) if one.liquidation else "",
        "fees": grouped(one.fees, 2),
    }


def closing(one: holding.Held, scene: Scene) -> controls.Control | None:
    """The control that closes it, for those who may; nothing while it is being closed."""
    if one.closing:
        return None
    money = holding.value(one, one.mark, one.mark_at or scene.now).unrealized if one.mark is not None else None
    return controls.offer(controls.close(one.id, one.symbol, one.side, one.quantity, one.mark, money), scene.audience)


def positions_at(scene: Scene) -> datetime | None:
    """The mark that is oldest among the open positions; without one, when the monitor last looked."""
    times = [one.mark_at for one in scene.held if one.mark_at]
    looked = next((p.state.last_tick for p in scene.pulses if p.name == "position_monitor" and p.state), None)
    return min(times) if times else looked


register(Panel("positions", positions, positions_at, lambda: verify_limit(), timed=True, follows=("orders",)))
