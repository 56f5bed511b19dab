"""Every drill by name, in the order in which a whole round runs them: first those that a position survives.

Those for which self-healing restarts something are spread over the round, because it may restart only so often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from monitoring.watch.drills.kinds import exits, market, modules, processes, stops, storage, venue
from monitoring.watch.drills.spec import Drill, Part

EVERY = (
    *stops.DRILLS,
    *modules.DRILLS,
    *storage.DRILLS,
    *processes.DRILLS,
    *exits.DRILLS,
    *venue.DRILLS,
    *market.DRILLS,
)


def spread(drills: Sequence[Drill]) -> tuple[Drill, ...]:
    """Those that end in a restart as far apart as the others allow; else in order."""
    seldom, plain = [one for one in drills if one.restarts], [one for one in drills if not one.restarts]
    gap = len(plain) / len(seldom) if seldom else 0.0
    placed = [(n * 1.0, one) for n, one in enumerate(plain)] + [((n + 0.5) * gap, one) for n, one in enumerate(seldom)]
    return tuple(one for _, one in sorted(placed, key=lambda pair: pair[0]))


ALL = spread(EVERY)
CATALOGUE: Mapping[str, Drill] = MappingProxyType({drill.name: drill for drill in ALL})


def longest_ago(runs: Mapping[str, datetime]) -> Drill:
    """The drill that was run longest ago, or never; those that close a position are left out."""
    never = datetime.min.replace(tzinfo=UTC)
    return min((drill for drill in ALL if not drill.ends), key=lambda drill: runs.get(drill.name, never))


def by_part() -> dict[Part, list[Drill]]:
    """Grouped by what is broken, in the order of the parts."""
    return {part: [drill for drill in EVERY if drill.part is part] for part in Part}
