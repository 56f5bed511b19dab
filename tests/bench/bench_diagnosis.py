"""How often the diagnosis names the right cause first, and what one look costs on a large database.

.venv/bin/python -m tests.bench.bench_diagnosis [DECISIONS]

1. Every planted situation (tests/watch/diagnosis) in a healthy house, each taken back again: right first, right among
   the first three, settings that were named wrongly, problems in a healthy house.
2. One diagnosis on so many stored decisions, twenty in each bar: the whole, and what it adds to the probes' own look.
   It is made every ten seconds, so a second is a tenth of the time.

BENCH_DATABASE_URL names a PostgreSQL server; without it SQLite.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.bench.stored import database, decisions

DECISIONS, LOOKS = 100_000, 15
GOAL_FIRST, GOAL_THREE, GOAL_MS = 0.95, 1.0, 1000.0


def taken_back(do: Callable[[], None]) -> object:
    """A healthy house, something planted in it, its diagnosis; then nothing of it was ever there."""
    from django.db import transaction

    from monitoring.watch.diagnosis.rows import diagnose
    from tests.watch.diagnosis.house import NOW, healthy

    with transaction.atomic():
        healthy()
        do()
        found = diagnose(NOW)
        transaction.set_rollback(True)
    return found


def plant(names: tuple[str, ...]) -> None:
    from tests.watch.diagnosis.situations import BY_NAME

    for name in reversed(names):
        BY_NAME[name].plant()


def named() -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Of each situation: its name, the cause and setting that must be first, and what was found in its order."""
    from tests.watch.diagnosis.combined import COMBINED
    from tests.watch.diagnosis.situations import SINGLE

    cases = [(one.name, (one.name,), one.first, one.setting) for one in SINGLE]
    cases += [(one.name, one.plants, one.first, one.setting) for one in COMBINED]
    found = []
    for name, plants, first, setting in cases:
        seen = taken_back(lambda plants=plants: plant(plants))
        found.append((name, first, setting, [(one.key, one.setting) for one in seen.problems]))
    return found


def milliseconds(look: Callable[[], object]) -> list[float]:
    spent = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        look()
        spent.append((time.perf_counter() - began) * 1000)
    return sorted(spent)


def goal(name: str, passed: bool, value: str, target: str) -> None:
    print(f"GOAL {name} {'PASS' if passed else 'FAIL'} {value} {target}")


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else DECISIONS
    with tempfile.TemporaryDirectory() as var, database(var) as vendor:
        sound = len(taken_back(lambda: None).problems)
        found = named()
        first = [right == keys[0][0] for _, right, _, keys in found if keys]
        three = [right in [key for key, _ in keys[:3]] for _, right, _, keys in found]
        wrong = [name for name, right, setting, keys in found if (right, setting) not in keys]
        for name, right, _, keys in found:
            if not keys or keys[0][0] != right:
                print(f"  {name}: {keys[:3]} instead of {right}")
        share, within = sum(first) / len(found), sum(three) / len(found)
        print(f"BENCH diagnosis_situations_{vendor} {len(found)}")
        print(f"BENCH diagnosis_right_first_{vendor} {share:.3f}")
        print(f"BENCH diagnosis_right_among_three_{vendor} {within:.3f}")
        print(f"BENCH diagnosis_wrong_settings_{vendor} {len(wrong)}")
        print(f"BENCH diagnosis_problems_in_health_{vendor} {sound}")
        goal("diagnosis_right_first", share >= GOAL_FIRST, f"{share:.3f}", f"{GOAL_FIRST}")
        goal("diagnosis_right_among_three", within >= GOAL_THREE, f"{within:.3f}", f"{GOAL_THREE}")
        goal("diagnosis_wrong_settings", not wrong, f"{len(wrong)}", "0")
        goal("diagnosis_problems_in_health", not sound, f"{sound}", "0")
        now = datetime.now(UTC)
        decisions(number, now)
        from monitoring.watch.diagnosis.rows import diagnose
        from monitoring.watch.probes.rows import read

        whole, seen = statistics.median(milliseconds(lambda: diagnose(now))), read(now)
        own = statistics.median(milliseconds(lambda: diagnose(now, seen)))
        print(f"BENCH diagnosis_p50_{number}_{vendor} {whole:.0f} ms")
        print(f"BENCH diagnosis_beside_the_probes_p50_{number}_{vendor} {own:.0f} ms")
        goal("diagnosis_p50", whole <= GOAL_MS, f"{whole:.0f}", f"{GOAL_MS:.0f} ms")


if __name__ == "__main__":
    main()
