"""Is the house fit for a drill, and what is drilled on: a protected position, or a symbol that nobody holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from monitoring.control import practice
from monitoring.control.actions import Unreachable
from monitoring.control.drills.gather import amounts, raw
from monitoring.control.drills.hands import CannotBreak
from monitoring.models import Incident, RemedyAttempt
from monitoring.watch import circuit
from monitoring.watch.detectors.findings import Ailment
from monitoring.watch.drills.evidence import Subject
from monitoring.watch.drills.judge import Why
from monitoring.watch.drills.spec import Drill, DropCandles, DropOlderCandles, Fault, Jump, Need
from trading.exchange.venue import OrderStatus
from trading.feed import rows as feed_rows
from trading.gates import rows as gate_rows
from trading.models import Decision, Intent, Order, Position, SwitchChange
from trading.orders.lifecycle import RESTING

AGAIN = 1.0  # seconds between two looks
WEIGHTY = (Incident.HIGH, Incident.CRITICAL)
SETTLED = timedelta(seconds=5)  # a position younger than this is still being protected
KINDS = {Intent.STOP, Intent.BACKSTOP, Intent.TARGET}
Clock = Callable[[], datetime]
Rest = Callable[[float], None]


def profile() -> str:
    return "postgres" if settings.QUANTUM.DATABASE_URL or settings.QUANTUM.REDIS_URL else "embedded"


def refusal(drill: Drill, alive: bool, now: datetime) -> CannotBreak | None:
    """Why nothing may be broken now; None where it may."""
    if not practice.practising():
        return CannotBreak(Why.NOT_PRACTICE, mode=settings.QUANTUM.mode)
    if not alive:
        return CannotBreak(Why.NO_HOUSE)
    for need, name in ((Need.EMBEDDED, "embedded"), (Need.POSTGRES, "postgres")):
        if need in drill.needs and profile() != name:
            return CannotBreak(Why.OTHER_PROFILE, wanted=name)
    if (state := gate_rows.switch_state()) != SwitchChange.ACTIVE:
        return CannotBreak(Why.HALTED, state=state)
    if weighty := list(Incident.objects.filter(closed_at=None, severity__in=WEIGHTY).values_list("key", flat=True)):
        used_up = Ailment.RESTARTS_EXHAUSTED in weighty  # then the others wait for it, too
        return CannotBreak(Why.UNSAFE, incident=Ailment.RESTARTS_EXHAUSTED.value if used_up else min(weighty))
    naked = Position.objects.exclude(status=Position.CLOSED).filter(protected_since=None).first()
    if naked is not None:
        return CannotBreak(Why.UNSAFE, incident=f"UNPROTECTED:{naked.symbol}")
    return no_restart_left(drill, now) or broken_already()


def no_restart_left(drill: Drill, now: datetime) -> CannotBreak | None:
    """Self-healing restarts only so often; one more drill that needs it would end in a halt."""
    made = RemedyAttempt.objects.filter(at__gt=now - circuit.WINDOW, action__in=circuit.RESTARTS).count()
    if not drill.restarts or made + drill.restarts <= circuit.MOST:
        return None
    return CannotBreak(Why.NO_RESTART_LEFT, n=made, minutes=circuit.WINDOW.total_seconds() / 60)


def next_of(left: Sequence[Drill], now: datetime) -> Drill:
    """The first of those that are left for which self-healing has restarts left; where none has, the first."""
    return next((drill for drill in left if no_restart_left(drill, now) is None), left[0])


def broken_already() -> CannotBreak | None:
    try:
        faults = practice.faults(5)
    except Unreachable as no:
        return CannotBreak(Why.NO_DESK, error=str(no))
    return CannotBreak(Why.BROKEN_ALREADY, kind=faults[0].kind) if faults else None


LASTING = (Why.NOT_PRACTICE, Why.NO_HOUSE, Why.OTHER_PROFILE)  # waiting does not help


def quiet(drill: Drill, alive: Callable[[], bool], clock: Clock, rest: Rest, patience: float) -> None:
    """Wait until the house is fit; raise what keeps it from being so."""
    began = fit = clock()
    while (no := refusal(drill, alive(), clock())) is not None:
        if wants_room(no):
            fit = clock()  # from its end on the plain patience counts
        if no.why in LASTING or clock() - fit >= timedelta(seconds=patience) or clock() - began >= longest(patience):
            raise no
        rest(AGAIN)


def longest(patience: float) -> timedelta:
    """Restarts come back within their window, and what they were wanted for is over some time later."""
    return circuit.WINDOW + 2 * timedelta(seconds=patience)


def wants_room(no: CannotBreak) -> bool:
    """Whether only time brings it back: restarts are counted over a window, and so is what has used them up."""
    return no.why is Why.NO_RESTART_LEFT or no.params.get("incident") == Ailment.RESTARTS_EXHAUSTED


def choose(drill: Drill, clock: Clock, rest: Rest, patience: float) -> Subject:
    """What it is drilled on; waits for a position where one is needed."""
    if Need.POSITION not in drill.needs:
        return free_symbol(drill)
    end = clock() + timedelta(seconds=patience)
    while (found := position(clock(), drill)) is None:
        if clock() >= end:
            raise CannotBreak(Why.NO_POSITION, waited=patience)
        rest(AGAIN)
    return found


def position(now: datetime, drill: Drill) -> Subject | None:
    """An open position whose three orders rest at the exchange; the one that is farthest from its stop and target."""
    open_ = Position.objects.filter(
        status=Position.OPEN,
        protected_since__isnull=False,
        opened_at__lt=now - SETTLED,
        expires_at__gt=now + timedelta(seconds=drill.longest + 60),
        breached_at=None,
    )
    try:
        state = practice.ask("GET", "state", patience=5)
    except Unreachable:
        return None
    held = amounts(state)
    fit = [row for row in open_ if raw(row.symbol) in held and orders_rest(row, state)]
    if not fit:
        return None
    best = max(fit, key=lambda row: (room(row), row.pk))
    return Subject(best.symbol, best.pk, best.side)


def orders_rest(row: Position, state: dict[str, Any]) -> bool:
    mine = Order.objects.filter(intent__position=row, status__in=[s.value for s in RESTING])
    known = dict(mine.values_list("intent__client_order_id", "intent__kind"))
    there = {known.get(one["clientAlgoId"]) for one in state["algo_orders"]}
    return there >= KINDS and len(known) == len(KINDS)


def room(row: Position) -> float:
    """Share of price between the mark and the nearer of stop and target."""
    mark = row.mark_price or row.entry_price
    ends = [abs(mark - at) / mark for at in (row.stop_price, row.target_price) if at is not None]
    return float(min(ends, default=0))


def free_symbol(drill: Drill) -> Subject:
    """A symbol that is neither held nor being entered, the least of the universe; none where none is wanted."""
    if not any(of_a_symbol(one) for one in drill.breaks):
        return Subject()
    taken: Iterable[str] = [
        *Position.objects.exclude(status=Position.CLOSED).values_list("symbol", flat=True),
        *Decision.objects.filter(outcome=Decision.PENDING).values_list("signal__symbol", flat=True),
        *Order.objects.filter(status=OrderStatus.UNKNOWN).values_list("intent__symbol", flat=True),
    ]
    free = [symbol for symbol in feed_rows.universe() if symbol not in set(taken)]
    if not free:
        raise CannotBreak(Why.NO_SYMBOL)
    return Subject(free[-1])


def of_a_symbol(one: object) -> bool:
    return isinstance(one, Jump | DropCandles | DropOlderCandles) or (isinstance(one, Fault) and one.mine)
