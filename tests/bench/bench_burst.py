"""A burst of 10 000 signals through the executor's path: does the law hold all the while, how long, how much memory?

.venv/bin/python -m tests.bench.bench_burst [SIGNALS]

BENCH_DATABASE_URL names a PostgreSQL server; without it SQLite.
"""

from __future__ import annotations

import sys
import tempfile

from tests.bench.stored import database

GOAL_SECONDS, GOAL_MB = 60.0, 100.0


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as var, database(var) as vendor:
        from tests.bench.burst import burst, unexplained

        found = burst(number)
        blank = unexplained()
        print(f"BENCH burst_seconds_{vendor} {found.seconds:.1f} s")
        print(f"BENCH burst_slowest_bar_{vendor} {found.slowest:.2f} s")
        print(f"BENCH burst_memory_{vendor} {found.grown_mb:.0f} MB")
        print(f"BENCH burst_samples_{vendor} {len(found.samples)}")
        print(f"BENCH burst_law_broken_{vendor} {len(found.broken)}")
        print(f"BENCH burst_unexplained_{vendor} {blank}")
        goal(f"burst_seconds_{vendor}", found.seconds <= GOAL_SECONDS, f"{found.seconds:.1f}", f"<= {GOAL_SECONDS:g}")
        goal(f"burst_memory_{vendor}", found.grown_mb <= GOAL_MB, f"{found.grown_mb:.0f}", f"<= {GOAL_MB:g}")
        goal(f"burst_law_{vendor}", not found.broken and not blank, f"{len(found.broken)}+{blank}", "0+0")


def goal(name: str, passed: bool, value: str, target: str) -> None:
    print(f"GOAL {name} {'PASS' if passed else 'FAIL'} {value} {target}")


if __name__ == "__main__":
    main()
