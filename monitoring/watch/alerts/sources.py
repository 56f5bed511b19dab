"""What has to be told now, and to whom it belongs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitoring.watch.alerts.burn import PAGE, TICKET, Burning, Law

INCIDENT, BURN, TEST = "INCIDENT", "BURN", "TEST"
RISK = frozenset({"UNPROTECTED", "ORDER_UNKNOWN", "PART_UNKNOWN", "MONEY_DIFFERS", "STOPS_BROKEN"})  # money is open
PAGE_SILENT = "PROCESS_SILENT:web"  # trading goes on, and nobody sees it
OWNERS: Mapping[Law, str] = {
    Law.ACCOUNTED: "operator",
    Law.KNOWN: "risk",
    Law.PROTECTED: "risk",
    Law.FRESH: "operator",
    Law.RUNNING: "operator",
}
PAGES: Mapping[Law, str] = {  # where each law is shown, with what to do
    Law.ACCOUNTED: "/diagnosis/",
    Law.KNOWN: "/orders/",
    Law.PROTECTED: "/positions/",
    Law.FRESH: "/universe/",
    Law.RUNNING: "/modules/",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that people have to be told for as long as it lasts."""

    key: str
    severity: str
    code: str
    owner: str
    link: str
    since: datetime
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An open incident. `paged`: a person has to act; `seen`: one has said that they know; `told`: people were told."""

    key: str
    code: str
    severity: str
    since: datetime
    paged: bool
    seen: bool
    params: Mapping[str, Any] = field(default_factory=dict)
    told: bool = False


def from_incidents(troubles: Iterable[Trouble]) -> list[Wanted]:
    """Critical ones and those that nothing healed are pages, high ones tickets; milder ones are on the page alone."""
    return [
        Wanted(
            key=f"incident:{one.key}",
            severity=severity,
            code=INCIDENT,
            owner="risk" if one.code in RISK else "operator",
            link="/incidents/",
            since=one.since,
            params={"incident": one.code, **one.params},
        )
        for one in troubles
        if (severity := urgency(one))
    ]


def urgency(one: Trouble) -> str:
    """Whoever was told of it is not told that it is over because it became milder."""
    if one.paged and not one.seen or one.severity == "critical" or one.key == PAGE_SILENT:
        return PAGE
    return TICKET if one.severity == "high" or one.told else ""


def from_burning(found: Iterable[Burning], now: datetime) -> list[Wanted]:
    return [
        Wanted(
            key=f"burn:{one.law}:{one.rule.severity}",
            severity=one.rule.severity,
            code=BURN,
            owner=OWNERS[one.law],
            link=PAGES[one.law],
            since=now,
            params={
                "law": one.law.value,
                "rate": round(one.rate, 1),
                "limit": one.rule.rate,
                "minutes": one.lost,
                "hours": one.rule.long.total_seconds() / 3600,
            },
        )
        for one in found
    ]
