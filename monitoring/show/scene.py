"""One look at the rows: everything that the panels of one refresh need, each thing read at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Count, Max, Q
from django.db.models.functions import Mod
from django.utils.translation import gettext as _

from monitoring.show.audience import Audience
from monitoring.show.feed import Line, Near, fold
from monitoring.show.held import Held, Protection, seconds_without
from monitoring.show.spark import Spark, spark
from monitoring.show.sums import totals
from monitoring.watch import rows, witness
from monitoring.watch.funnel import Funnel, funnel
from monitoring.watch.presses import pressed
from monitoring.watch.probes.rows import newest_runs
from monitoring.watch.probes.words import say
from monitoring.watch.retold import retold
from monitoring.watch.told import decided
from monitoring.watch.truth import Status, Truth, lives
from monitoring.watch.verdict import Facts, Headline, headline
from monitoring.watch.words import grouped, market
from trading import schedule, tuning
from trading.cycle import daily_pnl
from trading.exchange.venue import OrderStatus
from trading.gates.store import Standing, standing
from trading.models import (
    AccountSnapshot,
    Cycle,
    Decision,
    Fill,
    FundingPayment,
    Intent,
    ModelVersion,
    ModuleState,
    PolicyVersion,
    Position,
    Trade,
    TrainingRun,
    TunedSetting,
    UniverseSnapshot,
)
from trading.schedule import Plan

T = TypeVar("T")
SPARK_POINTS = 100
MONEY_PLACES = 8
FEED_ROWS, FEED_LINES = 240, 7
RESTING = (OrderStatus.NEW, OrderStatus.PARTIAL, OrderStatus.TRIGGERED)
GUARDS = (Intent.STOP, Intent.BACKSTOP)


def midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Account:
    """The account as the venue last showed it, and today's sums from our rows. Money in USDT."""

    at: datetime
    equity: Decimal
    balance: Decimal
    available: Decimal
    margin_used: Decimal
    unrealized: Decimal
    opened_with: Decimal | None  # equity of today's first snapshot; None before it
    peak: Decimal | None  # today's highest equity
    realized_today: Decimal
    fees_today: Decimal
    funding_today: Decimal
    pnl_today: Decimal  # as the daily loss gate counts it: realised, open, their costs so far
    loss_limit: Decimal  # share of equity

    @property
    def today(self) -> Decimal | None:
        return None if self.opened_with is None else self.equity - self.opened_with

    @property
    def today_share(self) -> Decimal | None:
        return (self.equity - self.opened_with) / self.opened_with if self.opened_with else None

    @property
    def loss_used(self) -> Decimal:
        """Today's loss as the gate sees it: a share of the equity that the day began with; 0 where it is a gain."""
        began = self.equity - self.pnl_today
        return max(Decimal(0), -self.pnl_today / began) if began > 0 else Decimal(1)

    @property
    def drawdown(self) -> Decimal | None:
        return (self.peak - self.equity) / self.peak if self.peak and self.peak > 0 else None


@dataclass(frozen=True, slots=True)
class Pulse:
    """One module's line."""

    name: str
    title: str
    process: str
    every: timedelta
    alive: str
    state: ModuleState | None
    truth: Truth

    @property
    def failing(self) -> bool:
        """Its newest tick ended in an error."""
        at = self.state.last_error_at if self.state else None
        return bool(at and self.state and self.state.last_tick and at >= self.state.last_tick)

    @property
    def shape(self) -> str:
        return self.truth.shape

    @property
    def word(self) -> str:
        """How it is, as a stored word; `names.word` says it."""
        return self.truth.status.value

    @property
    def did(self) -> str:
        """What the last tick did."""
        if self.state is None or self.state.last_tick is None:
            return ""
        told = {"examined": grouped(self.state.examined), "acted": grouped(self.state.actions)}
        return _("%(examined)s examined, %(acted)s acted on") % told

    @property
    def why(self) -> str:
        """Why it is what it is; of one that works, nothing."""
        if self.truth.status is Status.RUNNING:
            return ""
        if self.truth.status is Status.IDLE:
            return retold(self.truth.seen.idle_reason)
        return say(self.truth.code, self.truth.params)

    @property
    def rank(self) -> tuple[int, str]:
        return ({"fail": 0, "unknown": 1, "warn": 2, "ok": 3}[self.shape], self.title)


@dataclass(frozen=True, slots=True)
class Universe:
    """The newest snapshot, and how old each symbol's newest candle is."""

    at: datetime
    source: str
    inside: tuple[str, ...]
    outside: tuple[dict, ...]
    closed: dict[str, datetime]  # close time of the newest candle; absent: there is none


def tuned(scene: Scene) -> dict[str, TunedSetting]:
    """What people have tuned, by the setting's name; one query."""
    return tuning.rows()


def directives(scene: Scene) -> Standing:
    """What self-healing lets the gates take on; one query."""
    return standing(scene.now)


def open_positions(scene: Scene) -> list[Position]:
    """Oldest first; one query."""
    return list(Position.objects.exclude(status=Position.CLOSED).order_by("opened_at", "id"))


def snapshot(scene: Scene) -> AccountSnapshot | None:
    """The account as the venue showed it last; one query."""
    return AccountSnapshot.objects.order_by("-at").first()


def day(scene: Scene) -> dict[str, Any]:
    """Today's snapshots: how many, and the highest equity; one query."""
    today = AccountSnapshot.objects.filter(at__gte=midnight(scene.now))
    return today.aggregate(peak=Max("equity"), n=Count("id"))


def runs(scene: Scene) -> list[TrainingRun]:
    """The newest trainings, the newest first; one query."""
    return newest_runs()


def states(scene: Scene) -> dict[str, ModuleState]:
    """Every module's row by name; one query."""
    return rows.module_states()


def plans(scene: Scene) -> dict[str, Plan]:
    """How often each module is called, and whether at all; one query."""
    return schedule.plans()


def table(scene: Scene) -> witness.Table:
    """Every module judged; nine queries beside the rows of modules and schedules."""
    return witness.read(scene.now, witness.Known(scene.once(states), scene.once(plans)))


def in_force(scene: Scene) -> Any:
    return tuning.overlay(settings.QUANTUM, {name: row.value for name, row in scene.once(tuned).items()})


class Scene:
    """Lazy facts for one refresh. `now` is the refresh's time; nothing here reads the clock."""

    def __init__(
        self,
        now: datetime,
        marks: Mapping[str, tuple[Decimal, datetime]] | None = None,
        audience: Audience | None = None,
    ) -> None:
        self.now = now
        self.marks = marks or {}  # newer than the rows' own, from the stream
        self.audience = audience or Audience()
        self.asked: dict[Callable, Any] = {}

    def once(self, question: Callable[[Scene], T]) -> T:
        """The answer to a question about the rows, asked at most once a refresh."""
        if question not in self.asked:
            self.asked[question] = question(self)
        return self.asked[question]

    def seen_by(self, audience: Audience) -> Scene:
        """The same look at the rows for other roles; facts that were read are shared, words of another language not."""
        if audience.language != self.audience.language:
            return Scene(self.now, self.marks, audience)
        other = copy(self)
        other.audience = audience
        return other

    @property
    def config(self) -> Any:
        """The configuration in force: the environment's, and what people have tuned; one query."""
        return self.once(in_force)

    @cached_property
    def funnel(self) -> Funnel:
        return funnel(rows.HOUR, self.now)

    @cached_property
    def facts(self) -> Facts:
        return rows.facts(
            self.now,
            rows.HOUR,
            self.funnel,
            self.once(tuned),
            runs=self.once(runs)[:1],
            positions=self.once(open_positions),
            voting=sum(row.status == ModelVersion.CHAMPION for row in self.champions),
        )

    @cached_property
    def headline(self) -> Headline:
        """The sentence, what stands over it, and what to press."""
        return pressed(headline(self.facts), self.facts, self.once(directives))

    @cached_property
    def account(self) -> Account | None:
        """None until the venue has shown the account; six queries, and those of the day's profit."""
        last = self.once(snapshot)
        if last is None:
            return None
        since = midnight(self.now)
        today = AccountSnapshot.objects.filter(at__gte=since)
        bounds = self.once(day)
        first = today.order_by("at").values_list("equity", flat=True).first()
        sums = totals(Trade.objects.filter(closed_at__gte=since), "net")
        fees = totals(Fill.objects.filter(at__gte=since), "fee")
        paid = totals(FundingPayment.objects.filter(at__gte=since), "amount")
        return Account(
            at=last.at,
            equity=last.equity,
            balance=last.balance,
            available=last.available,
            margin_used=last.margin_used,
            unrealized=last.unrealized,
            opened_with=first,
            peak=bounds["peak"],
            realized_today=cleaned(sums["net"]) or Decimal(0),
            fees_today=cleaned(fees["fee"]) or Decimal(0),
            funding_today=cleaned(paid["amount"]) or Decimal(0),
            pnl_today=daily_pnl(self.now),
            loss_limit=Decimal(str(self.config.QT_MAX_DAILY_LOSS)),
        )

    @cached_property
    def spark(self) -> Spark | None:
        """Today's equity in at most some hundred points; one query, and the day's."""
        today = AccountSnapshot.objects.filter(at__gte=midnight(self.now))
        every = max(1, self.once(day)["n"] // SPARK_POINTS)
        thinned = today.annotate(nth=Mod("id", every)).filter(nth=0) if every > 1 else today
        values = [float(v) for v in thinned.order_by("at").values_list("equity", flat=True)]
        last = self.once(snapshot)
        return spark([*values, float(last.equity)] if every > 1 and last else values)

    @cached_property
    def held(self) -> list[Held]:
        """Open positions with what protects them; two queries."""
        found = with_guards(self.once(open_positions))
        return [marked(held(p, guards), self.marks.get(p.symbol)) for p, guards in found]

    @cached_property
    def last_closed(self) -> Trade | None:
        return Trade.objects.order_by("-closed_at").first()

    @cached_property
    def longest_gap(self) -> float | None:
        """Most seconds without a stop among today's positions, those of this moment included; None without any."""
        found = Position.objects.filter(Q(opened_at__gte=midnight(self.now)) | ~Q(status=Position.CLOSED))
        worst = found.aggregate(worst=Max("seconds_unprotected"))["worst"]
        return max([worst, *(seconds_without(one, self.now) for one in self.held)]) if worst is not None else None

    @cached_property
    def feed(self) -> list[Line]:
        """The newest decisions, folded; one query."""
        newest = Decision.objects.select_related("signal").defer("gates", "signal__votes", "signal__excluded")
        return fold((line(d) for d in newest.order_by("-id")[:FEED_ROWS]), FEED_LINES)

    @cached_property
    def nearest(self) -> list[Near]:
        """Who came nearest to a signal in the newest judged bar, where nobody reached one; one query."""
        told = Cycle.objects.filter(evaluated__gt=0).order_by("-bar").only("at", "facts").first()
        if told is None:
            return []
        flat, need = told.facts.get("flat", {}), told.facts.get("break_even")
        found = [Near(told.at, market(symbol), side, p, need) for symbol, (side, p) in flat.items()]
        return sorted(found, key=lambda near: (-near.confidence, near.title))[:FEED_LINES]

    @cached_property
    def last_traded(self) -> Line | None:
        found = Decision.objects.filter(outcome=Decision.TRADED).select_related("signal").order_by("-id").first()
        return line(found) if found else None

    @cached_property
    def pulses(self) -> list[Pulse]:
        """Every expected module, worst first; the queries of the truth table."""
        known = self.once(states)
        found = (pulse(one, known.get(name), self.now) for name, one in self.once(table).modules.items())
        return sorted(found, key=lambda p: p.rank)

    @cached_property
    def champions(self) -> list[ModelVersion]:
        config = settings.QUANTUM
        mine = ModelVersion.objects.filter(data_source=config.data_source, timeframe=config.timeframe)
        return list(mine.filter(Q(status=ModelVersion.CHAMPION) | ~Q(alarm="")).order_by("kind", "-trained_at"))

    @cached_property
    def run(self) -> TrainingRun | None:
        return next(iter(self.once(runs)), None)

    @cached_property
    def policy(self) -> PolicyVersion | None:
        return PolicyVersion.objects.order_by("-version").first()

    @cached_property
    def universe(self) -> Universe | None:
        """The newest snapshot and its candles' ages; two queries, three where a symbol has no recent candle."""
        last = UniverseSnapshot.objects.order_by("-at").first()
        if last is None:
            return None
        return Universe(
            at=last.at,
            source=last.source,
            inside=tuple(row["symbol"] for row in last.symbols if row.get("status") == "in"),
            outside=tuple(row for row in last.symbols if row.get("status") != "in"),
            closed=rows.newest_closes((row["symbol"] for row in last.symbols), self.now),
        )

    @cached_property
    def orders_unknown(self) -> int:
        return Intent.objects.filter(order__status=OrderStatus.UNKNOWN).aggregate(n=Count("id"))["n"]


def cleaned(total: Decimal | None) -> Decimal | None:
    """A sum of money with the places that are shown."""
    return None if total is None else round(total, MONEY_PLACES)


def with_guards(positions: Sequence[Position]) -> Iterable[tuple[Position, dict[str, Protection]]]:
    """Each position with its resting stop and backstop, the newest of each kind; one query."""
    resting = Intent.objects.filter(position__in=positions, kind__in=GUARDS, order__status__in=RESTING)
    found: dict[int, dict[str, Protection]] = {}
    for intent in resting.select_related("order").order_by("id") if positions else []:
        found.setdefault(intent.position_id or 0, {})[intent.kind] = protection(intent)
    return [(p, found.get(p.pk, {})) for p in positions]


def protection(intent: Intent) -> Protection:
    return Protection(
        kind=intent.kind,
        price=intent.trigger,
        order_id=intent.order.pk,
        type=intent.type,
        quantity=intent.quantity,
        reduce_only=intent.reduce_only,
        close_position=intent.close_position,
        verified_at=intent.order.verified_at,
        triggered=intent.order.status == OrderStatus.TRIGGERED,
        client_order_id=intent.client_order_id,
        venue_order_id=intent.order.venue_order_id or None,
    )


def held(p: Position, guards: dict[str, Protection]) -> Held:
    return Held(
        id=p.pk,
        symbol=p.symbol,
        side=p.side,
        quantity=p.quantity,
        entry=p.entry_price,
        mark=p.mark_price,
        mark_at=p.mark_at,
        leverage=p.leverage,
        r=p.r,
        liquidation=p.liquidation_price,
        target=p.target_price,
        trailing=p.trailing,
        stop=guards.get(Intent.STOP),
        backstop=guards.get(Intent.BACKSTOP),
        unprotected_since=p.unprotected_since,
        seconds_unprotected=p.seconds_unprotected,
        opened_at=p.opened_at,
        decision_id=p.decision_id,
        closing=p.status == Position.CLOSING,
        fees=p.fees,
        funding=p.funding,
        expires_at=p.expires_at,
        margin_mode=p.margin_mode,
    )


def marked(one: Held, mark: tuple[Decimal, datetime] | None) -> Held:
    """The position at the newest mark that is known."""
    if mark is None or (one.mark_at and one.mark_at >= mark[1]):
        return one
    return replace(one, mark=mark[0], mark_at=mark[1])


def line(d: Decision) -> Line:
    return Line(
        id=d.pk,
        at=d.at,
        symbol=d.signal.symbol,
        side=d.signal.side,
        confidence=d.signal.confidence,
        outcome=d.outcome,
        code=d.code,
        also=tuple(no["code"] for no in d.rejections if no["code"] != d.code),
        sentence=decided(d),
        bar=d.signal.cycle_id,
    )


def pulse(told: Truth, state: ModuleState | None, now: datetime) -> Pulse:
    one = told.seen.one
    return Pulse(one.name, one.title, one.process, one.every, lives(told, now), state, told)
