"""A database of its own for a benchmark, filled with as many decisions and trades as it wants."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit, urlunsplit

from tests.bench.bench_replay import prepare

PER_BAR = 20  # signals
BATCH = 2_000
HELD = range(60, 70)  # bars of the positions that are open


@contextmanager
def database(var: str) -> Iterator[str]:
    """SQLite in `var`, or a new database beside the one that BENCH_DATABASE_URL names; the vendor's name."""
    beside = os.environ.get("BENCH_DATABASE_URL", "")
    if not beside:
        prepare(var)
        yield "sqlite"
        return
    import psycopg

    name = f"quantum_bench_{os.getpid()}"
    with psycopg.connect(beside, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(beside)._replace(path=f"/{name}"))
        try:
            prepare(var)
            yield "postgresql"
        finally:
            from django.db import connections

            connections.close_all()
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def settled() -> None:
    """As after some minutes of life: the database knows how its rows are spread, which PostgreSQL learns by itself."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def decisions(number: int, now: datetime) -> None:
    """So many, PER_BAR in each bar up to now: most rejected by one gate or two, a few of each other outcome."""
    from tests.show import factories as make
    from trading.models import Decision, Signal

    make.running(now)
    symbols = [f"C{i:03}/USDT:USDT" for i in range(PER_BAR)]
    noes = [[make.cooldown(600 + 31 * i), make.correlated()] for i in range(40)]
    noes += [[make.low(0.3 + i / 1000)] for i in range(40)]
    answers = [make.gates(one) for one in noes]
    policy = make.PolicyVersion.objects.get().pk
    for first in range(0, number, BATCH):
        many = min(BATCH, number - first)
        cycles = bars((number - first) // PER_BAR, -(-many // PER_BAR), now)
        signals = [
            Signal(
                cycle=cycles[i // PER_BAR], symbol=symbols[i % PER_BAR], side="long" if i % 3 else "short",
                confidence=0.4 + i % 9 / 100, threshold=0.4, agreement=0.75, votes=make.votes("long", 0.43),
                price=Decimal("14.22"), atr=0.11, r=0.165, at=cycles[i // PER_BAR].at, mode=make.MODE,
            )
            for i in range(many)
        ]  # fmt: skip
        Signal.objects.bulk_create(signals, batch_size=500)
        Decision.objects.bulk_create(
            [decided(s, i, noes[i % 80], answers[i % 80], policy) for i, s in enumerate(signals)], batch_size=500
        )


def bars(back: int, many: int, now: datetime) -> list:
    """The oldest first, from `back` bars ago on."""
    from tests.show import factories as make
    from trading.models import Cycle

    step = make.settings.QUANTUM.bar
    backs = [n if n < HELD[0] else n + len(HELD) for n in range(back, back - many, -1)]
    opened = [make.bar_of(now, n) for n in backs]
    return Cycle.objects.bulk_create(
        [
            Cycle(timeframe=make.settings.QUANTUM.timeframe, bar=bar, at=bar + step + timedelta(seconds=1), symbols=200,
                  evaluated=200, flat=200 - PER_BAR, signals=PER_BAR, mode=make.MODE, desk=make.desk(bar + step))
            for bar in opened
        ],
        batch_size=500,
    )  # fmt: skip


def decided(signal, i: int, noes: list[dict], answers: list[dict], policy: int):
    from trading.models import Decision

    outcome = {0: "traded", 1: "failed", 2: "pending"}.get(i % 100, "rejected")
    row = {"code": "EXCHANGE_REJECT", "sentence": "Refused with -2019: Margin is insufficient."} if i % 100 == 1 else {}
    if outcome == "rejected":
        row = {"code": noes[0]["code"], "sentence": noes[0]["sentence"], "rejections": noes}
    return Decision(signal=signal, outcome=outcome, gates=answers, policy_id=policy, at=signal.at, settled_at=signal.at,
                    mode=signal.mode, **row)  # fmt: skip


def trades(number: int, now: datetime) -> None:
    """So many, a minute apart, and the closed positions that they were."""
    from tests.show import factories as make
    from trading.models import Position, Trade

    hour = timedelta(hours=1)
    closed = [
        Position(
            symbol=make.SYMBOLS[i % 12], side="long", status="closed", quantity=0, opened_quantity=2, entry_price=100,
            leverage=3, margin_mode="isolated", r=Decimal("1.5"), opened_at=at - hour, expires_at=at, closed_at=at,
            close_reason="target", mode=make.MODE,
        )
        for i in range(number)
        for at in [now - timedelta(minutes=number - i)]
    ]  # fmt: skip
    Position.objects.bulk_create(closed, batch_size=500)
    Trade.objects.bulk_create(
        [
            Trade(
                position=p, symbol=p.symbol, side="long", quantity=2, entry_price=100, exit_price=Decimal("107.6"),
                gross=Decimal("15.2"), fees=Decimal("0.92"), funding=0, net=Decimal("14.28"), r_multiple=2.1,
                opened_at=p.opened_at, closed_at=p.closed_at, close_reason="target", mode=p.mode,
            )
            for p in closed
        ],
        batch_size=500,
    )  # fmt: skip
