"""Two houses to look at: one where much is going on, and one that was just built."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.contrib.auth.models import User
from django.utils import timezone

from monitoring.control import audit
from monitoring.models import Incident, RemedyAttempt
from monitoring.show.minds import TOPICS
from monitoring.watch import validator
from tests.show import factories as make
from tests.show import ledgers
from trading.gates import store
from trading.gates.directives import Level
from trading.models import BalanceLook, ModelFinding, Position, TrimProposal, TunedSetting, UniverseSnapshot

LATE = {"symbols": 12, "of": 12, "symbol": "BTC/USDT:USDT", "seconds": 29_929, "limit": 90}


def empty() -> User:
    return make.user(is_staff=True, is_superuser=True)


def lively() -> User:
    """Positions, orders, trades, decisions; something broken, something healed, something learned, something tuned."""
    now = timezone.now()
    ledgers.books(now)
    validator.store(validator.validate(now))
    broken(now)
    learned(now)
    weighed(now)
    TunedSetting.objects.create(name="QT_MAX_POSITIONS", value="4", changed_by="j.berg", changed_at=now, reason="calm")
    newest = UniverseSnapshot.objects.latest("at")
    left = [row | ({"status": "out", "why": "stopped by the venue"} if i > 9 else {}) for i, row in
            enumerate(newest.symbols)]  # fmt: skip
    UniverseSnapshot.objects.create(at=now, symbols=left, source="exchangeInfo", requested_by="mira")
    make.beat("trailing", now, ago=0, last_error="KeyError: 'mark'", last_error_at=now)
    make.beat("policy", now, worked=None, idle_reason="12 of 200 bars")
    acted(now)
    return empty()


def acted(now) -> None:
    """What people did: with one value that changed, with many, with none, and with a long name and reason."""
    long = "mira.of-the-night-watch@" + "example" * 7
    append = partial(audit.append, who="j.berg", now=now)
    append(action="limits.tighten", target="QT_MAX_POSITIONS", before={"value": 6}, after={"value": 4}, reason="calm")
    append(action="switch", before={"state": "halted"}, after={"state": "active"}, reason="the news are out " * 12)
    append(action="alert.test", target="mail", who=long)
    answers = {f"check_{n}": "ok" for n in range(9)}
    append(action="venue.check", target="practice exchange", after={"passed": True, "answers": answers})
    append(action="group.change", target="x" * 120, after={"path": "/" + "very-long-name" * 12})


def broken(now) -> None:
    row = {"code": "FEED_STALE", "subsystem": "data_feed", "severity": "critical", "params": LATE, "last_seen": now}
    row |= {"first_seen": now - timedelta(minutes=2), "impacts_trading": True}
    one = Incident.objects.create(key="FEED_STALE", attempts=1, remedy="backfill_candles", count=4, **row)
    RemedyAttempt.objects.create(incident=one, action="backfill_candles", at=now, done=True, detail="0 fetched")
    store.direct(Level.NO_NEW_TRADES, one.key, "All candles are old", "self_healing", now)
    Incident.objects.create(key="FEED_STALE:was", verified=True, closed_at=now - timedelta(minutes=1),
                            evidence={"newest_s": 4.2}, **row)  # fmt: skip


def learned(now) -> None:
    few = {"verdict": "unknown", "code": "TOO_FEW", "n": 41, "wanted": 200}
    one_sided = {"verdict": "bad", "code": "ONE_SIDED", "n": 58, "side": "long", "value": 0.81, "low": 0.71,
                 "high": 0.9, "limit": 0.65}  # fmt: skip
    for kind in ("ensemble", *make.KINDS):
        verdict = "bad" if kind == "xgboost" else "unknown"
        topics = dict.fromkeys(TOPICS, few) | ({"bias": one_sided} if verdict == "bad" else {})
        ModelFinding.objects.create(at=now, kind=kind, version="20261122T1405", verdict=verdict, n=41, level="advise",
                                    mode=make.MODE, **topics)  # fmt: skip
    make.training(now, outcome="failed", error="Too few candles.", finished_at=now)
    make.training(now)


def weighed(now) -> None:
    seen = {"positions": 4, "gross": "6600", "net": "6600", "long": "6600", "short": "0", "risk": "99",
            "leverage": 0.66, "risk_share": 0.0099, "shares": {}, "herfindahl": 0.5}  # fmt: skip
    pairs = [{"first": "BTC/USDT:USDT", "second": "ETH/USDT:USDT", "rho": 0.91}]
    BalanceLook.objects.create(at=now, asked_by="beat", equity=10_000, figures=seen, mode=make.MODE, pairs=pairs)
    place = Position.objects.get(symbol="BTC/USDT:USDT", status="open")
    TrimProposal.objects.create(
        position=place, symbol=place.symbol, why="CORRELATED", share=0.4, quantity=place.quantity * 4 / 10, value=0.91,
        limit=0.7,
        setting="QT_MAX_CORRELATION", facts={"other": "ETH/USDT:USDT", "other_side": "long", "share": 0.5},
        after=seen, proposed_at=now, seen_at=now, mode=make.MODE,
    )  # fmt: skip
