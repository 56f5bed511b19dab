"""How well the score tells a faulty house from a healthy one: AUC over planted situations, and what it does not see.

.venv/bin/python -m tests.bench.bench_separation

Every situation of the diagnosis (tests/watch/diagnosis), alone and combined, is planted in a healthy house and in one
that trades; healthy ones are those two at several moments of their bar, their rows as young as ever. 1.0: every faulty
score lies below every healthy one; 0.5: the score says nothing. A situation without any change of score is named.

BENCH_DATABASE_URL names a PostgreSQL server; without it SQLite.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.bench.stored import database

MOMENTS = (0, 5, 10, 15, 20)  # seconds within the bar


def scored(build: Callable, do: Callable[[], None] = lambda: None, after: int = 0) -> tuple[int, int]:
    """Overall and uncapped score of a house with something planted in it; then nothing of it was ever there.

    `after` moves the whole house by so many seconds: one that runs does not stand still between two moments.
    """
    from django.db import transaction

    from monitoring.watch import history
    from tests.watch.diagnosis.house import NOW

    with transaction.atomic():
        at = NOW + timedelta(seconds=after)
        build(at)
        do()
        card = history.measure(at)
        transaction.set_rollback(True)
    return card.overall, card.raw


def plants() -> list[tuple[str, Callable[[], None]]]:
    from tests.watch.diagnosis.combined import COMBINED
    from tests.watch.diagnosis.situations import BY_NAME, SINGLE

    def together(names: tuple[str, ...]) -> Callable[[], None]:
        def plant() -> None:
            for name in reversed(names):
                BY_NAME[name].plant()

        return plant

    return [(one.name, one.plant) for one in SINGLE] + [(one.name, together(one.plants)) for one in COMBINED]


def complete(build: Callable) -> Callable[[datetime], None]:
    """What a house of the diagnosis leaves out, so that nothing but the plant is wrong: validated, rung, measured."""

    def made(now: datetime) -> None:
        from monitoring.watch import ringing, validator
        from trading.feed import store
        from trading.models import AccountSnapshot, TrainingRun

        build(now)
        AccountSnapshot.objects.update(latency_ms=40)
        TrainingRun.objects.create(
            beat_at=now,
            started_at=now - timedelta(hours=1),
            finished_at=now - timedelta(minutes=50),
            outcome="done",
        )
        validator.store(validator.validate(now - timedelta(seconds=30)))
        store.note_clock("stream", timedelta(milliseconds=9), timedelta(milliseconds=12), now - timedelta(seconds=2))
        for queue in ringing.QUEUES:
            ringing.answered(queue, now - timedelta(seconds=4), now - timedelta(seconds=3))

    return made


def main() -> None:
    with tempfile.TemporaryDirectory() as var, database(var) as vendor:
        from monitoring.watch.separation import auc
        from tests.watch.diagnosis.house import healthy, lively

        well = [scored(complete(house), after=after) for house in (healthy, lively) for after in MOMENTS]
        base = well[0]
        ill = {name: scored(complete(healthy), plant) for name, plant in plants()}
        blind = sorted(name for name, seen in ill.items() if seen[1] >= base[1])
        print(f"healthy: {sorted(well)}")
        print(f"no change of score: {', '.join(blind) or 'none'}")
        found = auc([one[0] for one in well], [one[0] for one in ill.values()])
        raw = auc([one[1] for one in well], [one[1] for one in ill.values()])
        print(f"BENCH score_separation_auc_{vendor} {found:.3f}")
        print(f"BENCH score_separation_auc_uncapped_{vendor} {raw:.3f}")
        print(f"BENCH score_separation_faulty_{vendor} {len(ill)}")
        print(f"BENCH score_separation_untouched_{vendor} {len(blind)}")


if __name__ == "__main__":
    main()
