"""Alerts in words: a title, a sentence with its numbers, where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.models import Alert, AlertDelivery
from monitoring.watch import ailments
from monitoring.watch.alerts.burn import Law
from monitoring.watch.alerts.sources import BURN, INCIDENT

LAWS: Mapping[Law, Promise] = {
    Law.ACCOUNTED: gettext_lazy("Every signal has its decision"),
    Law.KNOWN: gettext_lazy("No order's outcome stays unknown"),
    Law.PROTECTED: gettext_lazy("Every position has its stop at the exchange"),
    Law.FRESH: gettext_lazy("Candles are young enough to decide on"),
    Law.RUNNING: gettext_lazy("What must run does"),
}
SEVERITIES: Mapping[str, Promise] = {Alert.PAGE: gettext_lazy("Alarm"), Alert.TICKET: gettext_lazy("Ticket")}
OWNERS: Mapping[str, Promise] = {"operator": gettext_lazy("operator"), "risk": gettext_lazy("risk officer")}


def title(code: str, params: Mapping[str, Any]) -> str:
    if code == INCIDENT:
        return ailments.title(str(params.get("incident", "")), params)
    if code == BURN and params.get("law") in set(Law):
        return _("Broken too often: %(law)s") % {"law": str(LAWS[Law(params["law"])]).lower()}
    return _("A test: alerts arrive here")


def sentence(code: str, params: Mapping[str, Any]) -> str:
    if code == INCIDENT:
        return ailments.sentence(str(params.get("incident", "")), params)
    if code == BURN and params.get("law") in set(Law):
        told = {
            "n": params["minutes"],
            "hours": f"{params['hours']:g}",
            "rate": params["rate"],
            "limit": params["limit"],
        }
        text = ngettext(
            "%(n)s minute lost in %(hours)s h: the budget burns %(rate)s times too fast, told from %(limit)s.",
            "%(n)s minutes lost in %(hours)s h: the budget burns %(rate)s times too fast, told from %(limit)s.",
            params["minutes"],
        )
        return text % told
    return _("Nothing is wrong.")


def message(due: Sequence[AlertDelivery], house: str, address: str) -> tuple[str, str]:
    """Subject and body of one message; each alert with the key that tells a receiver that it had it before."""
    newest = due[0]
    head = title(newest.alert.code, newest.alert.params)
    if newest.kind == AlertDelivery.OVER:
        head = _("Over: %(title)s") % {"title": head}
    more = len(due) - 1
    subject = f"[Quantum {house}] {head}" + (f" (+{more})" if more else "")
    return subject, "\n\n".join(paragraph(one, address) for one in due)


def paragraph(one: AlertDelivery, address: str) -> str:
    row = one.alert
    lines = [
        f"{SEVERITIES[row.severity]}: {title(row.code, row.params)}",
        sentence(row.code, row.params),
        _("Since %(at)s UTC, seen %(n)s times. For: %(owner)s.")
        % {"at": f"{row.first_at:%Y-%m-%d %H:%M:%S}", "n": row.count, "owner": OWNERS.get(row.owner, row.owner)},
    ]
    if one.kind == AlertDelivery.OVER and row.resolved_at:
        lines.append(_("Over since %(at)s UTC.") % {"at": f"{row.resolved_at:%Y-%m-%d %H:%M:%S}"})
    return "\n".join([*lines, f"{address}{row.link}", f"key: {one.dedup}"])
