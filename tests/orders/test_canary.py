"""The daily proof of the venue's contract, against a practice exchange: OK, broken, silent, killed; nothing is left."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from tests import builders
from tests.positions.conftest import HOUR, SYMBOL, Killed, Venue
from trading.codes import Code
from trading.exchange.errors import Unreachable
from trading.gates.store import standing
from trading.models import CanaryRun, Directive, Intent, Order, Position, SwitchChange
from trading.orders import canary, givingback, proving, sender
from trading.positions import keeper

pytestmark = pytest.mark.django_db
ALGO, ALGOS, ORDERS = "/fapi/v1/algoOrder", "/fapi/v1/openAlgoOrders", "/fapi/v1/openOrders"


@pytest.fixture
def venue(db):
    place = Venue()
    restless(place)
    return place


def restless(place, by=0.002):
    """Every price goes up and down by this share, a step a second."""
    for name in place.market.symbols:
        price = float(place.market.price(name, place.clock.ms()))
        path = [(i, price * (1 + by * (-1) ** i * (i > 0))) for i in range(600)]
        place.market.drive(name, path, place.clock.ms())


def make(venue, requester="beat"):
    return canary.make(venue.gateway, venue.clock, "practice", requester)


def outcomes(run):
    return {step["step"]: step["outcome"] for step in run.steps}


def nothing_left(venue):
    engine = venue.exchange.engine
    return not engine.open_algos() and not engine.open_orders() and not engine.account.held()


def tick(venue, caller="beat", mode="practice"):
    return canary.tick(venue.gateway, venue.clock, mode, caller)


# -- a contract that holds ---------------------------------------------------------------------------------------------


def test_a_venue_that_keeps_its_contract_passes_every_step_and_nothing_is_left(venue):
    run = make(venue)
    assert outcomes(run) == dict.fromkeys(proving.STEPS, "ok"), run.steps
    assert (run.outcome, run.code) == ("ok", "") and run.client.startswith("ccxt 4.")
    assert nothing_left(venue)
    assert {order.status for order in Order.objects.all()} == {"canceled"}
    assert not Order.objects.exclude(filled=0).exists() and not Position.objects.exists()


def test_every_step_tells_what_was_asked_with_its_code_and_time(venue):
    steps = {step["step"]: step for step in make(venue).steps}
    asked = {name: {call["endpoint"] for call in step["calls"]} for name, step in steps.items()}
    assert "fapiPrivatePostAlgoOrder" in asked["place"] & asked["replace"] & asked["trigger"]
    assert {"fapiPrivateGetAlgoOrder", "fapiPrivateGetOpenAlgoOrders", "fapiPrivateGetOpenOrders"} <= asked["read"]
    assert "fapiPrivateDeleteAlgoOrder" in asked["replace"] & asked["cancel"]
    assert "fapiPrivateDeleteOrder" in asked["trigger"]
    assert all(call["took_ms"] >= 0 for step in steps.values() for call in step["calls"])


def test_a_stop_is_replaced_place_before_cancel(venue):
    make(venue)
    first, second = Intent.objects.order_by("id")[:2]
    cancelled = first.order.moves.get(became="canceled")
    assert second.trigger > first.trigger
    assert second.order.moves.get(became="new").at <= cancelled.at


def test_every_order_is_the_smallest_and_can_not_fill(venue):
    make(venue)
    rules = venue.gateway.filters()
    for intent in Intent.objects.all():
        rule = rules[intent.symbol]
        assert intent.kind == "probe" and intent.type == "STOP"
        assert (
            intent.quantity * min(intent.price, intent.trigger)
            < rule.min_notional * Decimal("1.5") + rule.step * intent.price
        )
        beyond = intent.price < intent.trigger if intent.side == "buy" else intent.price > intent.trigger
        assert beyond


def test_a_symbol_with_a_position_is_left_alone(venue):
    held = {venue.enter(symbol=symbol, quantity=q).symbol for symbol, q in ((SYMBOL, "0.05"), ("SOL/USDT:USDT", "5"))}
    before = {symbol: len(venue.stops(symbol)) for symbol in held}
    run = make(venue)
    assert run.outcome == "ok" and run.symbol not in held
    assert {symbol: len(venue.stops(symbol)) for symbol in held} == before


def test_where_every_symbol_is_busy_nothing_is_sent_and_nothing_known(venue):
    for name in ("BTC", "ETH", "SOL"):
        builders.position(symbol=f"{name}/USDT:USDT")
    run = make(venue)
    assert (run.outcome, run.code) == ("unknown", "place no_free_symbol")
    assert not Intent.objects.exists()


def test_meanwhile_no_entry_is_sent_on_its_symbol(venue):
    run = CanaryRun.objects.create(requested_by="beat", started_at=venue.clock(), beat_at=venue.clock(), symbol=SYMBOL,
                                   client="ccxt", venue="here", mode="practice")  # fmt: skip
    intent = venue.accept()
    with pytest.raises(sender.NotSent) as no:
        sender.send(intent.pk, venue.gateway, venue.clock)
    assert no.value.code == Code.UNRESOLVED_ORDER and "daily check" in str(no.value)
    CanaryRun.objects.filter(pk=run.pk).update(finished_at=venue.clock(), outcome="ok")
    sender.send(intent.pk, venue.gateway, venue.clock)
    assert venue.amount() > 0


def test_an_entry_that_was_wanted_first_keeps_its_symbol(venue):
    for symbol in ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"):
        venue.accept(symbol=symbol)
    assert make(venue).code == "place no_free_symbol"


# -- a contract that is broken -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "step"),
    [("POST", ALGO, "place"), ("GET", ALGO, "read"), ("GET", ALGOS, "place"), ("DELETE", ALGO, "replace")],
)
def test_stops_that_have_moved_to_another_endpoint_hold_entries_with_the_code(venue, method, path, step):
    fault = venue.fault("error_code", code=-4120, method=method, path=path, times=None)
    run = make(venue)
    assert (run.outcome, run.code) == ("fail", f"{step} -4120")
    assert standing(venue.clock()).halts == (f"The exchange's stops failed their check: {step} -4120",)
    venue.exchange.faults.end(fault)
    again = make(venue)
    assert again.outcome == "ok" and nothing_left(venue)
    assert not standing(venue.clock()).halts
    assert Directive.objects.get().ended_by == canary.KEY


def test_a_stop_that_vanishes_after_it_was_accepted_is_a_broken_contract(venue):
    venue.rewrite = lambda method, path, body: [] if path == ALGOS else body
    run = make(venue)
    assert (run.outcome, run.code) == ("fail", "read not_shown")
    venue.rewrite = lambda method, path, body: body
    assert make(venue).outcome == "ok" and nothing_left(venue)


def test_a_stop_that_can_not_be_cancelled_is_a_broken_contract_and_the_next_run_takes_it_back(venue):
    fault = venue.fault("error_code", code=-2011, method="DELETE", path=ALGO, times=None)
    run = make(venue)
    assert (run.outcome, run.code) == ("fail", "replace -2011")
    assert outcomes(run)["clean"] == "fail"
    venue.exchange.faults.end(fault)
    assert make(venue).outcome == "ok" and nothing_left(venue)


def test_steps_after_a_failed_one_are_not_asked_but_it_is_cleaned_up(venue):
    venue.fault("error_code", code=-4120, method="GET", path=ALGO, times=4)
    run = make(venue)
    codes = {step["step"]: step["code"] for step in run.steps}
    assert codes["read"] == "refused" and codes["replace"] == codes["cancel"] == codes["trigger"] == "not_asked"
    assert nothing_left(venue)


# -- what says nothing about the contract ------------------------------------------------------------------------------


def test_a_market_that_does_not_move_triggers_nothing_and_proves_nothing(venue):
    venue.hold()
    run = make(venue)
    assert (run.outcome, run.code) == ("unknown", "trigger not_triggered")
    assert nothing_left(venue) and not standing(venue.clock()).halts


def test_a_market_that_rests_for_a_while_is_waited_for(venue):
    for name in venue.market.symbols:
        price = float(venue.market.price(name, venue.clock.ms()))
        venue.market.drive(name, [(0, price), (22, price), (23, price * 1.002)], venue.clock.ms())
    run = make(venue)
    assert (run.outcome, run.code) == ("ok", "") and nothing_left(venue)


def test_a_step_that_breaks_down_proves_nothing_and_lifts_nothing(venue, monkeypatch):
    fault = venue.fault("error_code", code=-4120, path=ALGO, times=None)
    make(venue)
    venue.exchange.faults.end(fault)
    monkeypatch.setattr(canary.Making, "trigger", lambda making: {}["mark"])
    with pytest.raises(KeyError):
        make(venue)
    run = CanaryRun.objects.latest()
    assert (run.outcome, run.code) == ("unknown", "trigger died") and nothing_left(venue)
    assert standing(venue.clock()).halts


def test_the_wait_for_a_trigger_is_short_by_the_clock_and_the_run_is_seen_to_live(venue):
    """A queue that stands still for 45 s is a process that hangs; a run without a beat for 2 min is dead."""
    venue.hold()
    asked = []
    venue.after = lambda method, path: (asked.append(venue.clock()), venue.clock.sleep(0.4))
    run = make(venue)
    assert run.code == "trigger not_triggered"
    step = next(one for one in run.steps if one["step"] == "trigger")
    assert step["facts"]["seconds"] == 25
    assert run.finished_at - run.started_at < timedelta(seconds=45)


def test_orders_that_another_process_took_back_are_not_waited_for(venue, monkeypatch):
    venue.hold()
    look = sender.ask

    def taken_back(order, gateway, clock):
        if (found := look(order, gateway, clock)) is not None and order.intent.reason.endswith("trigger"):
            sender.cancel(order, gateway, clock, "withdrawn")
        return found

    monkeypatch.setattr(canary.sender, "ask", taken_back)
    assert make(venue).code == "trigger disturbed"


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_a_lost_answer_is_unknown_and_nothing_is_left(venue, kind):
    venue.fault(kind, path=ALGO)
    run = make(venue)
    assert run.outcome in ("ok", "unknown") and not standing(venue.clock()).halts
    venue.wait(30)
    restless(venue)
    assert make(venue).outcome == "ok"
    venue.sweep()
    assert nothing_left(venue)


def test_an_overloaded_venue_is_no_broken_contract(venue):
    venue.fault("error_code", code=-1008, path=ALGO, times=9)
    run = make(venue)
    assert (run.outcome, run.code) == ("unknown", "place -1008")


def test_an_unknown_run_does_not_lift_what_a_failed_one_has_held(venue):
    fault = venue.fault("error_code", code=-4120, path=ALGO, times=None)
    make(venue)
    venue.exchange.faults.end(fault)
    venue.hold()
    assert make(venue).outcome == "unknown"
    assert standing(venue.clock()).halts


# -- killed, filled ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ALGO, ALGOS, ORDERS, "/fapi/v1/order", "/fapi/v1/premiumIndex"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_after_a_kill_at_any_point_the_next_run_cleans_up(venue, path, nth):
    left = [nth]

    def die(method, at):
        left[0] -= at == path
        if left[0] == 0:
            raise Killed

    venue.after = die
    with suppress(Killed):
        make(venue)
    venue.after = lambda method, path: None
    venue.clock.sleep(130)
    restless(venue)
    run = make(venue)
    assert run.outcome == "ok", run.steps
    assert nothing_left(venue)
    assert not CanaryRun.objects.filter(finished_at=None).exists()


def test_two_are_never_made_at_once(venue):
    CanaryRun.objects.create(requested_by="anna", started_at=venue.clock(), beat_at=venue.clock(), client="ccxt",
                             venue="here", mode="practice")  # fmt: skip
    assert make(venue) is None
    venue.clock.sleep(121)
    assert make(venue).outcome == "ok"
    assert CanaryRun.objects.order_by("id").first().code == "died"


def test_what_a_triggered_stop_fills_in_a_crash_is_given_back(venue):
    def crash(method, path):
        if any(o.algo_id for o in venue.exchange.engine.open_orders()):
            venue.after = lambda method, path: None
            for name in venue.market.symbols:
                price = float(venue.market.price(name, venue.clock.ms()))
                venue.market.drive(name, [(0, price * 0.9), (HOUR, price * 0.9)], venue.clock.ms())

    venue.after = crash
    run = make(venue)
    assert run.outcome in ("unknown", "ok") and nothing_left(venue)
    back = Intent.objects.filter(type="MARKET")
    assert all(intent.reduce_only and intent.kind == "probe" for intent in back)
    assert Order.objects.filter(filled__gt=0).count() in (0, 2)


# -- when it is made ---------------------------------------------------------------------------------------------------


def test_once_a_day_and_after_half_an_hour_where_it_was_not_ok(venue):
    assert tick(venue).examined == len(proving.STEPS)
    assert tick(venue).idle_reason.startswith("the last check was ok; the next is due at")
    venue.clock.sleep(24 * HOUR)
    venue.hold()
    assert tick(venue).examined and CanaryRun.objects.latest().outcome == "unknown"
    venue.clock.sleep(29 * 60)
    assert tick(venue).idle_reason
    venue.clock.sleep(60)
    assert tick(venue).examined


def test_a_person_needs_not_wait_and_is_named(venue):
    tick(venue)
    assert tick(venue, "anna").examined
    assert CanaryRun.objects.latest().requested_by == "anna"
    assert {i.requester for i in Intent.objects.filter(created_at__gte=CanaryRun.objects.latest().started_at)} == {
        "anna"
    }


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_never_where_real_money_or_real_prices_are(venue, mode):
    assert tick(venue, "anna", mode).idle_reason == f"not made in {mode} mode"
    assert not CanaryRun.objects.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        CanaryRun.objects.create(requested_by="x", started_at=venue.clock(), beat_at=venue.clock(), client="c",
                                 venue="v", mode=mode)  # fmt: skip


def test_not_while_everything_is_halted(venue):
    SwitchChange.objects.create(state="halted", at=venue.clock(), by="anna", reason="stop")
    assert tick(venue, "anna").idle_reason == "the switch is on halted"


def test_an_ok_counts_for_26_hours():
    assert timedelta(hours=26) == proving.LASTS > proving.DAILY


def test_the_keeper_goes_on_while_it_is_made(venue):
    held = venue.enter()
    venue.after = lambda method, path: None
    make(venue)
    keeper.sweep(venue.gateway, venue.clock)
    held.refresh_from_db()
    assert held.status == "open" and len(venue.stops()) == 3


@pytest.mark.parametrize("broken", [True, False])
def test_its_verdict_and_what_it_holds_are_stored_together(venue, monkeypatch, broken):
    """Killed between the two, a passed run would leave entries held until tomorrow."""
    run = CanaryRun.objects.create(
        requested_by="beat", started_at=venue.clock(), beat_at=venue.clock(), client="c", venue="v", mode="practice"
    )
    making = canary.Making(run, venue.gateway, venue.clock, [])
    making.steps = [proving.bad("place", "refused", -4120) if broken else proving.good("place")]

    def die(*_):
        raise Killed

    monkeypatch.setattr(canary.gate_store, "direct" if broken else "lift", die)
    with pytest.raises(Killed):
        making.end()
    run.refresh_from_db()
    assert run.finished_at is None


def test_what_a_run_could_not_give_back_is_given_back_once_by_the_next(venue, monkeypatch):
    def crash(method, path):
        for order in venue.exchange.engine.open_orders():
            if order.algo_id:
                venue.after = lambda method, path: None
                through = 0.9 if order.side == "BUY" else 1.1
                price = float(venue.market.price(order.symbol, venue.clock.ms()))
                venue.market.drive(order.symbol, [(0, price * through), (HOUR, price * through)], venue.clock.ms())
                venue.wait(1)

    def silent(*_):
        raise Unreachable("no answer")

    venue.after = crash
    with monkeypatch.context() as patched:
        patched.setattr(givingback, "give_back", silent)
        run = make(venue)
    assert run.code != "died" and venue.exchange.engine.account.held()
    make(venue)
    assert nothing_left(venue) and givingback.net(run) == 0
