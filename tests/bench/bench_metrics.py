"""How long a scrape of /metrics takes with 100 000 decisions stored: in process, the key's check included.

.venv/bin/python -m tests.bench.bench_metrics      (BENCH_DATABASE_URL: on PostgreSQL)
"""

import os
import statistics
import tempfile
import time
from datetime import datetime, timedelta

from tests.bench import stored

DECISIONS = int(os.environ.get("BENCH_METRICS_DECISIONS", "100000"))
ROUNDS = 30
GOAL = 50  # milliseconds, median
LOST = 300  # minutes of each law that were lost within three days


def minutes(now: datetime) -> None:
    """Three days in which every law was judged, as a house that runs has them."""
    from monitoring.models import LawMinute
    from monitoring.watch.alerts.burn import Law

    first = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    LawMinute.objects.bulk_create(
        [
            LawMinute(law=law.value, at=first - timedelta(minutes=n), state="broken" if n < LOST else "kept")
            for law in Law
            for n in range(4320)
        ],
        batch_size=2000,
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as var, stored.database(var) as vendor:
        from django.test import Client
        from django.utils import timezone

        from monitoring.control import apikeys
        from tests.show import factories as make

        now = timezone.now()
        stored.decisions(DECISIONS, now)
        minutes(now)
        make.holdings(now)
        stored.settled()
        client = Client(headers={"Authorization": f"Bearer {apikeys.create(make.user(), now)[1]}"})
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            answer = client.get("/metrics")
            took.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.content
        median, slowest = statistics.median(took), max(took)
        print(f"BENCH metrics_{vendor} {median:.1f} ms", flush=True)
        print(f"BENCH metrics_slowest_{vendor} {slowest:.1f} ms", flush=True)
        print(f"BENCH metrics_lines_{vendor} {len(answer.content.splitlines())} lines", flush=True)
        print(f"GOAL metrics_{vendor} {'PASS' if median <= GOAL else 'FAIL'} {median:.1f} {GOAL}", flush=True)


if __name__ == "__main__":
    main()
