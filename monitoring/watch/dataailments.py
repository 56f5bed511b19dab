"""What is wrong with market data, as the detectors take it: clock, still prices, gaps, what is put aside, marks. Pure.

Nothing here rests on what was decided: only on what the venue told, what was kept of it, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

CLOCK_OFF, FEED_FROZEN, GAP_OPEN = "CLOCK_OFF", "FEED_FROZEN", "GAP_OPEN"
QUARANTINE, MARK_STALE = "QUARANTINE", "MARK_STALE"
LOW, MEDIUM, HIGH = "low", "medium", "high"

WARN = timedelta(milliseconds=500)  # an offset of the clock that is worth a word
DENIED = timedelta(seconds=2)  # from here on the gates deny entries
MEASURED = timedelta(seconds=60)  # a reading of the clock says something for so long
MARK_AGE = timedelta(seconds=30)  # a held symbol's mark; the gates' limit of prices
BARS_TO_FILL = 3  # a gap is asked for at every bar: after so many it is not merely late
GRACE = timedelta(seconds=30)  # a bar's own candles are in by then
MANY, SHARE = 5, 0.05  # candles put aside, or share of the symbols, that are more than an odd one
NAMED = 5  # symbols that are named
Numbers = Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Reading:
    """The venue's clock is `offset` ahead of ours, measured within `round_trip`."""

    offset: timedelta
    round_trip: timedelta
    at: datetime

    @property
    def surely(self) -> timedelta:
        """How far off it is at least: the answer may have been written at any moment of the round trip."""
        return max(timedelta(0), abs(self.offset) - self.round_trip / 2)


@dataclass(frozen=True, slots=True)
class Stood:
    """A symbol's newest candle that was put aside because its price stands still."""

    open_time: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Hole:
    """A gap that features reach over; `filled_at` where it was filled."""

    symbol: str
    missing: int
    found_at: datetime
    filled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """Candles of one kind that were put aside lately."""

    candles: int
    symbols: tuple[str, ...]
    last: datetime


@dataclass(frozen=True, slots=True)
class DataSeen:
    """What is known of the data's quality. `closes`: when each symbol's newest kept candle ended."""

    step: timedelta = timedelta(minutes=1)
    clock: Reading | None = None  # None: not measured lately
    still: Mapping[str, Stood] = field(default_factory=dict)
    holes: tuple[Hole, ...] = ()
    aside: Mapping[str, Aside] = field(default_factory=dict)
    marks: Mapping[str, datetime] = field(default_factory=dict)  # of held symbols, when their mark was said
    closes: Mapping[str, datetime | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataFault:
    """`fetch`: candles are to be fetched; `look`: positions are to be looked after."""

    code: str
    subject: str
    weight: str
    params: Numbers
    impacts: bool = False
    fetch: bool = False
    look: bool = False


def faults(seen: DataSeen, now: datetime) -> Iterator[DataFault]:
    for judge in (clock, frozen, gaps, quarantine, marks):
        yield from judge(seen, now)


def clock(seen: DataSeen, now: datetime) -> Iterator[DataFault]:
    """Entries are denied by the gate itself: here it is told, and sizes are held down."""
    if seen.clock is None:
        return
    denied = abs(seen.clock.offset) > DENIED
    if not denied and seen.clock.surely <= WARN:
        return
    params: Numbers = {
        "offset_ms": milliseconds(seen.clock.offset),
        "warn_ms": milliseconds(WARN),
        "limit_ms": milliseconds(DENIED),
    }
    yield DataFault(CLOCK_OFF, "", HIGH if denied else LOW, params, impacts=denied)


def standing(seen: DataSeen) -> dict[str, Stood]:
    """Symbols whose newest candle was put aside as frozen, and neither replaced nor followed by a good one."""
    found = {}
    for symbol, one in seen.still.items():
        kept = seen.closes.get(symbol)
        if symbol in seen.closes and (kept is None or kept <= one.open_time):
            found[symbol] = one
    return found


def frozen(seen: DataSeen, now: datetime) -> Iterator[DataFault]:
    """A market that is paused puts nothing aside: its flat candles are the truth."""
    still = {s: one for s, one in standing(seen).items() if now - one.seen_at <= 2 * seen.step + GRACE}
    if not still:
        return
    first = {s: seen.closes[s] or one.open_time for s, one in still.items()}
    oldest = min(first, key=lambda s: (first[s], s))
    every = len(still) == len(seen.closes)
    params: Numbers = {
        "symbols": len(still),
        "of": len(seen.closes),
        "symbol": oldest,
        "names": names(still),
        "seconds": (now - first[oldest]).total_seconds(),
    }
    yield DataFault(FEED_FROZEN, "", HIGH if every else MEDIUM, params, impacts=every, fetch=True)


def gaps(seen: DataSeen, now: datetime) -> Iterator[DataFault]:
    """A new gap is worth a word; one that was asked for in vain at several bars is more."""
    open_ = [one for one in seen.holes if one.filled_at is None]
    if not open_:
        return
    limit = seen.step * BARS_TO_FILL + GRACE
    oldest = min(open_, key=lambda one: (one.found_at, one.symbol))
    late = now - oldest.found_at > limit
    params: Numbers = {
        "gaps": len(open_),
        "missing": sum(one.missing for one in open_),
        "symbols": len({one.symbol for one in open_}),
        "symbol": oldest.symbol,
        "seconds": (now - oldest.found_at).total_seconds(),
        "limit": limit.total_seconds(),
    }
    yield DataFault(GAP_OPEN, "", MEDIUM if late else LOW, params, fetch=late)


def quarantine(seen: DataSeen, now: datetime) -> Iterator[DataFault]:
    """One for each kind of what was put aside in the last bars."""
    for kind, one in sorted(seen.aside.items()):
        if now - one.last > 2 * seen.step + GRACE:
            continue
        many = one.candles >= MANY or len(one.symbols) > max(1.0, SHARE * len(seen.closes))
        params: Numbers = {
            "kind": kind,
            "candles": one.candles,
            "symbols": len(one.symbols),
            "symbol": min(one.symbols),
            "limit": (2 * seen.step + GRACE).total_seconds(),
        }
        yield DataFault(QUARANTINE, kind, MEDIUM if many else LOW, params, fetch=many)


def marks(seen: DataSeen, now: datetime) -> Iterator[DataFault]:
    """Stops are watched by the venue all the same; exits by our own judgement are not."""
    late = stale(seen, now)
    if not late:
        return
    oldest = min(late, key=lambda symbol: (late[symbol], symbol))
    params: Numbers = {
        "symbols": len(late),
        "of": len(seen.marks),
        "symbol": oldest,
        "seconds": (now - late[oldest]).total_seconds(),
        "limit": MARK_AGE.total_seconds(),
    }
    yield DataFault(MARK_STALE, "", HIGH, params, impacts=True, look=True)


def stale(seen: DataSeen, now: datetime) -> dict[str, datetime]:
    return {symbol: at for symbol, at in seen.marks.items() if now - at > MARK_AGE}


def milliseconds(span: timedelta) -> float:
    return float(round(span / timedelta(milliseconds=1)))


def names(symbols: Mapping[str, object]) -> str:
    told = ", ".join(one.split(":")[0] for one in sorted(symbols)[:NAMED])
    return told if len(symbols) <= NAMED else f"{told} ..."


# -- proof that it is over --------------------------------------------------------------------------------------------


Proof = Numbers | None


def clock_right(subject: str, seen: DataSeen, now: datetime, since: datetime) -> Proof:
    """A reading that is newer than the fault, and close; where our own clock was put back, any reading of now."""
    reading = seen.clock
    if reading is None or (reading.at <= since < now) or reading.surely > WARN or abs(reading.offset) > DENIED:
        return None
    return {"offset_ms": milliseconds(reading.offset)}


def moves_again(subject: str, seen: DataSeen, now: datetime, since: datetime) -> Proof:
    """Whatever stood still has a kept candle that is newer."""
    if standing(seen) or not seen.closes:
        return None
    return {"symbols": len(seen.closes)}


def filled(subject: str, seen: DataSeen, now: datetime, since: datetime) -> Proof:
    """None is open any more; how many were filled in the last hour."""
    if any(one.filled_at is None for one in seen.holes):
        return None
    done = len(seen.holes)
    return {"filled": done} if done else {"looked_at": now.isoformat()}


def believed(subject: str, seen: DataSeen, now: datetime, since: datetime) -> Proof:
    """Nothing of the kind was put aside since, and candles that ended since were kept."""
    one = seen.aside.get(subject)
    kept = [at for at in seen.closes.values() if at and (one is None or at > one.last)]
    if not kept or (one and now - one.last <= 2 * seen.step + GRACE):
        return None
    return {"kept": len(kept)}


def marked(subject: str, seen: DataSeen, now: datetime, since: datetime) -> Proof:
    """Every held symbol's mark is young; where nothing is held, none is needed."""
    if stale(seen, now):
        return None
    if not seen.marks:
        return {"held": "none"}
    return {"mark_s": round(max((now - at).total_seconds() for at in seen.marks.values()), 1)}


PROOFS: Mapping[str, Callable[[str, DataSeen, datetime, datetime], Proof]] = {
    CLOCK_OFF: clock_right,
    FEED_FROZEN: moves_again,
    GAP_OPEN: filled,
    QUARANTINE: believed,
    MARK_STALE: marked,
}
