"""Whether the money is true: our days against the venue's, what is there now, and the last proof of its stops.

`read` asks the rows, the verdicts are pure. One meaning everywhere: page, API, probes and incidents ask here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitoring.watch.moneyfaults import MoneyFault, fault
from trading.models import CanaryRun, DailyMoney, VenueLook
from trading.orders import proving
from trading.positions import books

OK, FAIL, UNKNOWN = "ok", "fail", "unknown"
SHOWN = 14  # days
WANTED = 7  # days that must agree
BACK = timedelta(days=30)  # a difference is told for so long
LATE = timedelta(minutes=16)  # three rounds of the reconciliation missed
SETTLED_BY = timedelta(minutes=30)  # after midnight; later an unsettled yesterday is late
RUNS = 10


@dataclass(frozen=True, slots=True)
class Day:
    """One day as its row tells; `lines` and `notes` as they are stored."""

    day: date
    state: str
    settled: bool
    ours: Decimal
    theirs: Decimal
    explained: Decimal
    worst: Decimal
    lines: tuple[Mapping[str, str], ...]
    notes: tuple[Mapping[str, Any], ...]
    checked_at: datetime
    compared_until: datetime

    @property
    def wrong(self) -> tuple[Mapping[str, str], ...]:
        """The lines that differ, the largest first."""
        found = [line for line in self.lines if abs(Decimal(line["difference"])) >= books.CENT]
        return tuple(sorted(found, key=lambda line: -abs(Decimal(line["difference"]))))


@dataclass(frozen=True, slots=True)
class Look:
    """What was there when the venue was last looked at."""

    at: datetime
    agrees: bool
    positions: tuple[Mapping[str, Any], ...] = ()
    orders: tuple[Mapping[str, Any], ...] = ()

    @property
    def external(self) -> int:
        return sum(1 for one in (*self.positions, *self.orders) if one["state"] == "external")

    @property
    def wrong(self) -> int:
        """How many of our own differ or are missing there."""
        return sum(1 for one in (*self.positions, *self.orders) if one["state"] in ("differs", "missing"))


@dataclass(frozen=True, slots=True)
class Proof:
    """One run of the canary."""

    id: int
    at: datetime
    outcome: str
    code: str
    requested_by: str
    finished_at: datetime | None
    symbol: str
    client: str
    steps: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Money:
    """All of it, newest first."""

    days: tuple[Day, ...] = ()
    look: Look | None = None
    runs: tuple[Proof, ...] = ()  # the newest, and the newest that said OK or FAIL, however long ago that was
    last_ok: datetime | None = None  # of the canary
    proves: bool = True  # this mode makes canaries


@dataclass(frozen=True, slots=True)
class Verdict:
    """OK, FAIL or UNKNOWN with a code and its numbers."""

    state: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None


# -- reading -----------------------------------------------------------------------------------------------------------


def read(mode: str, now: datetime) -> Money:
    """Four queries."""
    rows = DailyMoney.objects.filter(day__gte=(now - BACK).date()).order_by("-day")
    last = VenueLook.objects.order_by("-at").first()
    runs = list(CanaryRun.objects.order_by("-id")[:RUNS])
    decided = CanaryRun.objects.filter(outcome__in=(CanaryRun.OK, CanaryRun.FAIL)).order_by("-id").first()
    if decided is not None and decided not in runs:
        runs.append(decided)
    return Money(
        days=tuple(day(row) for row in rows),
        look=Look(last.at, last.agrees, tuple(last.positions), tuple(last.orders)) if last else None,
        runs=tuple(run(row) for row in runs),
        last_ok=decided.finished_at if decided and decided.outcome == CanaryRun.OK else None,
        proves=mode in proving.MODES,
    )


def day(row: DailyMoney) -> Day:
    return Day(
        row.day, row.state, row.settled, row.ours, row.theirs, row.explained, row.worst, tuple(row.lines),
        tuple(row.notes), row.checked_at, row.compared_until,
    )  # fmt: skip


def run(row: CanaryRun) -> Proof:
    return Proof(
        row.pk, row.started_at, row.outcome, row.code, row.requested_by, row.finished_at, row.symbol, row.client,
        tuple(row.steps),
    )  # fmt: skip


# -- verdicts ----------------------------------------------------------------------------------------------------------


def streak(days: Sequence[Day]) -> int:
    """How many settled days up to now agree, one after the other."""
    n = 0
    for one in days:
        if one.settled and one.state != OK:
            break
        n += one.state == OK
    return n


def agreement(money: Money, now: datetime) -> Verdict:
    """The books' verdict: a difference beats everything; what was not looked at lately is unknown."""
    days = money.days
    wrong = next((one for one in days if one.state == FAIL), None)
    if wrong is not None:
        return Verdict(FAIL, "books-differ", apart(wrong), wrong.checked_at)
    if not days:
        return Verdict(UNKNOWN, "books-never")
    checked = max(one.checked_at for one in days)
    if now - checked > LATE:
        params = {"age_s": (now - checked).total_seconds(), "limit_s": LATE.total_seconds()}
        return Verdict(UNKNOWN, "books-old", params, checked)
    pending = next((o for o in days if not o.settled and now - books.bounds(o.day)[1] > SETTLED_BY), None)
    if pending is not None:
        return Verdict(UNKNOWN, "books-unsettled", {"day": pending.day.isoformat()}, checked)
    if not (n := streak(days)):
        return Verdict(UNKNOWN, "books-young", {}, checked)
    return Verdict(OK, "books-agree", {"n": n}, checked)


def apart(day: Day) -> dict[str, Any]:
    """A day that differs: how many lines, and the largest."""
    return {"day": day.day.isoformat(), "n": len(day.wrong)} | dict(day.wrong[0])


def contract(money: Money, now: datetime) -> Verdict:
    """The venue's contract: broken until a later run is OK; an OK lasts 26 hours, and silence proves nothing."""
    over = next((one for one in money.runs if one.outcome), None)
    decided = next((one for one in money.runs if one.outcome in (OK, FAIL)), None)
    limit = proving.LASTS.total_seconds()
    if not money.proves:
        return Verdict(UNKNOWN, "stops-not-proven-here")
    if decided is not None and decided.outcome == FAIL:
        params = told_of(decided) | {"age_s": (now - decided.at).total_seconds(), "symbol": decided.symbol}
        return Verdict(FAIL, "stops-broken", params, decided.at)
    if money.last_ok is None:
        return Verdict(UNKNOWN, "stops-never-proven", told_of(over), over.at if over else None)
    silence = (now - money.last_ok).total_seconds()
    params = told_of(over) | {"age_s": silence, "limit_s": limit}
    if silence > limit:
        return Verdict(UNKNOWN, "stops-proof-old", params, money.last_ok)
    return Verdict(OK, "stops-proven", params, money.last_ok)


def told_of(one: Proof | None) -> dict[str, Any]:
    """What a run came to: its code, and the step that the code is of."""
    if one is None:
        return {"what": ""}
    failed = next((s for s in one.steps if s["step"] == one.code.partition(" ")[0]), None)
    return {"what": one.code} | ({"failed": dict(failed)} if failed else {})


def faults(mode: str, now: datetime) -> tuple[MoneyFault, ...]:
    """What an incident is made of, each day that differs by itself; four queries."""
    seen = read(mode, now)
    days = [fault("books-differ", apart(one)) for one in seen.days if one.state == FAIL]
    said = contract(seen, now)
    return tuple(one for one in (*days, fault(said.code, said.params)) if one is not None)


def unexplained() -> frozenset[str]:
    """Every day on which our books and the venue's still differ, however long ago; one query."""
    days = DailyMoney.objects.filter(state=DailyMoney.FAIL).values_list("day", flat=True)
    return frozenset(day.isoformat() for day in days)
