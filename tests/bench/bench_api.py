"""How long the API takes with 100 000 decisions and 10 000 trades stored: in process, the key's check included.

.venv/bin/python -m tests.bench.bench_api      (BENCH_DATABASE_URL: on PostgreSQL)
"""

import os
import statistics
import tempfile
import time

from tests.bench import stored

DECISIONS = int(os.environ.get("BENCH_API_DECISIONS", "100000"))
TRADES = 10_000
ROUNDS = 30
GOALS = {"trades?limit=500": 40, "positions": 9, "funnel": 20}  # milliseconds, medians
ALSO = ("decisions", "signals", "orders", "fills", "account", "policy", "system", "modules", "universe", 
        "trades/stats",  "decisions?symbol=C007USDT", "positions?status=all", "funnel?window=7d")  # fmt: skip


def median_ms(client, path: str) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(f"/api/v1/{path}")
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.content
    return statistics.median(took)


def main() -> None:
    with tempfile.TemporaryDirectory() as var, stored.database(var) as vendor:
        from django.test import Client
        from django.utils import timezone

        from monitoring.control import apikeys
        from tests.show import factories as make

        now = timezone.now()
        stored.decisions(DECISIONS, now)
        stored.trades(TRADES, now)
        make.universe(now, [*make.SYMBOLS, *(f"C{i:03}/USDT:USDT" for i in range(stored.PER_BAR))])
        make.holdings(now)
        stored.settled()
        client = Client(headers={"Authorization": f"Bearer {apikeys.create(make.user(), now)[1]}"})
        for path in (*GOALS, *ALSO):
            took = median_ms(client, path)
            name = "".join(c if c.isalnum() else "_" for c in path)
            print(f"BENCH api_{name}_{vendor} {took:.1f} ms", flush=True)
            if goal := GOALS.get(path):
                print(f"GOAL api_{name}_{vendor} {'PASS' if took <= goal else 'FAIL'} {took:.1f} {goal}", flush=True)


if __name__ == "__main__":
    main()
