"""The laws, as far as a number tells of them; and what became of the signals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q

from monitoring.models import LawMinute
from monitoring.show.held import Held, seconds_without
from monitoring.show.metrics.text import Sample, counter, gauge, since
from monitoring.watch.alerts.burn import MINUTE, OBJECTIVE, RULES, Law
from trading.codes import Code
from trading.exchange.venue import OrderStatus
from trading.models import Cycle, Decision, Order, Signal

JUDGED = timedelta(minutes=3)  # the newest minute that was judged is no older
WINDOWS = {"5m": 5, "30m": 30, "1h": 60, "6h": 360, "3d": 4320}  # minutes, those of the burn rates' rules


def families(held: list[Held], now: datetime) -> Iterable[str]:
    """Eight queries."""
    yield from decided()
    yield from cycle(now)
    yield from minutes(now)
    yield from unknown(now)
    yield from protected(held, now)


def decided() -> Iterable[str]:
    """Law 1 over all time; both counts read an index alone. A code that was never met is 0, for that is known."""
    signals = Signal.objects.count()
    counted = Decision.objects.order_by().values_list("outcome", "code").annotate(n=Count("id"))
    found = {(outcome, code): n for outcome, code, n in counted}
    every = dict.fromkeys([("traded", ""), *(("rejected", code.value) for code in Code)], 0) | found
    ended = [(key, n) for key, n in sorted(every.items()) if key[0] != Decision.PENDING]
    by_code: list[Sample] = [({"outcome": outcome, "code": code}, n) for (outcome, code), n in ended]
    waiting = sum(n for (outcome, _), n in found.items() if outcome == Decision.PENDING)
    yield counter("signals_total", "Signals stored, all that are kept.", signals)
    yield counter("decisions_total", "Decisions that have ended, by outcome and first code.", by_code)
    yield gauge("decisions_pending", "Decisions whose order has no outcome yet.", waiting)
    yield gauge("law_holds", "1 while the law holds.", [({"law": "conservation"}, signals == sum(found.values()))])


def cycle(now: datetime) -> Iterable[str]:
    """The newest bar that was judged: where the funnel begins."""
    mine = Cycle.objects.filter(timeframe=settings.QUANTUM.timeframe).order_by("-bar")
    one = mine.only("at", "symbols", "evaluated", "flat", "signals", "not_evaluated").first()
    names = ("symbols", "evaluated", "flat", "signals")
    counts: list[Sample] = [({"stage": name}, getattr(one, name)) for name in names] if one else []
    yield gauge("cycle_symbols", "Symbols of the newest judged bar, by how far they came.", counts)
    absent = one.not_evaluated if one else {}
    codes: list[Sample] = [({"code": code}, n) for code, n in sorted(absent.items())]
    yield gauge("cycle_not_evaluated", "Symbols of the newest judged bar that could not be judged, by code.", codes)
    yield gauge("cycle_age_seconds", "Since a bar was judged.", since(one.at if one else None, now))


def minutes(now: datetime) -> Iterable[str]:
    """Laws 1, 3, 5, 7 and 8, minute by minute. A minute of which nothing is known is lost, like a broken one."""
    newest = LawMinute.objects.filter(at__gt=now - JUDGED).order_by("at").values_list("law", "state")
    kept: list[Sample] = [({"law": law}, state == LawMinute.KEPT) for law, state in dict(newest).items()]
    yield gauge("law_kept", "1 where the law was kept in the newest judged minute, 0 where broken or unknown.", kept)
    if not kept:
        return
    spans = {f"m{span}": Count("id", filter=Q(at__gt=now - span * MINUTE)) for span in WINDOWS.values()}
    lost = LawMinute.objects.filter(at__gt=now - max(rule.long for rule in RULES)).exclude(state=LawMinute.KEPT)
    rows: Any = lost.order_by().values("law").annotate(**spans)
    found = {row["law"]: row for row in rows}
    each = [(law.value, name, span, found.get(law.value, {}).get(f"m{span}", 0)) for law in Law
            for name, span in WINDOWS.items()]  # fmt: skip
    gone: list[Sample] = [({"law": law, "window": name}, 60 * n) for law, name, _, n in each]
    rates: list[Sample] = [({"law": law, "window": name}, n / span / (1 - OBJECTIVE)) for law, name, span, n in each]
    yield gauge("law_lost_seconds", "Time in which the law was broken or its state unknown, by whole minutes.", gone)
    yield gauge("law_burn_rate", "How fast the law's budget burns; 1 spends it exactly.", rates)


def unknown(now: datetime) -> Iterable[str]:
    """Law 3."""
    found = Order.objects.filter(status=OrderStatus.UNKNOWN).aggregate(n=Count("id"), first=Min("sent_at"))
    yield gauge("orders_unknown", "Orders whose outcome is not known.", found["n"])
    yield gauge("orders_unknown_oldest_seconds", "Since the oldest of them was sent.", since(found["first"], now))


def protected(held: list[Held], now: datetime) -> Iterable[str]:
    """Law 5. A symbol has one open position at most, and the settings bound how many there are."""
    bare = sum(one.unprotected_since is not None for one in held)
    seconds: list[Sample] = [({"symbol": one.symbol}, seconds_without(one, now)) for one in held]
    yield gauge("positions_open", "Open positions.", len(held))
    yield gauge("positions_unprotected", "Open positions without a stop at the venue.", bare)
    yield gauge("position_unprotected_seconds", "Seconds without a stop so far, ours.", seconds)
