"""What shows that an ailment is over, newer than its last sight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from monitoring.watch import dataailments
from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.feed import LATE_CANDLES, STREAM_QUIET
from monitoring.watch.detectors.findings import Ailment
from monitoring.watch.detectors.ground import megabytes
from monitoring.watch.detectors.silence import mute, silent
from monitoring.watch.wiring import IDLE, YOUNG

MOST_RESTARTS = 3  # of modules and processes, within ten minutes, over everything
Proof = Mapping[str, str | float] | None


def ticked(subject: str, facts: Facts, since: datetime) -> Proof:
    """It has ticked since, without an error. A module that is not expected any more needs no proof."""
    ran = next((r for r in facts.modules if r.name == subject), None)
    if ran is None:
        return {"expected": "no longer"}
    if ran.last_tick is None or ran.last_tick <= since or ran.failing or silent(ran, facts):
        return None
    return {"ticked_at": ran.last_tick.isoformat()}


def all_ticked(subject: str, facts: Facts, since: datetime) -> Proof:
    if subject == "stream":
        return heard("", facts, since)
    if subject in ("beat", "web"):
        at = facts.hearts.get(subject)
        return {"heard_at": at.isoformat()} if at and at > since and not mute(subject, facts) else None
    mine = [r for r in facts.modules if r.program == subject]
    if not mine:  # a person has switched all of them off: nothing could ever prove it
        return {"expected": "no longer"}
    ticks = [r.last_tick for r in mine if r.last_tick and r.last_tick > since]
    return {"modules": len(ticks), "ticked_at": max(ticks).isoformat()} if ticks else None


def heard(subject: str, facts: Facts, since: datetime) -> Proof:
    at = facts.stream_heard
    return {"heard_at": at.isoformat()} if at and at > since and facts.silence(at) <= STREAM_QUIET else None


def fresh(subject: str, facts: Facts, since: datetime) -> Proof:
    """Every symbol's candle is young enough; an empty universe proves nothing."""
    ages = [facts.now - at if at else None for at in facts.closes.values()]
    known = [age for age in ages if age is not None]
    if not known or len(known) < len(ages) or max(known) > facts.max_age + LATE_CANDLES:
        return None
    return {"oldest_s": round(max(known).total_seconds(), 1), "symbols": len(known)}


def some_fresh(subject: str, facts: Facts, since: datetime) -> Proof:
    """Some symbol's candle is young enough: that not all are is another finding."""
    known = [facts.now - at for at in facts.closes.values() if at]
    if not known or min(known) > facts.max_age + LATE_CANDLES:
        return None
    return {"newest_s": round(min(known).total_seconds(), 1), "symbols": len(known)}


def not_training(subject: str, facts: Facts, since: datetime) -> Proof:
    beat = facts.training_beat
    if beat is None:
        return {"training": "none"}
    return {"beat_at": beat.isoformat()} if beat > since else None


def known(subject: str, facts: Facts, since: datetime) -> Proof:
    """It tells of itself again, or it is expected again and its own detectors watch it."""
    if subject == "candles":
        return {"symbols": len(facts.closes)} if facts.closes else None
    ran = next((r for r in (*facts.critical, *facts.modules) if r.name == subject), None)
    if ran is None:
        return {"expected": "no longer"}
    return {"ticked_at": ran.last_tick.isoformat()} if ran.last_tick and ran.last_tick > since else None


def room_again(subject: str, facts: Facts, since: datetime) -> Proof:
    """The window of the restarts has room again."""
    return {"restarts": len(facts.restarts)} if len(facts.restarts) < MOST_RESTARTS else None


def unwired(code: str, subject: str, facts: Facts) -> Proof:
    """The truth table, read anew, holds it against nobody any more."""
    return not_among([one.subject for one in facts.wired if one.code == code], subject, facts)


def works_again(subject: str, facts: Facts) -> Proof:
    """Where the scorekeeper is expected to look, its look is young: an old one tells of nothing that waits."""
    expected = any(ran.name == "scorekeeper" for ran in facts.modules)
    if expected and (facts.scored_at is None or facts.now - facts.scored_at > YOUNG):
        return None
    return unwired(IDLE, subject, facts)


def not_among(kept: Sequence[str], subject: str, facts: Facts) -> Proof:
    return None if subject in kept else {"looked_at": facts.now.isoformat()}


def days_of(facts: Facts) -> list[str]:
    """The days on which our books differ from the venue's."""
    return [one.subject for one in facts.money if one.code == Ailment.MONEY_DIFFERS]


def books_agree(subject: str, facts: Facts) -> Proof:
    """The day agrees now. One too old to be told that still differs is over when a person has taken note of it."""
    if subject in facts.unexplained and subject not in days_of(facts):
        who = facts.seen_by.get(f"{Ailment.MONEY_DIFFERS}:{subject}")
        return {"seen_by": who} if who else None
    return not_among(days_of(facts), subject, facts)


def contracts_of(facts: Facts) -> list[str]:
    return [one.subject for one in facts.money if one.code == Ailment.STOPS_BROKEN]


def of_data(code: str, subject: str, facts: Facts, since: datetime) -> Proof:
    return dataailments.PROOFS[code](subject, facts.data, facts.now, since)


PROOFS: Mapping[Ailment, Callable[[str, Facts, datetime], Proof]] = {
    Ailment.MODULE_SILENT: ticked,
    Ailment.MODULE_FAILING: ticked,
    Ailment.PROCESS_SILENT: all_ticked,
    Ailment.STREAM_SILENT: heard,
    Ailment.FEED_STALE: some_fresh,
    Ailment.SYMBOLS_STALE: fresh,
    Ailment.TRAINING_STUCK: not_training,
    Ailment.UNPROTECTED: lambda one, facts, since: not_among([str(n.position_id) for n in facts.naked], one, facts),
    Ailment.ORDER_UNKNOWN: lambda one, facts, since: not_among([str(n.order_id) for n in facts.lost], one, facts),
    Ailment.PART_UNKNOWN: known,
    Ailment.RESTARTS_EXHAUSTED: room_again,
    Ailment.MODULE_NOT_LOADED: lambda one, facts, since: unwired("MODULE_NOT_LOADED", one, facts),
    Ailment.MODULE_IDLE: lambda one, facts, since: works_again(one, facts),
    Ailment.CODE_DIFFERS: lambda one, facts, since: unwired("CODE_DIFFERS", one, facts),
    Ailment.DATABASE_SLOW: lambda one, facts, since: {"ms": round(facts.database_ms, 1)},
    Ailment.DISK_SHORT: lambda one, facts, since: None if facts.room.short else {"free_mb": megabytes(facts.room.free)},
    Ailment.BROKER_SILENT: lambda one, facts, since: (
        None if facts.broker_ms is None else {"ms": round(facts.broker_ms, 1)}
    ),
    Ailment.MONEY_DIFFERS: lambda one, facts, since: books_agree(one, facts),
    Ailment.STOPS_BROKEN: lambda one, facts, since: not_among(contracts_of(facts), one, facts),
    Ailment.CLOCK_OFF: lambda one, facts, since: of_data("CLOCK_OFF", one, facts, since),
    Ailment.FEED_FROZEN: lambda one, facts, since: of_data("FEED_FROZEN", one, facts, since),
    Ailment.GAP_OPEN: lambda one, facts, since: of_data("GAP_OPEN", one, facts, since),
    Ailment.QUARANTINE: lambda one, facts, since: of_data("QUARANTINE", one, facts, since),
    Ailment.MARK_STALE: lambda one, facts, since: of_data("MARK_STALE", one, facts, since),
}


def proof(code: str, subject: str, facts: Facts, since: datetime) -> Proof:
    """What shows, newer than `since`, that this ailment is over; None where nothing shows it yet.

    What another release has found, and this one doesn't look for, needs no proof.
    """
    if code not in set(Ailment):
        return {"expected": "no longer"}
    return PROOFS[Ailment(code)](subject, facts, since)
