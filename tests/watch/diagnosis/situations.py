"""Planted situations, one for each cause: rows in a healthy house, and what must be named first.

What is expected was written down from the rule (money in danger, then the share of the signals) before the engine ran.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from monitoring.models import Incident, RemedyAttempt
from tests.show import factories as make
from tests.watch.diagnosis.house import (
    BTC,
    ETH,
    NOW,
    ago,
    change,
    closed,
    failing,
    hold,
    noes,
    own,
    plain_no,
    refused,
    refused_stops,
    reject,
    signal,
    silent,
    some,
    unjudged,
)
from trading.codes import Code
from trading.models import (
    AccountSnapshot,
    BalanceLook,
    Candle,
    CloseRequest,
    Cycle,
    Directive,
    ModelFinding,
    ModelVersion,
    ModuleState,
    Order,
    OrderMove,
    Position,
    ProcessState,
    SwitchChange,
    Trade,
    TrainingRun,
    TunedSetting,
    UniverseSnapshot,
)


@dataclass(frozen=True, slots=True)
class Situation:
    """`line` is the catalogue's number, 0 where it has none; `first` the key of the dominant cause."""

    name: str
    line: int
    plant: Callable[[], None]
    first: str
    setting: str = ""


MINIMUM = "QT_POLICY_MIN_CONF_RANGING"
AGAINST = plain_no(Code.AGAINST_TREND_LONG, 0.964, 0.98, ema200=14.1, override=0.5)


def tune(name: str, value: str, by: str = "j.berg", **span: float) -> None:
    TunedSetting.objects.create(
        name=name, value=value, changed_by=by, changed_at=ago(**(span or {"hours": 2})), reason="more trades"
    )


# -- signals found, no orders -----------------------------------------------------------------------------------------


def same_few_rejected() -> None:
    noes(NOW, AGAINST)


def everything_cooling_down() -> None:
    some(NOW, make.cooldown(600), every=1)


def overridden_minimum() -> None:
    tune("QT_CONFIDENCE_THRESHOLD", "0.55")
    some(NOW, plain_no(Code.LOW_CONFIDENCE, 0.52, 0.55, "QT_CONFIDENCE_THRESHOLD"), every=1, confidence=0.52)


def rejected_at_the_threshold() -> None:
    some(NOW, plain_no(Code.LOW_CONFIDENCE, 0.40, 0.40, MINIMUM), every=1, confidence=0.40)


def unreachable_threshold() -> None:
    some(NOW, plain_no(Code.LOW_CONFIDENCE, 0.33, 0.40, MINIMUM), every=2, confidence=0.33)


def full_slots() -> None:
    for symbol in make.SYMBOLS[8:12]:
        hold(NOW, symbol, "long", "10", "100", "98.5")
    Position.objects.exclude(status="closed").update(opened_at=ago(hours=4), expires_at=NOW + timedelta(minutes=5))
    some(NOW, plain_no(Code.MAX_POSITIONS, 7, 6, "QT_MAX_POSITIONS"), every=1)


def stranger_at_the_venue() -> None:
    AccountSnapshot.objects.update(
        external=[{"symbol": "DOT/USDT:USDT", "side": "long", "quantity": "40", "notional": "280"}]
    )


def gone_at_the_venue() -> None:
    change(ETH, flat_seen_at=ago(minutes=9))


def bell_without_listener() -> None:
    unjudged(NOW, 25)


def symbols_that_nobody_trades() -> None:
    some(NOW, plain_no(Code.SYMBOL_NOT_TRADING, "not listed", "trading", "QT_SYMBOLS"), every=1)


def code_without_meaning() -> None:
    some(NOW, plain_no("ARMING_FILE_MISSING"), every=1)


def raising_gate() -> None:
    some(NOW, plain_no(Code.GATE_ERROR, gate="uncorrelated", error="KeyError: 'size'"), every=1)


def never_decided() -> None:
    for back in range(3, 9):
        signal(NOW, back, make.SYMBOLS[back], 0.44)


def held_by_healing() -> None:
    Directive.objects.create(
        level="NO_NEW_TRADES", reason="DATABASE_SLOW", by="self_healing", key="DATABASE_SLOW", at=ago(minutes=50)
    )
    some(NOW, plain_no(Code.SELF_HEALING_NO_NEW_TRADES, "DATABASE_SLOW", "ALLOW_ALL"), every=1)


# -- exchange and orders ----------------------------------------------------------------------------------------------


def too_small_for_the_venue() -> None:
    refused(NOW, -4164, 9, text="Order's notional must be no smaller than 5")


def wrong_precision() -> None:
    refused(NOW, -1111, 9, text="Precision is over the maximum defined for this asset.")


def no_margin() -> None:
    refused(NOW, -2019, 14, text="Margin is insufficient.")


def most_orders_fail() -> None:
    refused(NOW, None, 14, "not_placed", "never arrived")


def key_not_accepted() -> None:
    refused(NOW, -2015, 4, text="Invalid API-key, IP, or permissions for action.")
    failing(NOW, "exchange", "account: Invalid API-key, IP, or permissions for action (-2015)")


def stops_behind_the_market() -> None:
    refused_stops(NOW - timedelta(minutes=3), -2021, 4)
    for back in range(1, 5):
        make.decided(
            signal(NOW, back, make.SYMBOLS[back], 0.45), "failed", Code.SL_REJECTED_CLOSED, "The stop was refused."
        )


def over_within_seconds() -> None:
    for n in range(5):
        closed(NOW, make.SYMBOLS[3 + n], ("long", "short")[n % 2], "-1.10", hours=0.3 + n / 10, seconds=2)


def stop_where_it_wins() -> None:
    change(ETH, stop_price=Decimal(1970))


def answer_lost() -> None:
    one = make.decided(signal(NOW, 2, "SOL/USDT:USDT", 0.45), "pending")
    make.entry(one, "unknown", filled=0, average_price=None)


def wrong_leverage() -> None:
    change(BTC, leverage=20)


def too_many_requests() -> None:
    refused(NOW, -1003, 5, text="Too many requests.")
    failing(NOW, "exchange", "account: Too many requests (-1003)")


def cleaned_up_stop() -> None:
    order = Order.objects.get(intent__position=own(BTC), intent__kind="stop")
    Order.objects.filter(pk=order.pk).update(status="canceled", updated_at=ago(minutes=2))
    OrderMove.objects.create(order=order, was="new", became="canceled", at=ago(minutes=2), why="orphan clean-up")


def account_not_read() -> None:
    AccountSnapshot.objects.update(at=ago(minutes=20))
    some(NOW, plain_no(Code.INFRA_UNAVAILABLE, "equity", "known"), every=1)


# -- exits ------------------------------------------------------------------------------------------------------------


def naked_position() -> None:
    change(BTC, unprotected_since=ago(seconds=40), protected_since=None)


def monitor_dead() -> None:
    silent(NOW, "position_monitor", minutes=6)
    Position.objects.exclude(status="closed").update(verified_at=ago(minutes=6))


def exits_never_asked() -> None:
    Position.objects.exclude(status="closed").update(verified_at=ago(minutes=18))


def no_stop_distance() -> None:
    change(ETH, r=0)


def old_price_of_a_held_symbol() -> None:
    change(BTC, mark_at=ago(minutes=4))


def trailing_that_does_not_trail() -> None:
    change(BTC, best_price=Decimal(30900), mark_price=Decimal(30850))


def mind_changed() -> None:
    for back in range(1, 50, 4):
        reject(signal(NOW, back, BTC, 0.44, "short"), plain_no(Code.OPPOSITE_OPEN, "long", "none", symbol=BTC))


def stops_too_near() -> None:
    for back in range(1, 40, 3):
        one = signal(NOW, back, make.SYMBOLS[2 + back % 9], 0.44, cost_r=0.62)
        reject(one, plain_no(Code.EXPECTED_COST_TOO_HIGH, 0.44, 0.463, "QT_MIN_STOP_COSTS"))


def beyond_its_time() -> None:
    change(ETH, expires_at=ago(hours=2))


def close_that_fails() -> None:
    CloseRequest.objects.create(position=own(BTC), requested_by="mira", requested_at=ago(minutes=7), error="no answer")


# -- models and data --------------------------------------------------------------------------------------------------


def nobody_may_vote() -> None:
    ModelVersion.objects.all().delete()
    Cycle.objects.update(evaluated=0, flat=0, signals=0, not_evaluated={"NO_MODEL": 12})


def training_ended_badly() -> None:
    nobody_may_vote()
    TrainingRun.objects.create(
        started_at=ago(minutes=9),
        beat_at=ago(minutes=8),
        finished_at=ago(minutes=8),
        outcome="failed",
        error="only 212 rows",
    )


def library_missing() -> None:
    out = [{"model": "lightgbm", "kind": "lightgbm", "version": "1", "why": "No module named 'lightgbm'"}]
    for back in range(1, 30, 3):
        one = signal(NOW, back, make.SYMBOLS[2 + back % 9], 0.34, excluded=out, votes=make.votes("long", 0.34)[:3])
        reject(one, plain_no(Code.EXPECTED_COST_TOO_HIGH, 0.34, 0.36, "QT_MIN_STOP_COSTS"))


def other_features() -> None:
    ModelVersion.objects.filter(kind="xgboost").update(alarm="it was trained on other features (49, expected 22)")


def promises_too_much() -> None:
    ModelFinding.objects.update(verdict="bad", calibration={"verdict": "bad", "n": 400, "value": 0.18, "limit": 0.1})


def lonely_voter() -> None:
    for back in range(1, 40, 2):
        one = signal(NOW, back, make.SYMBOLS[2 + back % 9], 0.45, votes=make.votes("long", 0.45)[:1])
        reject(one, plain_no(Code.WEAK_CONSENSUS, 1, 2, models=1))


def short_histories() -> None:
    for row in Cycle.objects.all():
        row.evaluated, row.flat, row.not_evaluated = 3, 3, {"INSUFFICIENT_HISTORY": 9}
        row.save()


def nothing_labelled() -> None:
    of = Cycle.objects.create(
        timeframe="1m", bar=ago(hours=8), at=ago(hours=8), symbols=80, evaluated=80, signals=80, flat=0, mode=make.MODE
    )
    for n in range(80):
        reject(make.signal(of, f"L{n}/USDT:USDT", "long", 0.41), make.cooldown(60))


def feed_of_this_morning() -> None:
    for one in Candle.objects.all():
        one.open_time -= timedelta(seconds=29_929)
        one.save()


def one_direction() -> None:
    for n in range(30):
        closed(NOW, make.SYMBOLS[2 + n % 9], "short", "3.10" if n % 2 else "-2.00", hours=2 + n / 4)


def empty_universe() -> None:
    UniverseSnapshot.objects.update(symbols=[])


# -- operations -------------------------------------------------------------------------------------------------------


def executor_dead() -> None:
    silent(NOW, "executor", minutes=25)
    unjudged(NOW, 25)


def balancer_never_called() -> None:
    ModuleState.objects.filter(name="portfolio_balancer").delete()
    BalanceLook.objects.all().delete()


def balancer_that_only_sleeps() -> None:
    BalanceLook.objects.update(at=ago(hours=5))


def import_error() -> None:
    ProcessState.objects.create(name="worker", host="h", pid=7, started_at=ago(hours=3), beat_at=ago(seconds=3),
                                broken={"model_supervisor": "TypeError: no argument 'window'"})  # fmt: skip
    ModuleState.objects.filter(name="model_supervisor").delete()


def swallowed_error() -> None:
    failing(NOW, "retraining_orchestrator", "ValueError: operands could not be broadcast")


def paper_among_real() -> None:
    Trade.objects.filter(pk__in=Trade.objects.values("pk")[:4]).update(mode="paper")


def one_symbol_loses() -> None:
    for n in range(14):
        closed(NOW, "DOGE/USDT:USDT", ("long", "short")[n % 2], "-9.00", hours=2 + n)


def crash_after_crash() -> None:
    for n in range(6):
        ProcessState.objects.create(
            name="stream", host="h", pid=100 + n, started_at=ago(minutes=50 - n * 8), beat_at=ago(minutes=49 - n * 8)
        )


def stream_deaf() -> None:
    ModuleState.objects.filter(name="stream").update(last_work=ago(hours=2))
    feed_of_this_morning()
    Position.objects.exclude(status="closed").update(mark_at=ago(hours=2))


def gate_stepped_over() -> None:
    one = make.decided(signal(NOW, 4, "XRP/USDT:USDT", 0.45), "traded")
    one.gates[2]["passed"] = False
    one.save()


def order_while_halted() -> None:
    SwitchChange.objects.create(state="halted", at=ago(minutes=30), by="mira", reason="cables are changed")
    one = make.decided(signal(NOW, 5, "LTC/USDT:USDT", 0.45), "failed", Code.EXPIRED, "It expired.")
    make.entry(one, "expired", filled=0, average_price=None)


def looser_and_looser() -> None:
    tune("QT_MAX_POSITIONS", "20", "k.lund")


def worker_dead() -> None:
    at = ago(minutes=15)
    ModuleState.objects.exclude(name__in=["stream", "data_feed"]).update(last_tick=at, last_work=at)
    Position.objects.exclude(status="closed").update(verified_at=at)
    AccountSnapshot.objects.update(at=at)
    unjudged(NOW, 14)


def restarted_by_healing() -> None:
    one = Incident.objects.create(key="PROCESS_SILENT:trainer", code="PROCESS_SILENT", subsystem="trainer",
                                  severity="medium", first_seen=ago(minutes=55), last_seen=ago(minutes=2))  # fmt: skip
    for n in range(4):
        RemedyAttempt.objects.create(
            incident=one, action="restart_process", target="trainer", at=ago(minutes=50 - n * 10)
        )


def given_up() -> None:
    why = "supervisor: stream ended (exit 1) for the 5th time within 60 s and is given up"
    SwitchChange.objects.create(state="reducing", at=ago(minutes=4), by="supervisor", reason=why)
    ModuleState.objects.filter(name="stream").update(last_tick=ago(minutes=4), last_work=ago(minutes=4))


SINGLE: tuple[Situation, ...] = tuple(
    Situation(plant.__name__, line, plant, first, setting)
    for line, plant, first, setting in (
        (1, same_few_rejected, "SAME_REJECTIONS:AGAINST_TREND_LONG", ""),
        (2, everything_cooling_down, "SIGNALS_REJECTED:COOLDOWN_ACTIVE", "QT_COOLDOWN_SECONDS"),
        (3, overridden_minimum, "MINIMUM_OVERRIDDEN", "QT_CONFIDENCE_THRESHOLD"),
        (4, rejected_at_the_threshold, "NEAR_THRESHOLD", MINIMUM),
        (5, unreachable_threshold, "THRESHOLD_UNREACHABLE", MINIMUM),
        (6, full_slots, "SLOTS_STUCK", "QT_MAX_POSITIONS"),
        (8, stranger_at_the_venue, "GHOST_POSITION:DOT/USDT:USDT", ""),
        (8, gone_at_the_venue, "GHOST_POSITION:ETH/USDT:USDT", ""),
        (14, bell_without_listener, "BARS_NOT_JUDGED", ""),
        (15, symbols_that_nobody_trades, "SYMBOLS_NOT_TRADING", "QT_SYMBOLS"),
        (16, code_without_meaning, "UNKNOWN_CODE:ARMING_FILE_MISSING", ""),
        (17, raising_gate, "GATE_FAILS", ""),
        (0, never_decided, "SIGNALS_UNDECIDED", ""),
        (10, held_by_healing, "ENTRIES_HELD:DATABASE_SLOW", ""),
        (19, too_small_for_the_venue, "ORDERS_REFUSED:-4164", ""),
        (20, wrong_precision, "ORDERS_REFUSED:-1111", ""),
        (21, no_margin, "ORDERS_REFUSED:-2019", ""),
        (21, most_orders_fail, "ORDERS_FAIL", ""),
        (23, key_not_accepted, "KEYS_REFUSED", ""),
        (24, stops_behind_the_market, "STOP_WOULD_TRIGGER", ""),
        (26, over_within_seconds, "CLOSED_AT_ONCE", ""),
        (26, stop_where_it_wins, "STOP_ON_WRONG_SIDE:ETH/USDT:USDT", ""),
        (30, answer_lost, "ORDERS_NOT_SETTLED", ""),
        (32, wrong_leverage, "LEVERAGE_MISMATCH:BTC/USDT:USDT", "QT_MAX_LEVERAGE"),
        (33, too_many_requests, "RATE_LIMITED", ""),
        (34, cleaned_up_stop, "STOPS_CANCELLED:BTC/USDT:USDT", ""),
        (23, account_not_read, "ACCOUNT_UNREAD", ""),
        (35, naked_position, "UNPROTECTED:BTC/USDT:USDT", ""),
        (36, monitor_dead, "MODULE_DOWN:position_monitor", ""),
        (36, exits_never_asked, "EXITS_NOT_JUDGED", ""),
        (37, no_stop_distance, "RISK_VALUE_MISSING:ETH/USDT:USDT", ""),
        (38, old_price_of_a_held_symbol, "HELD_PRICE_STALE", ""),
        (39, trailing_that_does_not_trail, "TRAILING_BEHIND:BTC/USDT:USDT", ""),
        (41, mind_changed, "OPPOSITE_SIGNAL:BTC/USDT:USDT", ""),
        (42, stops_too_near, "STOP_TOO_NEAR", "QT_MIN_STOP_COSTS"),
        (44, beyond_its_time, "POSITION_OVERDUE:ETH/USDT:USDT", ""),
        (17, close_that_fails, "CLOSE_FAILS:BTC/USDT:USDT", ""),
        (46, nobody_may_vote, "NO_MODEL", ""),
        (46, training_ended_badly, "TRAINING_FAILED", ""),
        (46, library_missing, "MODELS_EXCLUDED:lightgbm", ""),
        (47, other_features, "FEATURES_MISMATCHED:xgboost", ""),
        (49, promises_too_much, "OVERCONFIDENT", ""),
        (51, lonely_voter, "FEW_VOTERS", ""),
        (52, short_histories, "TOO_LITTLE_HISTORY", ""),
        (55, nothing_labelled, "NOTHING_TO_LEARN", ""),
        (57, feed_of_this_morning, "CANDLES_STALE", ""),
        (59, one_direction, "ONE_SIDED", "QT_BIAS_THRESHOLD"),
        (52, empty_universe, "UNIVERSE_EMPTY", "QT_SYMBOLS"),
        (14, executor_dead, "MODULE_DOWN:executor", ""),
        (60, balancer_never_called, "MODULE_NEVER_CALLED:portfolio_balancer", ""),
        (60, balancer_that_only_sleeps, "WORKS_ON_NOTHING:portfolio_balancer", ""),
        (61, import_error, "MODULE_BROKEN:model_supervisor", ""),
        (62, swallowed_error, "MODULE_FAILS:retraining_orchestrator", ""),
        (65, paper_among_real, "ROWS_OF_ANOTHER_MODE", ""),
        (67, one_symbol_loses, "LOSS_CONCENTRATED:DOGE/USDT:USDT", "QT_SYMBOLS"),
        (68, crash_after_crash, "CRASH_LOOP:stream", ""),
        (68, restarted_by_healing, "CRASH_LOOP:trainer", ""),
        (68, given_up, "CRASH_LOOP:stream", ""),
        (69, stream_deaf, "STREAM_SILENT", ""),
        (77, gate_stepped_over, "ORDERS_PAST_A_GATE", ""),
        (77, order_while_halted, "ORDERS_PAST_A_GATE", ""),
        (80, looser_and_looser, "LIMITS_LOOSENED:QT_MAX_POSITIONS", "QT_MAX_POSITIONS"),
        (14, worker_dead, "PROCESS_DOWN:worker", ""),
    )
)
BY_NAME = {one.name: one for one in SINGLE}
