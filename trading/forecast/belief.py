"""What the models believe: votes, and their one answer per symbol."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from trading.codes import Code
from trading.exchange.venue import Side

TAKER_FEE, SLIPPAGE = 0.0005, 0.0002  # assumed of every market order, fractions of the price, each way


def probability(value: float) -> float:
    """A finite number within 0..1, rounded to 1e-6 so that a replay is the same bit for bit; anything else raises."""
    if not 0 <= value <= 1:  # NaN fails too
        raise ValueError(f"a probability must be within 0..1, was {value}")
    return round(float(value), 6)


@dataclass(frozen=True, slots=True)
class LabelSpec:
    """What "right" means: target at `target_r` R before the stop at 1 R, within `horizon` bars.

    R = max(`stop_atr` x ATR14, `min_stop_costs` x `round_trip` x price); `round_trip` is a fraction of the price.
    """

    stop_atr: float = 1.5
    target_r: float = 2.5
    horizon: int = 48
    min_stop_costs: float = 3.0
    round_trip: float = round(2 * (TAKER_FEE + SLIPPAGE), 6)

    @property
    def break_even(self) -> float:
        """1 / (1 + target_r): where expectation before costs is zero."""
        return 1 / (1 + self.target_r)


@dataclass(frozen=True, slots=True)
class Vote:
    """One model's belief in the side it prefers."""

    model: str  # "lightgbm 20261122T165800"
    kind: str
    version: str
    side: Side
    probability: float

    def __post_init__(self) -> None:
        probability(self.probability)


@dataclass(frozen=True, slots=True)
class Excluded:
    """A model that did not vote, and why; never counted as HOLD."""

    kind: str
    version: str
    why: str


@dataclass(frozen=True, slots=True)
class Poll:
    """One voter's whole batch, flat symbols too: how often it prefers each side, and how strongly (calibration.BINS).

    A tie prefers neither. The ensemble's own poll has the kind "ensemble".
    """

    kind: str
    version: str
    long: int
    short: int
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Belief:
    """The ensemble's signal on one symbol. `r` and `atr` are price distances; `cost_r` the round trip's costs in R."""

    symbol: str
    side: Side
    confidence: float
    agreement: float  # share of voters that prefer this side
    votes: tuple[Vote, ...]
    excluded: tuple[Excluded, ...]
    price: Decimal
    atr: float
    r: float
    cost_r: float
    at: datetime  # close time of the judged bar

    def __post_init__(self) -> None:
        probability(self.confidence)
        if self.at.tzinfo is None:
            raise ValueError("a belief's time must be aware")


@dataclass(frozen=True, slots=True)
class Forecast:
    """One bar's answer for the whole universe: symbols = beliefs + flat + absent."""

    bar: datetime
    beliefs: tuple[Belief, ...]
    flat: tuple[str, ...]
    absent: dict[str, Code] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    highest: float | None = None  # the best confidence of all who were evaluated, also where nobody breaks even
    leanings: dict[str, tuple[Side, float]] = field(default_factory=dict)  # of the flat: better side, its confidence
    polls: tuple[Poll, ...] = ()
    excluded: tuple[Excluded, ...] = ()
