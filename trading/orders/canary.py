"""The daily proof that the venue takes, shows, replaces, triggers and cancels our stops.

1. What an earlier run left is cleaned up; a symbol without position, order or pending entry is taken, and committed:
   from then on no entry is sent on it.
2. Place, read, replace, cancel, trigger: every order through a stored intent and the one sender. Each step is stored
   as it is answered, with the endpoints that were asked, their codes and how long they took.
3. Clean: whatever happened, nothing of it may be left in either book, and no position. What can't be verified now is
   cleaned up by the next run, by the sweep, and at a worker's start.
4. A contract that is broken holds entries by a directive, until a later run is OK.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from trading import events
from trading.exchange import checks, wire
from trading.exchange import rows as venue_rows
from trading.exchange.checks import Probe
from trading.exchange.errors import VenueError
from trading.exchange.venue import Call, Gateway, OrderStatus
from trading.gates import store as gate_store
from trading.gates.directives import Level
from trading.models import CanaryRun, Decision, Order, Position, SwitchChange
from trading.orders import givingback, intents, preflight, proving, rows, sender
from trading.orders.lifecycle import LIVE
from trading.orders.proving import Step, bad, good, unsure
from trading.orders.sender import Clock
from trading.runtime import Report

log = logging.getLogger(__name__)

KEY = "venue_canary"  # of the directive, and who set it
REASON = "the exchange's daily check: {}"
WOULD_TRIGGER = -2021
PLACINGS = 3  # of a stop near the market, which may move past it meanwhile
WAIT, LOOK = timedelta(seconds=25), 0.5  # for a trigger, short of what a queue may be held up; seconds between looks
BEAT = timedelta(seconds=5)
CANCELS = 3


def tick(gateway: Gateway, clock: Clock, mode: str, caller: str) -> Report:
    """Make a run where one is due, or where a person wants one now."""
    if why := not_now(mode):
        return Report.idle(why)
    last = CanaryRun.objects.exclude(outcome="").order_by("-id").values_list("started_at", "outcome").first()
    now = clock()
    when = proving.due(last, now)
    if when > now and caller in proving.MACHINES:
        return Report.idle(f"the last check was {last[1] if last else ''}; the next is due at {when:%H:%M}")
    run = make(gateway, clock, mode, caller)
    if run is None:
        return Report.idle("another check of the exchange is being made")
    return Report(examined=len(run.steps), actions=givingback.orders_of(run).count(), panels=("canary",))


def not_now(mode: str) -> str:
    if mode not in proving.MODES:
        return f"not made in {mode} mode"
    if rows.switch_state() == SwitchChange.HALTED:
        return "the switch is on halted"
    return "the exchange is not started yet" if venue_rows.waiting() else ""


def make(gateway: Gateway, clock: Clock, mode: str, requester: str) -> CanaryRun | None:
    """One run, from its row to its verdict; None where another is being made."""
    run = begin(gateway, clock, mode, requester)
    if run is None:
        return None
    with gateway.recorded() as calls:
        Making(run, gateway, clock, calls).all()
    return run


def begin(gateway: Gateway, clock: Clock, mode: str, requester: str) -> CanaryRun | None:
    """The run's row, after those of dead processes were ended."""
    now = clock()
    with transaction.atomic():
        unfinished = CanaryRun.objects.select_for_update().filter(finished_at=None)
        if unfinished.filter(beat_at__gt=now - proving.DEAD).exists():
            return None
        unfinished.update(finished_at=now, outcome=proving.UNKNOWN, code="died")
        return CanaryRun.objects.create(
            requested_by=requester[:80],
            started_at=now,
            beat_at=now,
            client=gateway.library,
            venue=settings.QUANTUM.venue,
            mode=mode,
        )


class Making:
    """One run being made: its steps in their order, and what an earlier one gives to a later one."""

    def __init__(self, run: CanaryRun, gateway: Gateway, clock: Clock, calls: list[Call]) -> None:
        self.run, self.gateway, self.clock, self.calls = run, gateway, clock, calls
        self.steps: list[Step] = []
        self.number = 0
        self.standing: tuple[Probe, Order] | None = None  # the stop that rests now

    def all(self) -> None:
        """Every step; the first that is not OK ends the asking, and cleaning comes in any case."""
        try:
            for name in proving.STEPS[:-1]:
                self.step(name, getattr(self, name))
        finally:
            self.step("clean", self.clean)
            self.end()

    def step(self, name: str, act: Callable[[], Step]) -> None:
        began, asked = time.perf_counter(), len(self.calls)
        if name != "clean" and any(step.outcome != proving.OK for step in self.steps):
            done = unsure(name, "not_asked")
        else:
            try:
                done = act()
            except VenueError as error:
                done = proving.trouble(name, error)
            except BaseException:
                self.steps.append(unsure(name, "died"))  # what was not shown is not proven
                raise
        self.steps.append(done)
        took = round((time.perf_counter() - began) * 1000)
        told = asdict(done) | {"took_ms": took, "calls": [asdict(call) for call in self.calls[asked:]]}
        self.run.steps = [*self.run.steps, told]
        self.run.beat_at = self.clock()
        self.run.save(update_fields=["steps", "beat_at"])
        events.changed("canary")

    def beat(self) -> None:
        """A step that waits lives, too."""
        if self.clock() - self.run.beat_at >= BEAT:
            self.run.beat_at = self.clock()
            self.run.save(update_fields=["beat_at"])

    def end(self) -> None:
        run, now = self.run, self.clock()
        run.outcome, run.code = proving.outcome(self.steps), proving.first_trouble(self.steps)[:60]
        run.finished_at = run.beat_at = now
        with transaction.atomic():
            run.save(update_fields=["outcome", "code", "finished_at", "beat_at"])
            if run.outcome == proving.FAIL:
                why = f"The exchange's stops failed their check: {run.code}"
                gate_store.direct(Level.NO_NEW_TRADES, KEY, why, KEY, now)
                log.error("the venue's contract is broken: %s", run.code)
            elif run.outcome == proving.OK:
                gate_store.lift(KEY, KEY, now)
        events.changed("canary", "reconciliation", "verdict")

    # -- steps
    def place(self) -> Step:
        preflight.clean_up(self.gateway, self.clock, self.run.mode)
        givingback.from_dead_runs(self.gateway, self.clock)
        symbol = self.free_symbol()
        if symbol is None:
            return unsure("place", "no_free_symbol")
        self.run.symbol = symbol
        self.run.save(update_fields=["symbol"])
        # committed before this look: an entry that comes now sees the row
        if Decision.objects.filter(outcome=Decision.PENDING, signal__symbol=symbol).exists():
            return unsure("place", "entry_on_its_way", symbol=symbol)
        wanted = checks.probe(self.rule(), self.mark())
        found = self.put(wanted, "place")
        if isinstance(found, Step):
            return found
        self.standing = wanted, found
        return good("place", symbol=symbol, trigger=wire.text(wanted.trigger), quantity=wire.text(wanted.quantity))

    def read(self) -> Step:
        wanted, order = self.now_standing()
        for pause in (0.0, preflight.AGAIN):
            preflight.rest(self.clock, pause)
            if not preflight.rests(wanted, order, self.gateway):
                return self.gone("read", order)
        return good("read", symbol=wanted.symbol)

    def replace(self) -> Step:
        """As trailing does it: the new one is placed and seen before the old one is cancelled."""
        old, old_order = self.now_standing()
        wanted = proving.farther(old, self.rule())
        found = self.put(wanted, "replace")
        if isinstance(found, Step):
            return found
        self.standing = wanted, found
        if not preflight.rests(wanted, found, self.gateway):
            return self.gone("replace", found)
        return self.cancelled("replace", old_order, trigger=wire.text(wanted.trigger))

    def cancel(self) -> Step:
        return self.cancelled("cancel", self.now_standing()[1])

    def trigger(self) -> Step:
        """A stop on either side of the market: whichever way it moves, one of them becomes an ordinary order."""
        pair: list[Order] = []
        for side in ("buy", "sell"):
            found = self.put_near(side)
            if isinstance(found, Step):
                return found
            pair.append(found)
        began = self.clock()
        while self.clock() - began <= WAIT:
            for order in pair:
                shown = sender.ask(order, self.gateway, self.clock)
                if shown is not None and (shown.spawned_id or order.status == OrderStatus.FILLED):
                    return self.became(order)
            if not any(order.live for order in pair):
                return unsure("trigger", "disturbed", None, symbol=self.run.symbol)
            self.beat()
            preflight.rest(self.clock, LOOK)
        return unsure("trigger", "not_triggered", seconds=round(WAIT.total_seconds()), symbol=self.run.symbol)

    def clean(self) -> Step:
        """Cancel what may still fill, give back what has filled, and see that both books and the account are clear."""
        if not self.run.symbol:
            return good("clean")
        refused: int | None = None
        for _ in range(CANCELS):
            left = list(givingback.orders_of(self.run).filter(status__in=LIVE))
            if not left:
                break
            for order in left:
                asked = len(self.calls)
                preflight.take_back(order, self.gateway, self.clock)
                refused = proving.last_refusal(self.calls[asked:]) or refused
            preflight.rest(self.clock, sender.BETWEEN.total_seconds())
        filled = givingback.give_back(self.run, self.gateway, self.clock)
        mine = set(givingback.ids(self.run))
        there = [o for o in self.gateway.open_orders(self.run.symbol) if o.client_order_id in mine]
        if there:
            return bad("clean", "left", refused, symbol=self.run.symbol, count=len(there))
        if any(p.symbol == self.run.symbol for p in self.gateway.positions()):
            return unsure("clean", "position_left", None, symbol=self.run.symbol)
        if givingback.orders_of(self.run).filter(status__in=LIVE).exists():
            return unsure("clean", "not_settled", refused, symbol=self.run.symbol)
        return good("clean", symbol=self.run.symbol, filled=wire.text(filled))

    # -- what the steps share
    def put(self, wanted: Probe, step: str) -> Order | Step:
        """One stop, sent once: the order where it rests, else the step's outcome."""
        self.number += 1
        key, now = f"canary:{self.run.pk}:{self.run.started_at.isoformat()}:{self.number}", self.clock()
        draft = intents.probe(wanted, key, self.run.requested_by, now, REASON.format(step))
        order = givingback.send(draft, self.run.mode, self.gateway, self.clock)
        if order.status == OrderStatus.UNKNOWN:
            return unsure(step, "no_answer", None, message=order.error[:200])
        if order.status == OrderStatus.REFUSED and order.may_retry:
            return unsure(step, "busy", order.error_code, message=order.error[:200])
        if order.status == OrderStatus.REFUSED:
            return proving.refusal(step, order.error_code, order.error[:200])
        return order

    def put_near(self, side: str) -> Order | Step:
        """Drawn anew where the market has passed its trigger before it arrived."""
        for _ in range(PLACINGS):
            found = self.put(proving.near(self.rule(), self.mark(), side), "trigger")
            if isinstance(found, Order) or found.answer != WOULD_TRIGGER:
                return found
        return unsure("trigger", "market_too_fast", WOULD_TRIGGER, symbol=self.run.symbol)

    def became(self, order: Order) -> Step:
        """The triggered stop is an ordinary order now: it is shown by its id, and can be cancelled."""
        if order.status == OrderStatus.FILLED:
            return unsure("trigger", "filled", None, symbol=self.run.symbol)
        listed = [o for o in self.gateway.open_orders(self.run.symbol) if o.venue_order_id == order.spawned_id]
        if not any(not o.conditional for o in listed):
            return self.gone("trigger", order)
        return self.cancelled("trigger", order, side=order.intent.side)

    def cancelled(self, step: str, order: Order, /, **facts: checks.Fact) -> Step:
        """Cancelled, and gone from both books."""
        for _ in range(CANCELS):
            asked = len(self.calls)
            sender.cancel(order, self.gateway, self.clock, REASON.format(step))
            refused = proving.last_refusal(self.calls[asked:])
            if not order.live and not preflight.find(order, self.gateway.open_orders(self.run.symbol)):
                return good(step, symbol=self.run.symbol, **facts)
            preflight.rest(self.clock, preflight.AGAIN)
        if refused is not None:
            return proving.refusal(step, refused, "the venue does not cancel it")
        return unsure(step, "not_gone", None, symbol=self.run.symbol)

    def gone(self, step: str, order: Order) -> Step:
        """Not where it should be: taken back by another process of ours, or lost by the venue."""
        order.refresh_from_db()
        if order.status == OrderStatus.CANCELED:
            return unsure(step, "disturbed", None, symbol=self.run.symbol)
        return bad(step, "not_shown", None, symbol=self.run.symbol)

    def now_standing(self) -> tuple[Probe, Order]:
        if self.standing is None:
            raise RuntimeError("no stop of this check rests")
        return self.standing

    def rule(self) -> checks.Filters:
        return self.gateway.filters(current=True)[self.run.symbol]

    def mark(self) -> Decimal:
        return self.gateway.marks()[self.run.symbol].price

    def free_symbol(self) -> str | None:
        """Nothing of ours or of others is on it, here or at the venue."""
        busy = {p.symbol for p in self.gateway.positions()} | {o.symbol for o in self.gateway.open_orders()}
        busy |= set(Position.objects.exclude(status=Position.CLOSED).values_list("symbol", flat=True))
        busy |= set(Decision.objects.filter(outcome=Decision.PENDING).values_list("signal__symbol", flat=True))
        wanted = preflight.wanted_symbols()
        return checks.probe_symbol(self.gateway.filters(current=True), self.gateway.marks(), busy, wanted)
