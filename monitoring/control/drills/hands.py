"""Breaks things, and puts them right again. What is to be put right is written down before it is broken.

An undo is `[what, ...]`, plain enough for a row: the next runner takes it up where this one was killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from monitoring.control import practice
from monitoring.control.actions import Stale, Unreachable, close_position, registry, set_switch
from monitoring.control.drills import house, stranger
from monitoring.control.drills.gather import BY, Rung, raw, ticks
from monitoring.control.permissions import machine
from monitoring.watch import room
from monitoring.watch.drills import spec
from monitoring.watch.drills.evidence import Subject
from monitoring.watch.drills.judge import Why
from trading import events
from trading.forecast import store as model_store
from trading.models import Candle, ModelVersion, ModuleState, Order, Position, ProcessState, SwitchChange
from trading.schedule import PREFIX

LIQUIDATE = "liquidate"  # after it the house halts, as it should
LOCKED = (ModuleState, ProcessState)  # what every process writes all the time
ASIDE = ".drill"  # what a file is called while it is gone
Undo = list[Any]


class CannotBreak(RuntimeError):
    """It can't be broken here and now; `why` says which of the reasons it is."""

    def __init__(self, why: Why, **params: str | float) -> None:
        self.why, self.params = why, params
        super().__init__(why.value)


@dataclass
class Hands:
    """`note` writes an undo down, before what it undoes is done."""

    subject: Subject
    note: Callable[[Undo], None]
    removed: tuple[datetime, ...] = ()
    rung: dict[str, Rung] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)

    def apply(self, one: spec.Break) -> None:
        BREAKS[type(one)](self, one)

    @property
    def position(self) -> Position:
        row = Position.objects.filter(pk=self.subject.position or 0).exclude(status=Position.CLOSED).first()
        if row is None:
            raise CannotBreak(Why.POSITION_GONE, symbol=self.subject.symbol)
        return row


# -- at the exchange ---------------------------------------------------------------------------------------------------


def fault(hands: Hands, one: spec.Fault) -> None:
    match = {"method": one.method, "path": one.path, "symbol": raw(hands.subject.symbol) if one.mine else ""}
    body: dict[str, Any] = {"kind": one.kind, "match": {name: text for name, text in match.items() if text}}
    body |= {"params": dict(one.params)}
    body |= {"times": one.times} if one.times is not None else {"seconds": one.seconds}
    try:
        number = practice.ask("POST", "faults", body)["id"]
    except Unreachable as no:
        if getattr(no.__cause__, "code", None) == 400:
            raise CannotBreak(Why.NO_FAULT_KIND, kind=one.kind) from no
        raise
    hands.note(["fault", number])
    if one.kind == LIQUIDATE:
        hands.note(["active", hands.subject.symbol])


def drive_path(symbol: str, path: list[list[float]]) -> None:
    practice.ask("POST", "price", {"symbol": raw(symbol), "path": path})


def hold(hands: Hands, one: spec.Hold) -> None:
    price = float(hands.position.mark_price or hands.position.entry_price)
    hands.note(["release", hands.subject.symbol])
    drive_path(hands.subject.symbol, [[0, price], [one.seconds, price]])


def drive(hands: Hands, one: spec.Drive) -> None:
    row = hands.position
    at = row.stop_price if one.to == "stop" else row.target_price
    now = float(row.mark_price or row.entry_price)
    if at is None:
        raise CannotBreak(Why.POSITION_GONE, symbol=row.symbol)
    away = Decimal(str(one.beyond)) * at
    below = (row.side == "long") == (one.to == "stop")
    price = float(at - away if below else at + away)
    hands.note(["release", row.symbol])
    steps = [[one.seconds * n / 4, now + (price - now) * n / 4] for n in range(1, 4)] if one.seconds else []
    drive_path(row.symbol, [*steps, [one.seconds, price], [one.seconds + 20, price]])


def jump(hands: Hands, one: spec.Jump) -> None:
    symbol = hands.subject.symbol
    last = Candle.objects.filter(symbol=symbol, timeframe=settings.QUANTUM.timeframe).order_by("-open_time").first()
    if last is None:
        raise CannotBreak(Why.NO_SYMBOL)
    hands.note(["price", symbol, last.close])
    drive_path(symbol, [[0, last.close * (1 + one.share)], [90, last.close * (1 + one.share)]])


def cancel(hands: Hands, one: spec.Cancel) -> None:
    """By the exchange's own list of what rests there."""
    ids = Order.objects.filter(intent__position=hands.subject.position, intent__kind__in=one.kinds)
    mine = set(ids.values_list("intent__client_order_id", flat=True))
    resting = practice.ask("GET", "state", patience=5)["algo_orders"]
    found = [row["algoId"] for row in resting if row["clientAlgoId"] in mine]
    if len(found) < len(one.kinds):
        raise CannotBreak(Why.POSITION_GONE, symbol=hands.subject.symbol)
    for number in found:
        practice.ask("POST", f"orders/{number}/cancel", {})


def close(hands: Hands, one: spec.Close) -> None:
    try:
        close_position(hands.position.pk, "a drill", machine(BY), timezone.now())
    except Stale as no:
        raise CannotBreak(Why.POSITION_GONE, symbol=hands.subject.symbol) from no


# -- processes ---------------------------------------------------------------------------------------------------------


def var() -> Path:
    return Path(settings.VAR)


def signalled(name: str, number: signal.Signals) -> int:
    pid = house.send(var(), name, number, timezone.now())
    if pid is None:
        raise CannotBreak(Why.NO_PROCESS, process=name)
    return pid


def kill(hands: Hands, one: spec.Kill) -> None:
    """The last blow is the one that counts: those before it are waited out here."""
    for _ in range(one.again):
        pid = signalled(one.process, signal.SIGKILL)
        revived(one.process, pid)
    signalled(one.process, signal.SIGKILL)


def revived(name: str, dead: int, patience: float = 15) -> None:
    """Wait until another process of this name lives."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = house.processes(var(), timezone.now()).get(name)
        if found and found.pid != dead:
            return
        time.sleep(0.1)
    raise CannotBreak(Why.NO_PROCESS, process=name)


def freeze(hands: Hands, one: spec.Freeze) -> None:
    found = house.processes(var(), timezone.now()).get(one.process)
    if found is None:
        raise CannotBreak(Why.NO_PROCESS, process=one.process)
    hands.note(["wake", one.process, found.pid])
    signalled(one.process, signal.SIGSTOP)


def let_a_stranger_in(hands: Hands, one: spec.Stranger) -> None:
    hands.note(["stranger"])
    stranger.arrive()


# -- modules and models ------------------------------------------------------------------------------------------------


def unschedule(hands: Hands, one: spec.Unschedule) -> None:
    hands.note(["schedule", one.module])
    scheduled(one.module, False)


def scheduled(module: str, enabled: bool) -> None:
    for task in PeriodicTask.objects.filter(name=PREFIX + module):
        task.enabled = enabled
        task.save()  # not update(): beat is told by the row's own signal


def claim(hands: Hands, one: spec.Claim) -> None:
    now = timezone.now()
    hands.note(["claim", one.module])
    taken = {"claimed_at": now - timedelta(seconds=61), "claimed_until": now + timedelta(seconds=one.seconds)}
    ModuleState.objects.filter(name=one.module).update(**taken)


def ring(hands: Hands, one: spec.Ring) -> None:
    queue, before = registry()[one.module].queue, ticks(one.module)
    for _ in range(one.times):
        if not events.ring("trading.tick", one.module, BY, queue=queue, expires=60):
            raise CannotBreak(Why.NO_PROCESS, process="broker")
    hands.rung[one.module] = Rung(one.times, before, queue, timezone.now())


def hide_models(hands: Hands, one: spec.HideModels) -> None:
    rows = ModelVersion.objects.filter(status=ModelVersion.CHAMPION)
    paths = [model_store.root() / row.path for row in rows]
    if not paths or not all(path.exists() for path in paths):
        raise CannotBreak(Why.NO_MODELS)
    for path in paths:
        aside = path.with_name(path.name + ASIDE)
        hands.note(["file", str(aside), str(path)])
        shutil.copy2(path, aside)
        draft = path.with_name(f".{path.name}.half")
        draft.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        os.replace(draft, path)
        if not one.cut:
            path.unlink()


# -- data --------------------------------------------------------------------------------------------------------------


def drop(hands: Hands, count: int, back: int) -> None:
    mine = Candle.objects.filter(symbol=hands.subject.symbol, timeframe=settings.QUANTUM.timeframe)
    rows = list(mine.order_by("-open_time")[back : back + count])
    if len(rows) < count:
        raise CannotBreak(Why.NO_SYMBOL)
    hands.removed = tuple(row.open_time for row in rows)
    mine.filter(open_time__in=hands.removed).delete()


def lock_database(hands: Hands, one: spec.LockDatabase) -> None:
    """In a thread with a connection of its own; returns when it is locked."""
    locked = threading.Event()
    thread = threading.Thread(target=hold_writers, args=(one.seconds, locked), daemon=True)
    thread.start()
    hands.threads.append(thread)
    if not locked.wait(20):
        raise CannotBreak(Why.NO_PROCESS, process="database")


def hold_writers(seconds: float, locked: threading.Event) -> None:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    tables = ", ".join(connection.ops.quote_name(one._meta.db_table) for one in LOCKED)
                    cursor.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
            ModuleState.objects.filter(name="").update(lag_ms=0)
            locked.set()
            time.sleep(seconds)
    except DatabaseError:  # it was not to be had: `locked` stays unset
        return
    finally:
        connection.close()


def cut_database(hands: Hands, one: spec.CutDatabase) -> None:
    if connection.vendor != "postgresql":
        raise CannotBreak(Why.OTHER_PROFILE, wanted="postgres")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def cut_broker(hands: Hands, one: spec.CutBroker) -> None:
    """Only connections to our own database there: another house may use the same Redis."""
    with redis.Redis.from_url(settings.LAYER_URL, socket_timeout=5) as client:
        mine, number = client.client_id(), str(client.get_connection_kwargs().get("db") or 0)
        for other in client.client_list():
            if other["db"] == number and int(other["id"]) != mine:
                client.client_kill_filter(_id=other["id"])


def empty_queues(hands: Hands, one: spec.EmptyQueues) -> None:
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    queues = [f"{prefix}{settings.QUANTUM.mode}-{name}" for name in ("trade", "work", "train")]
    with redis.Redis.from_url(settings.LAYER_URL, socket_timeout=5) as client:
        client.delete(*queues)


def take_room(hands: Hands, one: spec.TakeRoom) -> None:
    hands.note(["room"])
    (var() / room.BALLAST).write_text(str(max(0, shutil.disk_usage(var()).free - one.left)))


BREAKS: Mapping[type, Callable[[Hands, Any], None]] = {
    spec.Fault: fault,
    spec.Hold: hold,
    spec.Drive: drive,
    spec.Jump: jump,
    spec.Cancel: cancel,
    spec.Close: close,
    spec.Kill: kill,
    spec.Freeze: freeze,
    spec.Unschedule: unschedule,
    spec.Claim: claim,
    spec.Ring: ring,
    spec.Stranger: let_a_stranger_in,
    spec.HideModels: hide_models,
    spec.DropCandles: lambda hands, one: drop(hands, one.count, 0),
    spec.DropOlderCandles: lambda hands, one: drop(hands, one.count, one.back),
    spec.LockDatabase: lock_database,
    spec.CutDatabase: cut_database,
    spec.CutBroker: cut_broker,
    spec.EmptyQueues: empty_queues,
    spec.TakeRoom: take_room,
}


# -- putting right -----------------------------------------------------------------------------------------------------


def end_fault(number: int) -> None:
    practice.ask("DELETE", f"faults/{number}", gone={})


def back_to(symbol: str, price: float) -> None:
    drive_path(symbol, [[0, price], [1, price]])


def release(symbol: str) -> None:
    """The market goes on from where the price is: a drive that is over takes nothing with it."""
    state = practice.ask("GET", "state", patience=5)
    held = next((row for row in state["positions"] if row["symbol"] == raw(symbol)), None)
    if held is not None:
        drive_path(symbol, [[0, float(held["markPrice"])]])


def active_again(symbol: str) -> None:
    """Take back the halt that the drill's own liquidation brought, and no other."""
    last = SwitchChange.objects.order_by("-id").first()
    if last is not None and last.state == SwitchChange.HALTED and last.by == "system" and symbol in last.reason:
        set_switch(SwitchChange.ACTIVE, f"the liquidation of {symbol} was a drill", machine(BY), timezone.now())


def put_back(aside: str, path: str) -> None:
    if Path(aside).exists():
        os.replace(aside, path)


UNDO: Mapping[str, Callable[..., Any]] = {
    "fault": end_fault,
    "price": back_to,
    "release": release,
    "wake": lambda name, pid: house.wake(var(), name, pid, timezone.now()),
    "schedule": lambda module: scheduled(module, True),
    "claim": lambda module: ModuleState.objects.filter(name=module, claimed_until__gt=timezone.now()).update(
        claimed_until=None
    ),
    "active": active_again,
    "stranger": stranger.leave,
    "file": put_back,
    "room": lambda: (var() / room.BALLAST).unlink(missing_ok=True),
}


def undo(one: Undo) -> None:
    """Put one thing right; done twice it changes nothing."""
    UNDO[one[0]](*one[1:])


def lasting(breaks: tuple[spec.Break, ...]) -> float:
    """Seconds that the breaks last by themselves, where the drill does not end them."""
    spans = [one.seconds for one in breaks if isinstance(one, spec.Fault | spec.LockDatabase) and one.seconds]
    return max(spans, default=0.0)
