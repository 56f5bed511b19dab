"""The scorecard: probes -> components of ten points -> four groups -> one number of a hundred, its coverage, its caps.

Unknown earns nothing. A trading-critical component counts twice. A cap holds the whole at 50: signals without orders
that nothing meant explains, an unprotected position, an unknown in a trading-critical component. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitoring.watch.probes import PROBES, Answer, Probe, State

FULL, CAP = 10, 50
HEALTHY, MEASURED = 90, 50  # from here on healthy; below this coverage nothing is known
SEVERE = 4  # lost points from which a component fails rather than ails
IDLE, NAKED, DARK = "idle", "naked", "dark"
CAPPING = {"executor.trades": IDLE, "position_monitor.protected": NAKED}


@dataclass(frozen=True, slots=True)
class Part:
    """One component of the mission's scorecard. `critical`: trading hangs on it."""

    key: str
    name: str
    group: str
    critical: bool = False
    weight: int = 1


def crucial(key: str, name: str, group: str) -> Part:
    return Part(key, name, group, critical=True, weight=2)


CORE, AI, DATA, WATCH = "Core Trading", "AI System", "Data & Infrastructure", "Monitoring"
GROUPS = (CORE, AI, DATA, WATCH)
PARTS = (
    crucial("executor", "Event Driven Executor", CORE),
    Part("policy", "Orchestrator Policy", CORE),
    crucial("position_monitor", "Position Monitor", CORE),
    Part("trailing", "Trailing Stop Manager", CORE),
    crucial("risk_guard", "Risk Guard", CORE),
    Part("models", "AI Models", AI),
    Part("model_supervisor", "Model Supervisor", AI),
    Part("portfolio_balancer", "Portfolio Balancer", AI),
    Part("retraining_orchestrator", "Retraining Orchestrator", AI),
    crucial("data_feed", "Data Feed", DATA),
    crucial("database_validator", "Database", DATA),
    Part("universe", "Universe OS", DATA),
    crucial("exchange", "Exchange", DATA),
    Part("self_healing", "Self-Healing", WATCH),
    Part("logging", "Logging", WATCH),
)
NAMES = {part.key: part.name for part in PARTS}


@dataclass(frozen=True, slots=True)
class Point:
    """What one probe is worth, and what it said."""

    probe: str
    of: int
    state: State
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None

    @property
    def earned(self) -> int:
        return self.of if self.state is State.OK else 0


@dataclass(frozen=True, slots=True)
class Component:
    part: Part
    points: tuple[Point, ...]

    @property
    def score(self) -> int:
        return sum(point.earned for point in self.points)

    @property
    def out_of(self) -> int:
        return sum(point.of for point in self.points)

    @property
    def lost(self) -> int:
        return sum(point.of for point in self.points if point.state is State.FAIL)

    @property
    def dark(self) -> int:
        """Points that were not measured."""
        return sum(point.of for point in self.points if point.state is State.UNKNOWN)

    @property
    def status(self) -> str:
        """ok, warn, fail or unknown; a silent module and what caps the whole fail, whatever they are worth."""
        lost = [point.probe for point in self.points if point.state is State.FAIL]
        if self.lost >= SEVERE or any(probe in CAPPING or probe.endswith(".alive") for probe in lost):
            return "fail"
        if self.lost:
            return "warn"
        return "unknown" if self.dark else "ok"

    @property
    def as_of(self) -> datetime | None:
        """When the oldest of what it rests on was true."""
        return min((point.as_of for point in self.points if point.as_of), default=None)

    @property
    def gone(self) -> tuple[Point, ...]:
        """The lost and the unmeasured points, the dearest first."""
        missing = [point for point in self.points if point.state is not State.OK]
        return tuple(sorted(missing, key=lambda point: (point.state is State.UNKNOWN, -point.of)))


@dataclass(frozen=True, slots=True)
class Cap:
    """Why the whole is held, and where that was seen."""

    code: str  # idle, naked, dark
    part: str
    probe: str
    at: int = CAP


@dataclass(frozen=True, slots=True)
class Scorecard:
    at: datetime
    components: tuple[Component, ...]
    caps: tuple[Cap, ...] = ()

    @property
    def weight(self) -> int:
        return sum(one.part.weight * one.out_of for one in self.components)

    @property
    def raw(self) -> int:
        """Of a hundred, before any cap; never rounded up."""
        return share(sum(one.part.weight * one.score for one in self.components), self.weight)

    @property
    def coverage(self) -> int:
        """How many of a hundred points were measured."""
        return share(sum(one.part.weight * (one.out_of - one.dark) for one in self.components), self.weight)

    @property
    def overall(self) -> int:
        return min([self.raw, *(cap.at for cap in self.caps)])

    @property
    def held(self) -> int:
        """Earned, and held back by a cap."""
        return self.raw - self.overall

    @property
    def lost(self) -> int:
        return self.coverage - self.raw

    @property
    def status(self) -> str:
        """healthy, degraded, critical; unknown where less than half was measured."""
        if self.coverage < MEASURED:
            return "unknown"
        if self.caps or self.raw <= CAP:
            return "critical"
        return "healthy" if self.raw >= HEALTHY else "degraded"

    @property
    def groups(self) -> dict[str, tuple[Component, ...]]:
        return {name: tuple(one for one in self.components if one.part.group == name) for name in GROUPS}

    @property
    def worst(self) -> Component:
        """A capped component first, then the one that lost most."""
        capped = {cap.part for cap in self.caps}
        return min(
            self.components, key=lambda one: (one.part.key not in capped, one.score - one.out_of, not one.part.critical)
        )

    def component(self, key: str) -> Component | None:
        return next((one for one in self.components if one.part.key == key), None)


def share(points: int, of: int) -> int:
    return points * 100 // of if of else 0


def score(
    answers: Mapping[str, Answer], at: datetime, parts: Sequence[Part] = PARTS, probes: Sequence[Probe] = PROBES
) -> Scorecard:
    """Every part with the answers of its probes; a probe that did not answer is unknown."""
    components = tuple(Component(part, tuple(point(one, answers) for one in probes if one.part == part.key))
                       for part in parts)  # fmt: skip
    return Scorecard(at, components, tuple(caps(components)))


def point(probe: Probe, answers: Mapping[str, Answer]) -> Point:
    said = answers.get(probe.key, Answer(State.UNKNOWN, "not-asked"))
    return Point(probe.key, probe.of, said.state, said.code, said.params, said.as_of)


def caps(components: Iterable[Component]) -> Iterable[Cap]:
    """One for each thing that no sum may outweigh."""
    for one in components:
        for mark in one.points:
            if mark.state is State.FAIL and mark.probe in CAPPING:
                yield Cap(CAPPING[mark.probe], one.part.key, mark.probe)
        dark = next((mark for mark in one.points if mark.state is State.UNKNOWN), None)
        if one.part.critical and dark:
            yield Cap(DARK, one.part.key, dark.probe)


# -- kept, and computed again -----------------------------------------------------------------------------------------


def kept(card: Scorecard) -> dict[str, Any]:
    """The evidence as JSON: every answer; of what was ok, only that it was."""
    return {
        "parts": [
            {
                "key": one.part.key,
                "name": one.part.name,
                "group": one.part.group,
                "critical": one.part.critical,
                "weight": one.part.weight,
                "points": [kept_point(mark) for mark in one.points],
            }
            for one in card.components
        ]
    }


def kept_point(mark: Point) -> dict[str, Any]:
    row: dict[str, Any] = {"probe": mark.probe, "of": mark.of, "state": mark.state.value}
    if mark.state is State.OK:
        return row
    return row | {"code": mark.code, "params": dict(mark.params), "as_of": mark.as_of.isoformat() if mark.as_of else ""}


def again(evidence: Mapping[str, Any], at: datetime) -> Scorecard:
    """The score that this evidence gives, by the same sums: the components are those of its own day."""
    components = tuple(
        Component(
            Part(row["key"], row["name"], row["group"], row["critical"], row["weight"]),
            tuple(unkept(mark) for mark in row["points"]),
        )
        for row in evidence.get("parts", ())
    )
    return Scorecard(at, components, tuple(caps(components)))


def unkept(row: Mapping[str, Any]) -> Point:
    as_of = datetime.fromisoformat(row["as_of"]) if row.get("as_of") else None
    return Point(row["probe"], row["of"], State(row["state"]), row.get("code", ""), row.get("params", {}), as_of)


# -- what changed -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One component's way from one score to another: the answers that turned."""

    component: str
    name: str
    was: int
    now: int
    turned: tuple[Point, ...]


def changes(before: Scorecard, after: Scorecard) -> tuple[Change, ...]:
    """What was gained and lost, the largest first."""
    found = []
    for one in after.components:
        old = before.component(one.part.key)
        if old is None or old.score == one.score:
            continue
        states = {mark.probe: mark for mark in old.points}
        turned = tuple(
            mark if mark.state is not State.OK else states[mark.probe]
            for mark in one.points
            if mark.probe in states and states[mark.probe].earned != mark.earned
        )
        found.append(Change(one.part.key, one.part.name, old.score, one.score, turned))
    return tuple(sorted(found, key=lambda change: -abs(change.now - change.was)))
