"""What a drill is: the breaks, the signs that must follow, and how long they may take. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from django.utils.functional import Promise

NOTHING: Mapping[str, Any] = MappingProxyType({})
ORDER, ALGO = "/fapi/v1/order", "/fapi/v1/algoOrder"


class Part(StrEnum):
    """What is broken; the drills' page is grouped by it."""

    STOPS = "stops"
    EXITS = "exits"
    VENUE = "venue"
    MARKET = "market"
    MODELS = "models"
    MODULES = "modules"
    PROCESSES = "processes"
    STORAGE = "storage"


class Need(StrEnum):
    """What a drill can't be run without."""

    POSITION = "position"  # an open, fully protected one of ours
    ENTRY = "entry"  # one that is about to be made: waited for
    MODELS = "models"  # champions that vote
    EMBEDDED = "embedded"  # a broker of our own
    POSTGRES = "postgres"


class Until(StrEnum):
    """When a lasting fault is ended by the drill."""

    SPENT = "spent"  # at once: it was a single blow, or ends by itself
    DETECTED = "detected"
    ACTED = "acted"


# -- breaks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the practice exchange's desk. `mine`: for the symbol of the drilled position alone."""

    kind: str
    method: str = ""
    path: str = ""
    times: int | None = None
    seconds: float | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """The position's price stands still, so that nothing but the drill moves its orders."""

    seconds: float = 90


@dataclass(frozen=True, slots=True)
class Drive:
    """The price goes to the position's stop or target and beyond it by this share of price, in so many seconds."""

    to: str  # stop, target
    beyond: float
    seconds: float = 0


@dataclass(frozen=True, slots=True)
class Jump:
    """The price of a symbol that nobody holds jumps by this share."""

    share: float


@dataclass(frozen=True, slots=True)
class Cancel:
    """Orders of the position are cancelled at the venue, as a human would: stop, backstop, target."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Close:
    """A person asks to close the position."""


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL to a process of the house; `again` more times as soon as it lives again."""

    process: str
    again: int = 0


@dataclass(frozen=True, slots=True)
class Freeze:
    """SIGSTOP to a process of the house, until the fault is over."""

    process: str


@dataclass(frozen=True, slots=True)
class Unschedule:
    """A module's schedule is switched off."""

    module: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A module is claimed by somebody who never comes back."""

    module: str
    seconds: float = 90


@dataclass(frozen=True, slots=True)
class DropCandles:
    """The newest stored candles of a symbol that nobody holds are removed."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class DropOlderCandles:
    """Candles within the history of a symbol that nobody holds are removed, so that a hole is left."""

    count: int = 1
    back: int = 5


@dataclass(frozen=True, slots=True)
class LockDatabase:
    """Somebody else writes for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CutBroker:
    """Every connection of the house to the broker is cut."""


@dataclass(frozen=True, slots=True)
class EmptyQueues:
    """What waits in the house's queues is lost."""


@dataclass(frozen=True, slots=True)
class CutDatabase:
    """Every connection of the house to PostgreSQL is cut."""


@dataclass(frozen=True, slots=True)
class HideModels:
    """The champions' files are gone, or cut short."""

    cut: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """A module's bell is rung so many times at once."""

    module: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class TakeRoom:
    """All of the disk but so many bytes is taken, as the house is told: nothing is written that could fill it."""

    left: int


@dataclass(frozen=True, slots=True)
class Stranger:
    """A worker of another machine beats into our database, and runs other code."""


Break = (
    Fault | Hold | Drive | Jump | Cancel | Close | Kill | Freeze | Unschedule | Claim | DropCandles | DropOlderCandles
    | LockDatabase | CutBroker | EmptyQueues | CutDatabase | HideModels | Ring | Stranger | TakeRoom
)  # fmt: skip


# -- signs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sign:
    """A timestamped fact that must come: its kind, and the keys of which any one will do ("": any at all).

    A key may hold {symbol} and {id}: those of the drilled position, or of the symbol that was chosen.
    """

    kind: str
    keys: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Within:
    """Limits in seconds: found, acted on (both since it was broken), verified (since the fault was over)."""

    detect: float
    act: float
    verify: float


CALMLY = Within(50, 55, 60)  # for what self-healing finds: with nothing open it looks twice a minute, at its next tick


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill. Any of `detects` is enough; all of `acts` and all of `verifies` are wanted."""

    name: str
    part: Part
    rows: str  # of the fault catalogue: A19, D01; or causes of the domain notes: 21.35
    title: Promise
    broken: Promise  # what is broken, in a sentence
    expected: Promise  # what must be found, done and proven
    breaks: tuple[Break, ...]
    detects: tuple[Sign, ...]
    acts: tuple[Sign, ...]
    verifies: tuple[Sign, ...]
    within: Within
    needs: tuple[Need, ...] = ()
    until: Until = Until.SPENT
    ends: bool = False  # the position is closed by it
    after: tuple[Ring, ...] = ()  # what is asked for once the fault is over
    restarts: int = 0  # how many restarts self-healing may need: it makes only so many
    fast: bool = field(default=False)  # some seconds: fit for the smallest round

    @property
    def longest(self) -> float:
        """Seconds after which it is judged, whatever is still missing."""
        return max(self.within.detect, self.within.act) + self.within.verify
