"""The safety policy: what the faults that are open let the system do. One decision table, pure, monotone.

| fault                                                          | policy             |
|----------------------------------------------------------------|--------------------|
| low, or medium                                                 | ALLOW_ALL          |
| high                                                           | REDUCED            |
| critical; or touches trading and its remedies were in vain     | NO_NEW_TRADES      |
| critical, touches trading, and its remedies were in vain       | DEFENSIVE_EXIT     |
| a position without a stop, and nobody to place one, in vain    | EMERGENCY_SHUTDOWN |

Each fault asks for one level and the strictest one is in force, so that a worse fault, or one more, never allows more.
The last row alone looks at two: a position has no stop, and the process that would place it does not run; both were
tried to be healed up to the limit. An outage of the exchange, however long and however many parts fail with it, holds
entries and closes what is in danger, never everything: protected positions rest on orders that work without us.
That nothing is traded is no fault: no fault can rest on decisions, signals or trades.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring.watch.detectors.findings import CRITICAL, HIGH, LOW, MEDIUM, Ailment
from trading.gates.directives import Level, strictest

LEVELS: Mapping[str, Level] = {
    LOW: Level.ALLOW_ALL,
    MEDIUM: Level.ALLOW_ALL,
    HIGH: Level.REDUCED,
    CRITICAL: Level.NO_NEW_TRADES,
}
FIXED: Mapping[str, Level] = {  # a limit that was reached, or what only entries would make worse
    Ailment.RESTARTS_EXHAUSTED: Level.NO_NEW_TRADES,
    Ailment.STOPS_BROKEN: Level.NO_NEW_TRADES,
    Ailment.DISK_SHORT: Level.NO_NEW_TRADES,
}
KEEPERS = frozenset({f"{Ailment.PROCESS_SILENT}:worker", f"{Ailment.MODULE_SILENT}:position_monitor"})
EMERGENCY_KEY = Level.EMERGENCY_SHUTDOWN.value  # of the directive that only a person lifts


@dataclass(frozen=True, slots=True)
class Fault:
    """An open incident, as far as the policy rests on it. `in_vain`: its remedies were tried up to the limit."""

    key: str
    code: str
    severity: str
    impacts_trading: bool
    in_vain: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be done, and the faults that ask for it: the strictest ones."""

    level: Level
    because: tuple[str, ...] = ()


def level(fault: Fault) -> Level:
    """What one fault alone asks for."""
    if fault.code in FIXED:
        return FIXED[fault.code]
    by_severity = LEVELS[fault.severity]
    if not (fault.in_vain and fault.impacts_trading):
        return by_severity
    return Level.DEFENSIVE_EXIT if fault.severity == CRITICAL else strictest((by_severity, Level.NO_NEW_TRADES))


def emergency(faults: Sequence[Fault]) -> tuple[str, ...]:
    """The faults that make an emergency together: a stop that is missing, and a keeper that does not run, in vain."""
    failed = [fault for fault in faults if level(fault) is Level.DEFENSIVE_EXIT]
    naked = [fault.key for fault in failed if fault.code == Ailment.UNPROTECTED]
    keepers = [fault.key for fault in failed if fault.key in KEEPERS]
    return tuple(sorted(naked + keepers)) if naked and keepers else ()


def decide(faults: Sequence[Fault]) -> Policy:
    """The policy that these faults ask for together."""
    if together := emergency(faults):
        return Policy(Level.EMERGENCY_SHUTDOWN, together)
    worst = strictest(level(fault) for fault in faults)
    if worst is Level.ALLOW_ALL:
        return Policy(worst)
    return Policy(worst, tuple(sorted(fault.key for fault in faults if level(fault) is worst)))
