"""What several detectors count: decisions by code, their shares and their typical case. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from monitoring.watch.diagnosis.facts import Facts, Judged
from monitoring.watch.diagnosis.problem import Evidence
from monitoring.watch.funnel import median
from monitoring.watch.probes.facts import Tally
from monitoring.watch.probes.held import Held
from trading.codes import MEANINGS, Code


def tallies(facts: Facts, *codes: str) -> list[Tally]:
    """What was not traded, by these codes."""
    return [tally for tally in facts.seen.decided if tally.code in codes and tally.outcome in ("rejected", "failed")]


def count(facts: Facts, *codes: str) -> int:
    return sum(tally.n for tally in tallies(facts, *codes))


def share(facts: Facts, *codes: str) -> float:
    """Of the window's signals; 0 where there are none."""
    return count(facts, *codes) / facts.signals if facts.signals else 0.0


def since(facts: Facts, *codes: str) -> datetime | None:
    return min((tally.first for tally in tallies(facts, *codes)), default=None)


def rejected(facts: Facts, code: str) -> list[Judged]:
    """The newest of the window with this code."""
    return [one for one in facts.judged if one.code == code and one.outcome == "rejected"]


def typical(facts: Facts, code: str) -> Mapping[str, Any]:
    """The median case of a code: its value, limit, setting and facts."""
    return median([dict(one.case) for one in rejected(facts, code) if one.case])


def setting_of(code: str, case: Mapping[str, Any]) -> str:
    """The setting that the case names, or the table of codes."""
    if case:
        return str(case.get("setting") or "")
    return MEANINGS[Code(code)].setting if code in Code.__members__ else ""


def decisions(facts: Facts, code: str, n: int) -> Evidence:
    return Evidence("decisions", {"n": n, "of": facts.signals, "code": code}, f"/decisions/?code={code}")


def position(one: Held) -> Evidence:
    return Evidence("position", {"id": one.id, "symbol": one.symbol, "notional": round(one.notional, 2)}, "/positions/")


def stake(held: Iterable[Held]) -> float:
    """The notional of these positions in USDT."""
    return round(float(sum(abs(one.notional) for one in held)), 2)
