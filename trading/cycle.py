"""The executor's cycle: the one place that walks through all stages, from the newest closed bar to committed intents.

1. Which bar? The newest closed one, once its candles are there or their deadline has passed.
2. Beliefs: the book of candles, the policy, four models, one forecast.
3. The desk: marks and account from the venue; positions, orders and the switch from our rows.
4. Verdicts: every signal asked by every gate, ranked, slots filled.
5. One transaction: cycle, signals, decisions, intents. After commit: nudges, and the sender.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from trading import events, tuning
from trading.codes import Code
from trading.exchange import rows as venue_rows
from trading.exchange.errors import VenueError
from trading.exchange.venue import Account, Filters, Gateway, Mark, OrderStatus
from trading.feed import rows as feed_rows
from trading.feed import store as feed_store
from trading.feed.candles import WINDOW, Book, join
from trading.feed.quality import Gap, newest_closed
from trading.forecast.belief import Belief, Forecast, LabelSpec
from trading.forecast.labels import stop_distance
from trading.gates import rows as gate_rows
from trading.gates.desk import Desk, Holding, Limits, Market, PolicyNow
from trading.gates.directives import Level, strictest
from trading.gates.gates import minimum
from trading.gates.judge import Verdict, decide
from trading.gates.store import Standing, holdings, look_with, standing
from trading.models import Candle, Cycle, Decision, Intent, Order, Position, Signal, Trade, TrainingRun
from trading.orders.intents import client_order_id
from trading.orders.rows import last_entries
from trading.runtime import CALLER, Report, record, register

BATCH_DEADLINE = timedelta(seconds=12)  # how long a bar's late symbols are waited for; the stream asks REST first
ENTRY_LIFE = timedelta(seconds=30)  # an entry not sent by then expires: its price is old
IN_FLIGHT = (OrderStatus.SENDING, OrderStatus.UNKNOWN, OrderStatus.NEW, OrderStatus.PARTIAL)


@dataclass(frozen=True, slots=True)
class Venue:
    """What the venue said for this cycle; None where it did not answer."""

    filters: Mapping[str, Filters]
    marks: Mapping[str, Mark]
    account: Account | None
    error: str = ""


# -- the book, kept warm --------------------------------------------------------------------------------------------


class Warm:
    """The candle book kept between cycles; read anew where the table holds other rows than it does."""

    def __init__(self) -> None:
        self.book: Book | None = None

    def until(self, symbols: Sequence[str], timeframe: str, bar: datetime, step: timedelta) -> Book:
        book = self.book
        if book is not None and book.symbols == tuple(symbols) and book.step == step and book.last and book.last <= bar:
            missing = (bar - book.last) // step + 1
            book = join(book, feed_rows.load_book(symbols, timeframe, until=bar, bars=missing), keep=WINDOW)
            start = datetime.fromtimestamp(int(book.times[0]), bar.tzinfo)
            rows = Candle.objects.filter(timeframe=timeframe, open_time__range=(start, bar), symbol__in=symbols)
            if int(np.isfinite(book.column("close")).sum()) == rows.count():
                self.book = book
                return book
        self.book = feed_rows.load_book(symbols, timeframe, until=bar)
        return self.book


warm = Warm()


# -- the desk -------------------------------------------------------------------------------------------------------


def ask_venue(gateway: Gateway) -> Venue:
    """Filters, marks and account in three calls; an unreachable venue is a fact, not an error."""
    try:
        return Venue(gateway.filters(current=True), gateway.marks(), gateway.account())
    except VenueError as error:
        return Venue({}, {}, None, str(error))


def daily_pnl(now: datetime) -> Decimal:
    """Realised since midnight UTC, net, and what the open positions show, their costs so far included.

    Added here and not by the database, which on SQLite would add in floating point; a day's trades are few.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    closed = Trade.objects.filter(closed_at__gte=midnight).values_list("net", flat=True)
    held = Position.objects.exclude(status=Position.CLOSED).values_list("unrealized", "realized", "fees", "funding")
    return sum(closed, Decimal(0)) + sum((u + r - c + f for u, r, c, f in held), Decimal(0))


def set_desk(
    beliefs: Sequence[Belief],
    book: Book,
    ema200: Mapping[str, float],
    policy: PolicyNow,
    venue: Venue,
    now: datetime,
    limits: Limits,
    asked_at: datetime,
) -> Desk:
    """Everything the gates may know, gathered once for the whole batch. `now` is the venue's, `asked_at` ours."""
    from trading.gates import correlation

    held, directive = holdings(), held_back(now)
    symbols = [b.symbol for b in beliefs]
    entered = last_entries(symbols)
    unresolved = set(Order.objects.filter(status=OrderStatus.UNKNOWN).values_list("intent__symbol", flat=True))
    markets = {
        b.symbol: market(b.symbol, venue, b.at, ema200.get(b.symbol), entered.get(b.symbol), b.symbol in unresolved)
        for b in beliefs
    }
    return Desk(
        now=now,
        mode=settings.QUANTUM.mode,
        execution_enabled=settings.QUANTUM.execution_enabled,
        waiting=venue_rows.waiting(),
        switch=gate_rows.switch_state(),
        limits=limits,
        policy=policy,
        markets=markets,
        holdings=held,
        equity=venue.account.equity if venue.account else None,
        available=venue.account.available if venue.account else None,
        daily_pnl=daily_pnl(now),
        correlation=correlation.pairs(book.of([s for s in book.symbols if s in {*symbols, *(h.symbol for h in held)}])),
        bar_closed_at=book.last + book.step if book.last else None,
        halts=directive.halts,
        directive=directive.level,
        clock_offset=feed_store.clock_offset(asked_at),
    )


def held_back(now: datetime) -> Standing:
    """What directives say; and no entry at all where this process misses a module that it needs."""
    from trading.modules import missing

    said, absent = standing(now), missing()
    if not absent:
        return said
    level = strictest((said.level, Level.NO_NEW_TRADES))
    return Standing(level, (*said.halts, *(f"{name} could not be loaded" for name in absent)))


def market(
    symbol: str,
    venue: Venue,
    candle_at: datetime,
    ema200: float | None,
    entered: tuple[datetime, int] | None,
    unresolved: bool,
) -> Market:
    mark = venue.marks.get(symbol)
    return Market(
        symbol=symbol,
        candle_at=candle_at,
        mark=mark.price if mark else None,
        mark_at=mark.at if mark else None,
        ema200=ema200,
        funding_rate=float(mark.funding_rate) if mark else None,
        filters=venue.filters.get(symbol),
        last_order_at=entered[0] if entered else None,
        last_order_id=entered[1] if entered else None,
        unresolved=unresolved,
    )


# -- judging ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judgement:
    """One bar's answer for the whole universe, before it is stored."""

    forecast: Forecast
    verdicts: tuple[Verdict, ...] = ()
    desk: Desk | None = None
    policy_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    holes: tuple[Gap, ...] = ()  # candles that the book lacks


def judge(bar: datetime, symbols: Sequence[str], now: datetime, gateway: Gateway) -> Judgement:
    """Candles, policy, beliefs, desk, verdicts; where one is missing, every symbol is absent with the code for it."""
    from trading.forecast import store as model_store
    from trading.forecast.ensemble import predict
    from trading.forecast.features import indicators
    from trading.forecast.lacks import lacks

    config = tuning.effective()
    ensemble = model_store.champions(config.data_source, config.timeframe)
    if ensemble is None:
        return Judgement(absent_all(symbols, why_no_models(), bar))
    book = warm.until(symbols, config.timeframe, bar, config.bar)
    if book.last != bar:
        return Judgement(absent_all(symbols, Code.FEED_STALE, bar))
    facts = indicators(book)
    policy_id, policy = gate_rows.policy_for(facts, now, config)
    forecast = predict(ensemble, book, now, facts)
    model_store.heed(forecast)
    ema200 = {s: float(v) for s, v in zip(book.symbols, facts.ema200, strict=True) if np.isfinite(v)}
    venue = ask_venue(gateway)
    seen_at = max(now, gateway.now())  # the venue took its time, and its marks are newer than `now`
    desk = set_desk(forecast.beliefs, book, ema200, policy, venue, seen_at, gate_rows.limits(config), now)
    spec = ensemble.spec
    cost = np.nanmedian(costs_in_r(facts.close, facts.atr14, spec)) if np.isfinite(facts.atr14).any() else None
    return Judgement(
        forecast,
        tuple(decide(forecast.beliefs, desk)),
        desk,
        policy_id,
        {
            "highest": forecast.highest,
            "break_even": spec.break_even,
            "cost_r": round(float(cost), 4) if cost else None,
            "flat": plain(forecast.leanings),
            "polls": plain(forecast.polls),
            "lacking": plain(lacks(book)),
        },
        tuple(book.holes()),
    )


def costs_in_r(close: np.ndarray, atr14: np.ndarray, spec: LabelSpec) -> np.ndarray:
    """What a round trip costs in units of the stop distance, per symbol."""
    return spec.round_trip * close / stop_distance(atr14, close, spec)


def why_no_models() -> Code:
    return Code.MODELS_TRAINING if TrainingRun.objects.filter(outcome="running").exists() else Code.NO_MODEL


def absent_all(symbols: Sequence[str], code: Code, bar: datetime) -> Forecast:
    return Forecast(bar=bar, beliefs=(), flat=(), absent=dict.fromkeys(symbols, code))


# -- storing ----------------------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Values as JSON has them: money as strings, times as ISO, enums by value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {"|".join(k) if isinstance(k, tuple) else str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


def as_seen(judgement: Judgement) -> dict[str, Any]:
    """The desk as JSON: what deciding again needs. Of the correlations, those with what is held or was accepted."""
    desk = judgement.desk
    if desk is None:
        return {}
    asked = {h.symbol for h in desk.holdings} | {v.belief.symbol for v in judgement.verdicts if v.accepted}
    known = {pair: rho for pair, rho in desk.correlation.items() if asked & set(pair)}
    return plain(dataclasses.replace(desk, correlation=known))


def signal_row(cycle: Cycle, belief: Belief, threshold: float) -> Signal:
    return Signal(
        cycle=cycle,
        symbol=belief.symbol,
        side=belief.side,
        confidence=belief.confidence,
        threshold=threshold,
        agreement=belief.agreement,
        votes=plain(belief.votes),
        excluded=plain(belief.excluded),
        price=belief.price,
        atr=belief.atr,
        r=belief.r,
        cost_r=belief.cost_r,
        at=belief.at,
        mode=cycle.mode,
    )


def decision_row(signal: Signal, verdict: Verdict, policy_id: int | None, now: datetime) -> Decision:
    from trading.gates import sentence

    noes = [plain(no) | {"sentence": sentence.say(no)} for no in verdict.rejections]
    return Decision(
        signal=signal,
        outcome=Decision.PENDING if verdict.accepted else Decision.REJECTED,
        code=verdict.code or "",
        sentence=sentence.accepted(verdict.ticket) if verdict.ticket else noes[0]["sentence"],
        rejections=noes,
        gates=[{"name": name, "passed": passed} for name, passed in verdict.asked],
        rank=verdict.rank,
        ticket=plain(verdict.ticket) if verdict.ticket else {},
        policy_id=policy_id,
        at=now,
        settled_at=None if verdict.accepted else now,
        mode=signal.mode,
    )


def intent_row(decision: Decision, verdict: Verdict, now: datetime) -> Intent:
    ticket = verdict.ticket
    assert ticket is not None
    key = f"{decision.signal.cycle.timeframe}:{decision.signal.cycle.bar.isoformat()}:{ticket.symbol}"
    return Intent(
        client_order_id=client_order_id(Intent.ENTRY, key),
        kind=Intent.ENTRY,
        decision=decision,
        symbol=ticket.symbol,
        side=ticket.side.entry,
        type="MARKET",
        quantity=ticket.quantity,
        created_at=now,
        expires_at=now + ENTRY_LIFE,
        mode=decision.mode,
    )


def store(cycle: Cycle, judgement: Judgement, now: datetime) -> list[Intent]:
    """Cycle, signals, decisions and intents in one transaction; the intents in rank order."""
    verdicts, desk = judgement.verdicts, judgement.desk
    threshold = minimum(desk)[0] if desk else 0.0
    with transaction.atomic():
        cycle.save()
        signals = Signal.objects.bulk_create(signal_row(cycle, v.belief, threshold) for v in verdicts)
        decisions = Decision.objects.bulk_create(
            decision_row(s, v, judgement.policy_id, now) for s, v in zip(signals, verdicts, strict=True)
        )
        accepted = sorted(
            ((d, v) for d, v in zip(decisions, verdicts, strict=True) if v.accepted), key=lambda pair: pair[1].rank or 0
        )
        intents = Intent.objects.bulk_create(intent_row(d, v, now) for d, v in accepted)
        events.changed("funnel", "decisions", "verdict", "ribbon", "account", "universe", "models", "policy")
    return list(intents)


# -- the cycle --------------------------------------------------------------------------------------------------------


def count(cycle: Cycle, forecast: Forecast, universe: Sequence[str]) -> None:
    """symbols = flat + signals + not evaluated; every symbol of the universe is in exactly one of them."""
    cycle.symbols = len(universe)
    cycle.signals = len(forecast.beliefs)
    cycle.flat = len(forecast.flat)
    cycle.evaluated = cycle.signals + cycle.flat
    cycle.not_evaluated = dict(Counter(code.value for code in forecast.absent.values()))
    cycle.absent = {
        code: sorted(s for s, c in forecast.absent.items() if c.value == code) for code in cycle.not_evaluated
    }


def judge_bar(
    bar: datetime, now: datetime, called_by: str, gateway: Gateway, deliver: Callable[[list[Intent]], None]
) -> Report:
    """Judge one bar for the whole universe, store it, and hand the committed intents to `deliver`."""
    began = time.perf_counter()
    config = settings.QUANTUM
    symbols = feed_rows.universe()
    judgement = judge(bar, symbols, now, gateway)
    feed_store.note_gaps(judgement.holes, config.timeframe, now)  # whoever took them away: they are asked for again
    known = Cycle.objects.filter(timeframe=config.timeframe, bar=bar).first()
    cycle = known or Cycle(timeframe=config.timeframe, bar=bar)
    cycle.at, cycle.called_by, cycle.mode = now, called_by, config.mode
    cycle.policy_id = judgement.policy_id
    cycle.desk = as_seen(judgement)
    cycle.facts = dict(judgement.facts)
    cycle.lag_ms = max(0, int((now - bar - config.bar).total_seconds() * 1000))
    count(cycle, judgement.forecast, symbols)
    cycle.took_ms = int((time.perf_counter() - began) * 1000)
    intents = store(cycle, judgement, now)
    record("models", now, votes(judgement.forecast), "executor")
    record("risk_guard", now, asked(judgement.verdicts), "executor")
    deliver(intents)
    record("portfolio_balancer", now, look_with(judgement.desk, accepted(judgement.verdicts), now), "executor")
    return report(cycle, judgement.verdicts, intents)


def votes(forecast: Forecast) -> Report:
    judged = len(forecast.beliefs) + len(forecast.flat)
    if not judged:
        code = next(iter(forecast.absent.values()), Code.NO_MODEL)
        return Report.idle(f"{code}: {len(forecast.absent)} symbols not evaluated", examined=len(forecast.absent))
    return Report(examined=judged, actions=len(forecast.beliefs))


def accepted(verdicts: Sequence[Verdict]) -> list[Holding]:
    tickets = (v.ticket for v in verdicts if v.ticket)
    return [Holding(t.symbol, t.side, t.notional, t.risk, t.margin) for t in tickets]


def asked(verdicts: Sequence[Verdict]) -> Report:
    if not verdicts:
        return Report.idle("no signal to ask about")
    return Report(examined=len(verdicts), actions=sum(not v.accepted for v in verdicts))


def report(cycle: Cycle, verdicts: Sequence[Verdict], intents: Sequence[Intent]) -> Report:
    if not verdicts:
        top = Counter(cycle.not_evaluated).most_common(1)
        why = f"{top[0][0]}: {top[0][1]} of {cycle.symbols} symbols" if top else f"no signal among {cycle.evaluated}"
        return Report(examined=cycle.symbols, idle_reason=why if not cycle.evaluated else "", lag_ms=cycle.lag_ms)
    return Report(examined=cycle.symbols, actions=len(intents), lag_ms=cycle.lag_ms)


def ring(intents: list[Intent]) -> None:
    """Ring the sender's bell for each committed intent; the position monitor finds those it did not hear."""
    from trading.tasks import enter

    queue = f"{settings.QUANTUM.mode}-trade"
    for intent in intents:
        try:
            enter.apply_async((intent.pk,), queue=queue, retry=False)
        except enter.OperationalError:
            return


def due(now: datetime) -> tuple[datetime, str]:
    """The bar to judge, and why it must still wait ("" where it must not)."""
    config = settings.QUANTUM
    bar = newest_closed(now, config.bar)
    symbols = feed_rows.universe()
    if not symbols:
        return bar, "no universe yet"
    cycle = Cycle.objects.filter(timeframe=config.timeframe, bar=bar).first()
    if cycle and (cycle.evaluated or cycle.not_evaluated.get(Code.FEED_STALE)):
        return bar, f"bar {bar:%H:%M} is judged"
    there = Candle.objects.filter(timeframe=config.timeframe, open_time=bar, symbol__in=symbols).count()
    if there < len(symbols) and now < bar + config.bar + BATCH_DEADLINE:
        return bar, f"waiting for {len(symbols) - there} of {len(symbols)} symbols"
    return bar, ""


@register
class Executor:
    """Judges the newest closed bar; called by the stream at once, by beat later, by the trainer when models are new."""

    name, title, every, queue = "executor", "Event Driven Executor", timedelta(seconds=10), "trade"

    def tick(self, now: datetime) -> Report:
        from trading.exchange.gateway import venue

        bar, wait = due(now)
        if wait:
            return Report.idle(wait)
        return judge_bar(bar, now, CALLER.get(), venue(), ring)
