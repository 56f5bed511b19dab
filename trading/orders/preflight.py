"""The checks before a venue is traded on, made one after the other and stored as they are answered.

1. Claim the run's row; whoever comes second does nothing.
2. Each check asks the venue and answers ok, fail or unknown; what another check has made impossible is not asked.
3. The stop's round trip: intent, order, read back from both books, cancelled, gone. What a dead run left is cancelled
   first; a run that dies is followed by the sweep, which cancels its order.
4. The result is stored, and the watchers are told.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from trading import events, tuning
from trading.exchange import checks, wire
from trading.exchange.checks import Result
from trading.exchange.errors import Unreachable, VenueError
from trading.exchange.venue import Filters, Gateway, OrderStatus, VenueOrder
from trading.models import Intent, Order, PreflightRun
from trading.orders import intents, sender
from trading.orders.intents import PROBE_PREFIX
from trading.orders.sender import Clock

log = logging.getLogger(__name__)

PATIENCE = 4.0  # seconds that one request may take
WHOLE = timedelta(seconds=60)  # then no further check is begun
AGAIN = 0.5  # seconds until an order is read a second time: one may vanish after it was accepted
PANEL = "preflight"


def run(run_id: int, gateway: Gateway, clock: Clock) -> PreflightRun | None:
    """Make the checks of this run; None where somebody else has begun it."""
    began = clock()
    if not PreflightRun.objects.filter(pk=run_id, beat_at=None, finished_at=None).update(beat_at=began):
        return None
    row = PreflightRun.objects.get(pk=run_id)
    asking = Asking(gateway, clock, row)
    done: dict[str, Result] = {}
    for check in checks.CHECKS:
        started = time.perf_counter()
        late = clock() - began > WHOLE
        result = checks.unknown(check, "out_of_time") if late else asking.ask(check, done)
        done[check] = result
        took_ms = round((time.perf_counter() - started) * 1000)
        row.checks = [*row.checks, asdict(result) | {"took_ms": took_ms}]
        row.beat_at = clock()
        row.save(update_fields=["checks", "beat_at"])
        events.changed(PANEL)
    row.finished_at = clock()
    row.passed = row.full and not checks.missing({c["check"]: c["answer"] for c in row.checks}, row.mode)
    row.save(update_fields=["finished_at", "passed"])
    events.changed(PANEL, "verdict", "ribbon")
    return row


class Asking:
    """One run's questions, and what an earlier answer gives to a later one."""

    def __init__(self, gateway: Gateway, clock: Clock, row: PreflightRun) -> None:
        self.gateway, self.clock, self.row = gateway, clock, row
        self.offset = self.took = timedelta(0)

    def ask(self, check: str, done: Mapping[str, Result]) -> Result:
        if check in checks.CHANGES and not self.row.full:
            return checks.unknown(check, "later")
        if before := checks.stands_in_the_way(check, done):
            return checks.unknown(check, "not_asked", before=before)
        try:
            return self.steps[check](self)
        except VenueError as error:
            return checks.trouble(check, error)

    def address(self) -> Result:
        began = time.perf_counter()
        try:
            self.offset = self.gateway.set_clock()
        except Unreachable as error:
            return checks.fail("address", "unreachable", message=str(error)[:200])
        self.took = timedelta(seconds=time.perf_counter() - began)
        return checks.ok("address", took=round(self.took.total_seconds(), 2))

    def clock_apart(self) -> Result:
        return checks.clock(self.offset, self.took)

    def key(self) -> Result:
        shown = self.gateway.account()
        return checks.ok("key", equity=str(shown.equity))

    def trade(self) -> Result:
        return checks.may_trade(self.gateway.may_trade())

    def withdraw(self) -> Result:
        return checks.may_withdraw(self.gateway.may_withdraw())

    def position_mode(self) -> Result:
        return checks.position_mode(self.gateway.one_way())

    def collateral_mode(self) -> Result:
        return checks.collateral_mode(self.gateway.multi_assets())

    def symbol_settings(self) -> Result:
        """Margin mode and leverage where the first trade would need them; every entry sets its own symbol's."""
        symbol = self.free_symbol()
        if symbol is None:
            return checks.unknown("settings", "no_free_symbol")
        config = tuning.effective()
        wanted = (
            config.QT_MARGIN_MODE,
            min(config.QT_MAX_LEVERAGE, self.gateway.filters(current=True)[symbol].max_leverage),
        )
        was = self.gateway.symbol_settings(symbol)
        self.gateway.set_margin_mode(symbol, wanted[0])
        self.gateway.set_leverage(symbol, wanted[1])
        return checks.symbol_settings(symbol, was, wanted, self.gateway.symbol_settings(symbol))

    def balance(self) -> Result:
        smallest = checks.smallest_notional(self.gateway.filters(current=True), wanted_symbols())
        return checks.balance(self.gateway.account(), smallest, tuning.effective().QT_MAX_LEVERAGE)

    def rules(self) -> Result:
        return checks.rules(self.gateway.filters(current=True), wanted_symbols())

    def stop(self) -> Result:
        clean_up(self.gateway, self.clock, self.row.mode)
        symbol = self.free_symbol()
        if symbol is None:
            return checks.unknown("stop", "no_free_symbol")
        return round_trip(self.row, self.gateway.filters(current=True)[symbol], self.gateway, self.clock)

    steps: Mapping[str, Callable[[Asking], Result]] = {
        "address": address,
        "clock": clock_apart,
        "key": key,
        "trade": trade,
        "withdraw": withdraw,
        "position_mode": position_mode,
        "collateral_mode": collateral_mode,
        "settings": symbol_settings,
        "balance": balance,
        "rules": rules,
        "stop": stop,
    }

    def free_symbol(self) -> str | None:
        busy = {p.symbol for p in self.gateway.positions()} | {o.symbol for o in self.gateway.open_orders()}
        return checks.probe_symbol(self.gateway.filters(current=True), self.gateway.marks(), busy, wanted_symbols())


def wanted_symbols() -> list[str]:
    """QT_SYMBOLS as ccxt writes them; empty where all are wanted."""
    return [wire.symbol_of(wire.market_id(name)) or name for name in settings.QUANTUM.symbols]


# -- the stop's round trip ---------------------------------------------------------------------------------------------


def round_trip(row: PreflightRun, rule: Filters, gateway: Gateway, clock: Clock) -> Result:
    """Place a stop out of reach, read it back from both books twice, cancel it, and see that it is gone."""
    wanted = checks.probe(rule, gateway.marks()[rule.symbol].price)
    intent = commit(wanted, row, clock())
    order = sender.send(intent.pk, gateway, clock)
    try:
        if order.status == OrderStatus.REFUSED:
            return checks.fail("stop", "stop_refused", symbol=wanted.symbol, message=order.error)
        if order.status != OrderStatus.NEW:
            return checks.unknown("stop", "stop_unknown", symbol=wanted.symbol, message=order.error)
        for pause in (0.0, AGAIN):
            rest(clock, pause)
            if not rests(wanted, order, gateway):
                return checks.fail("stop", "stop_not_shown", symbol=wanted.symbol)
        sender.cancel(order, gateway, clock, "its check is over")
        if order.live or find(order, gateway.open_orders(wanted.symbol)):
            return checks.fail("stop", "stop_not_gone", symbol=wanted.symbol)
        trigger, quantity = wire.text(wanted.trigger), wire.text(wanted.quantity)
        return checks.ok("stop", symbol=wanted.symbol, trigger=trigger, quantity=quantity)
    finally:
        if order.live:
            take_back(order, gateway, clock)


def commit(wanted: checks.Probe, row: PreflightRun, now: datetime) -> Intent:
    """The wish for the probe, stored before anything is sent."""
    key = f"{row.account}:{row.pk}:{row.requested_at.isoformat()}"
    draft = intents.probe(wanted, key, row.requested_by[:80], now)
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    with transaction.atomic():
        return Intent.objects.create(mode=row.mode, **fields)


def rests(wanted: checks.Probe, order: Order, gateway: Gateway) -> bool:
    """The venue shows the probe as it was sent: asked by its id, and in the list of all open orders."""
    sent = order.intent.client_order_id
    by_id = gateway.order(wanted.symbol, sent, conditional=True)
    listed = find(order, gateway.open_orders(wanted.symbol))
    return checks.shown_as_sent(wanted, by_id) and checks.shown_as_sent(wanted, listed)


def find(order: Order, book: list[VenueOrder]) -> VenueOrder | None:
    return next((shown for shown in book if shown.client_order_id == order.intent.client_order_id), None)


def take_back(order: Order, gateway: Gateway, clock: Clock) -> None:
    """Cancel whatever may have become of the probe; what the venue does not answer now, the sweep asks again."""
    try:
        sender.cancel(order, gateway, clock, "its check has ended early")
    except VenueError as error:
        log.warning("the probe %s may still rest at the venue: %s", order.intent.client_order_id, error)


def clean_up(gateway: Gateway, clock: Clock, mode: str) -> int:
    """Cancel every probe at the venue, also one that this database has never heard of. How many there were."""
    left = [shown for shown in gateway.open_orders() if shown.client_order_id.startswith(PROBE_PREFIX)]
    for shown in left:
        order = known(shown, clock(), mode)
        if order.conditional and not shown.conditional:  # it has triggered: ask what it became
            sender.ask(order, gateway, clock)
        sender.cancel(order, gateway, clock, "left by an earlier check")
    return len(left)


def known(shown: VenueOrder, now: datetime, mode: str) -> Order:
    """The order's row; where there is none (another database sent it), one is made, so that its end is on record."""
    row = Order.objects.select_related("intent").filter(intent__client_order_id=shown.client_order_id).first()
    if row is not None:
        if row.conditional == shown.conditional:
            sender.learn(row, shown, now)
        return row
    with transaction.atomic():
        intent, _ = Intent.objects.get_or_create(
            client_order_id=shown.client_order_id,
            defaults={
                "kind": Intent.PROBE,
                "symbol": shown.symbol,
                "side": shown.side,
                "type": "STOP",
                "quantity": shown.quantity,
                "price": shown.price,
                "trigger": shown.trigger,
                "reason": "found at the venue: left by an earlier check",
                "requester": "clean-up",
                "created_at": now,
                "mode": mode,
            },
        )
        return Order.objects.create(
            intent=intent,
            venue_order_id=shown.venue_order_id,
            status=shown.status,
            sent_at=shown.updated_at,
            updated_at=now,
            verified_at=now,
            mode=mode,
        )


def rest(clock: Clock, seconds: float) -> None:
    """Wait. A clock that is not the wall's brings its own `sleep`."""
    getattr(clock, "sleep", time.sleep)(seconds)
