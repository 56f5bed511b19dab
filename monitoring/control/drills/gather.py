"""What happened since a drill broke something: facts of our rows, of the exchange's ground truth, of processes."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Min, QuerySet, Sum

from monitoring.control import practice
from monitoring.control.drills import house
from monitoring.models import HealthScore, Incident, RemedyAttempt
from monitoring.watch import ringing
from monitoring.watch.dataailments import DENIED
from monitoring.watch.drills.evidence import Fact, Subject
from monitoring.watch.drills.spec import Sign
from trading.laws import conservation
from trading.models import (
    AccountSnapshot,
    Candle,
    CandleFault,
    CandleGap,
    ClockReading,
    Cycle,
    Decision,
    Directive,
    Intent,
    ModuleCall,
    ModuleState,
    Order,
    OrderMove,
    Position,
    ProcessState,
    SwitchChange,
    Trade,
    UniverseSnapshot,
)

BY = "drill"  # who rings, as calls are counted
FEW = 4  # so many bells at least for one tick, where they were rung at once
SLOW_TICK, SLOW_ANSWER, LATE_BEAT = 3000, 2000, 2000  # ms
GUARDS = {Intent.STOP, Intent.BACKSTOP, Intent.TARGET}
PAGE = 1.0  # seconds that the page has for an answer
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def raw(symbol: str) -> str:
    """BTC/USDT:USDT as the venue writes it: BTCUSDT."""
    return symbol.partition(":")[0].replace("/", "")


def moment(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Rung:
    """Bells of one module that were rung at once, by `at`; `before`: ticks that drills had made of it till then."""

    times: int
    before: int
    queue: str
    at: datetime


@dataclass
class Gatherer:
    """`removed`: open times of candles that were taken away; `rung`: by module, the bells that were rung."""

    signs: tuple[Sign, ...]
    subject: Subject
    since: datetime
    removed: tuple[datetime, ...] = ()
    rung: Mapping[str, Rung] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)
    born: dict[int, datetime] = field(
        default_factory=dict
    )  # by pid, as first reckoned: it comes out a little different

    @property
    def kinds(self) -> set[str]:
        return {sign.kind for sign in self.signs}

    def look(self, now: datetime) -> list[Fact]:
        """Everything since the break that a sign may ask for."""
        words = {kind.partition(".")[0] for kind in self.kinds}
        if words & {"venue"}:
            self.truth = practice.ask("GET", "state", patience=5)
        return [fact for word in sorted(words) for fact in READERS[word](self, now) if fact.at >= self.since]


# -- rows --------------------------------------------------------------------------------------------------------------


def incidents(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in Incident.objects.filter(last_seen__gte=of.since):
        yield Fact(row.first_seen, "incident.opened", row.key)
        if row.escalated_at:
            yield Fact(row.escalated_at, "incident.escalated", row.key)
    for row in Incident.objects.filter(closed_at__gte=of.since, verified=True):
        yield Fact(row.closed_at, "incident.closed", row.key)  # type: ignore[arg-type]


def remedies(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in RemedyAttempt.objects.filter(at__gte=of.since):
        yield Fact(row.at, "remedy", f"{row.action}:{row.target}")


def directives(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in Directive.objects.filter(at__gte=of.since):
        yield Fact(row.at, "directive", row.level)


def switches(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in SwitchChange.objects.filter(at__gte=of.since):
        yield Fact(row.at, "switch", row.state)


def decisions(of: Gatherer, now: datetime) -> Iterator[Fact]:
    found = Decision.objects.filter(at__gte=of.since).values("code").annotate(first=Min("at"))
    for row in found.exclude(code=""):
        yield Fact(row["first"], "decision", row["code"])


def cycles(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in Cycle.objects.filter(at__gte=of.since):
        if row.evaluated:
            yield Fact(row.at, "judged")
        for code, symbols in row.absent.items():
            yield Fact(row.at, "absent", code)
            if of.subject.symbol in symbols:
                yield Fact(row.at, "absent.symbol", of.subject.symbol)


def modules(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in ModuleState.objects.filter(last_tick__gte=of.since - timedelta(seconds=60)):
        failed = row.last_error_at is not None and row.last_tick is not None and row.last_error_at >= row.last_tick
        if row.last_tick and not failed:
            yield Fact(row.last_tick, "tick", row.name)
            if row.idle_reason:
                yield Fact(row.last_tick, "idle", row.name)
        if row.last_tick and row.took_ms >= SLOW_TICK:
            yield Fact(row.last_tick + timedelta(milliseconds=row.took_ms), "tick.slow", row.name)
        if row.last_work:
            yield Fact(row.last_work, "work", row.name)
        if row.last_error_at:
            yield Fact(row.last_error_at, "error", row.name)


def ticks(module: str) -> int:
    """How often a drill's bell made it tick, of the calls that are kept."""
    return ModuleCall.objects.filter(name=module, caller=BY).aggregate(n=Sum("ticks"))["n"] or 0


def bells(of: Gatherer, now: datetime) -> Iterator[Fact]:
    """How many ticks came of bells: told once another task has run that was put behind the last of them."""
    for module, rung in of.rung.items():
        last = ModuleState.objects.filter(name=ringing.row(rung.queue), last_work__gt=rung.at).first()
        if last is None or last.last_work is None or last.last_work - timedelta(milliseconds=last.lag_ms) < rung.at:
            continue
        few = ticks(module) - rung.before <= rung.times // FEW
        yield Fact(last.last_work, "bells.few" if few else "bells.many", module)


def heartbeats(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in ProcessState.objects.filter(beat_at__gte=of.since, lag_ms__gte=LATE_BEAT):
        yield Fact(row.beat_at, "beat.late", row.name)


def candles(of: Gatherer, now: datetime) -> Iterator[Fact]:
    timeframe, symbol = settings.QUANTUM.timeframe, of.subject.symbol
    for row in CandleFault.objects.filter(last_seen__gte=of.since):
        yield Fact(row.last_seen, "candle.fault", f"{row.kind}:{row.symbol}")
    for gap in CandleGap.objects.filter(found_at__gte=of.since):
        yield Fact(gap.found_at, "candle.fault", f"gap:{gap.symbol}")
    mine = Candle.objects.filter(symbol=symbol, timeframe=timeframe)
    if of.removed:
        if mine.filter(open_time__in=of.removed).count() == len(of.removed):
            yield Fact(now, "candle.back", symbol)
        return
    newest = mine.order_by("-open_time").values_list("open_time", flat=True).first()
    if newest is not None:
        yield Fact(newest + settings.QUANTUM.bar, "candle", symbol)


def accounts(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in AccountSnapshot.objects.filter(at__gte=of.since):
        yield Fact(row.at, "account")
        if row.latency_ms is not None:
            yield Fact(row.at, "account.slow" if row.latency_ms >= SLOW_ANSWER else "account.quick")


def clocks(of: Gatherer, now: datetime) -> Iterator[Fact]:
    """How far the exchange's clock is off, as our processes have measured it."""
    for row in ClockReading.objects.filter(at__gte=of.since):
        off = timedelta(milliseconds=abs(row.offset_ms)) > DENIED
        yield Fact(row.at, "clock.off" if off else "clock.right", row.source)


def universe(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in UniverseSnapshot.objects.filter(at__gte=of.since):
        inside = {line["symbol"] for line in row.symbols if line["status"] == "in"}
        yield Fact(row.at, f"universe.{'in' if of.subject.symbol in inside else 'out'}", of.subject.symbol)


def probes(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for row in HealthScore.objects.filter(at__gte=of.since):
        for part in row.evidence.get("parts", []):
            for point in part.get("points", []):
                yield Fact(row.at, f"probe.{point.get('state')}", str(point.get("probe")))


# -- orders and positions ----------------------------------------------------------------------------------------------


def orders(of: Gatherer, now: datetime) -> Iterator[Fact]:
    mine = OrderMove.objects.filter(order__intent__position=of.subject.position, at__gte=of.since)
    for kind, became, at in mine.values_list("order__intent__kind", "became", "at"):
        yield Fact(at, "order", f"{kind}:{became}")


def positions(of: Gatherer, now: datetime) -> Iterator[Fact]:
    row = Position.objects.filter(pk=of.subject.position or 0).first()
    if row is None:
        return
    key = str(row.pk)
    if row.verified_at and row.protected_since and row.unprotected_since is None:
        yield Fact(row.verified_at, "position.verified", key)
    if row.breached_at:
        yield Fact(row.breached_at, "position.breached", key)
    if row.closed_at:
        yield Fact(row.closed_at, "position.closed", key)


def trades(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for at in Trade.objects.filter(position=of.subject.position).values_list("closed_at", flat=True):
        yield Fact(at, "trade", str(of.subject.position))


def entries(of: Gatherer, now: datetime) -> Iterator[Fact]:
    """Of the first entry whose outcome was anything but plain."""
    moves = OrderMove.objects.filter(order__intent__kind=Intent.ENTRY, order__sent_at__gte=of.since)
    hit = moves.filter(became__in=("unknown", "partial")).order_by("at").values_list("order", flat=True).first()
    if hit is None:
        return
    for became, at in moves.filter(order=hit).values_list("became", "at"):
        yield Fact(at, "entry", became)
    decision = Order.objects.values_list("intent__decision", flat=True).get(pk=hit)
    held = Position.objects.filter(decision=decision, protected_since__isnull=False, verified_at__isnull=False)
    for verified in held.values_list("verified_at", flat=True):
        if verified is not None:
            yield Fact(verified, "entry.protected")


# -- the exchange's ground truth ---------------------------------------------------------------------------------------


def venue(of: Gatherer, now: datetime) -> Iterator[Fact]:
    state, symbol = of.truth, of.subject.symbol
    name = raw(symbol)
    held = amounts(state).get(name, Decimal(0))
    algos = [row for row in state["algo_orders"] if row["symbol"] == name]
    kinds = kinds_of(row["clientAlgoId"] for row in algos)
    for row in algos:
        kind = kinds.get(row["clientAlgoId"])
        if kind and (kind == Intent.TARGET or covers(row, held)):
            yield Fact(moment(row["createTime"]), f"venue.{kind}", symbol)
    if {kinds.get(row["clientAlgoId"]) for row in algos} >= GUARDS and held:
        yield Fact(max(of.since, *(moment(row["createTime"]) for row in algos)), "venue.guarded", symbol)
    fills = [row["at"] for row in state["fills"] if row["symbol"] == name]
    if not held:
        if fills:
            yield Fact(moment(max(fills)), "venue.flat", symbol)
        if not algos and not any(row["symbol"] == name for row in state["orders"]):
            yield Fact(now, "venue.bare", symbol)


def desk(of: Gatherer, now: datetime) -> Iterator[Fact]:
    """What the fault has met; a stream that is dropped once more was dialled again."""
    for one in practice.faults(5):
        if one.hits:
            yield Fact(now, "desk.hit" if one.hits == 1 else "desk.again", one.kind)


def kinds_of(ids: Iterable[str]) -> dict[str, str]:
    return dict(Intent.objects.filter(client_order_id__in=list(ids)).values_list("client_order_id", "kind"))


def amounts(state: Mapping[str, Any]) -> dict[str, Decimal]:
    return {row["symbol"]: amount for row in state["positions"] if (amount := Decimal(row["positionAmt"]))}


def covers(row: Mapping[str, Any], held: Decimal) -> bool:
    """A stop that leaves the whole position."""
    out = row["side"] == ("SELL" if held > 0 else "BUY")
    return bool(held) and out and (row["closePosition"] or row["reduceOnly"] and Decimal(row["quantity"]) >= abs(held))


def broken_laws(since: datetime) -> tuple[str, ...]:
    """Which of the laws do not hold at this moment, by our rows and by the exchange's own ledger."""
    state = practice.ask("GET", "state", patience=5)
    ours = Position.objects.exclude(status=Position.CLOSED).values_list("symbol", "side", "quantity")
    wanted = {raw(symbol): quantity if side == "long" else -quantity for symbol, side, quantity in ours}
    held = amounts(state)
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("signals = traded + rejected + failed + pending", lambda: conservation().holds),
        ("our positions are the exchange's", lambda: held == {s: q for s, q in wanted.items() if q}),
        ("every position has its stop at the exchange", lambda: all(stopped(state, s, q) for s, q in held.items())),
        ("nothing is filled beyond what was wanted", lambda: not overfilled(state, since)),
        ("one order of a kind", lambda: not doubled(state)),
    )
    return tuple(name for name, holds in checks if not holds())


def stopped(state: Mapping[str, Any], symbol: str, held: Decimal) -> bool:
    mine = (row for row in state["algo_orders"] if row["symbol"] == symbol)
    return any(row["orderType"] in ("STOP", "STOP_MARKET") and covers(row, held) for row in mine)


def overfilled(state: Mapping[str, Any], since: datetime) -> list[str]:
    """Our own ids under which the exchange filled more than the intent wanted."""
    filled: dict[str, Decimal] = {}
    for row in state["fills"]:
        if moment(row["at"]) >= since:
            filled[row["client_order_id"]] = filled.get(row["client_order_id"], Decimal(0)) + Decimal(row["quantity"])
    known: QuerySet[Intent] = Intent.objects.filter(client_order_id__in=filled)
    wanted = dict(known.values_list("client_order_id", "quantity"))
    return [one for one, quantity in filled.items() if wanted.get(one) is not None and quantity > wanted[one]]


def doubled(state: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Symbols with two live orders of one kind."""
    kinds = kinds_of(row["clientAlgoId"] for row in state["algo_orders"])
    seen = [(row["symbol"], kinds[row["clientAlgoId"]]) for row in state["algo_orders"] if row["clientAlgoId"] in kinds]
    return sorted({one for one in seen if seen.count(one) > 1})


# -- processes and the page --------------------------------------------------------------------------------------------


def running(of: Gatherer, now: datetime) -> Iterator[Fact]:
    for one in house.processes(Path(settings.VAR), now).values():
        yield Fact(of.born.setdefault(one.pid, one.started_at), "process.started", one.name)


def page(of: Gatherer, now: datetime) -> Iterator[Fact]:
    if status("healthz") == 200:
        yield Fact(now, "page.up")


def ready(of: Gatherer, now: datetime) -> Iterator[Fact]:
    if status("readyz") == 503:
        yield Fact(now, "readyz.no")


def status(path: str) -> int | None:
    """How our own page answers; None where it doesn't."""
    try:
        with OPENER.open(f"http://127.0.0.1:{settings.QUANTUM.PORT}/{path}", timeout=PAGE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as no:
        return no.code
    except OSError:
        return None


READERS: Mapping[str, Callable[[Gatherer, datetime], Iterator[Fact]]] = {
    "incident": incidents,
    "remedy": remedies,
    "directive": directives,
    "switch": switches,
    "decision": decisions,
    "judged": cycles,
    "absent": cycles,
    "tick": modules,
    "idle": modules,
    "work": modules,
    "error": modules,
    "beat": heartbeats,
    "candle": candles,
    "account": accounts,
    "bells": bells,
    "clock": clocks,
    "desk": desk,
    "universe": universe,
    "probe": probes,
    "order": orders,
    "position": positions,
    "trade": trades,
    "entry": entries,
    "venue": venue,
    "process": running,
    "page": page,
    "readyz": ready,
}
