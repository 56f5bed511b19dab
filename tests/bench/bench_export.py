"""Decisions exported in each format: rows a second, how much memory grew, and that pandas and polars open the file.

.venv/bin/python -m tests.bench.bench_export   (BENCH_EXPORT_ROWS=1000000, BENCH_DATABASE_URL: on PostgreSQL)
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.bench import stored

ROWS = int(os.environ.get("BENCH_EXPORT_ROWS", "20000"))
FORMATS = ("csv", "jsonl", "parquet")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
READ = """
import resource, sys, time, {library}
resource.setrlimit(resource.RLIMIT_DATA, ({most}, {most}))
began = time.perf_counter()
print({call}, time.perf_counter() - began)
"""
MOST = 6 << 30  # bytes that a reader may take: nested JSON swells in memory, so large files are read in pieces
CALLS = {
    "csv": {
        "pandas": "sum(len(part) for part in pandas.read_csv(sys.argv[1], chunksize=50_000))",
        "polars": "polars.scan_csv(sys.argv[1]).select(polars.col('id').count()).collect().item()",
    },
    "jsonl": {
        "pandas": "sum(len(part) for part in pandas.read_json(sys.argv[1], lines=True, chunksize=10_000))",
        "polars": "polars.scan_ndjson(sys.argv[1]).select(polars.col('id').count()).collect().item()",
    },
    "parquet": {
        "pandas": "len(pandas.read_parquet(sys.argv[1], columns=['id', 'symbol', 'outcome', 'code', 'at']))",
        "polars": "polars.scan_parquet(sys.argv[1]).select(polars.col('id').count()).collect().item()",
    },
}
ONE = "one"  # the argument of the process that exports one format


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_SIZE


class Peak(threading.Thread):
    """The most memory that this process held while it was watched, less what it held before."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.before = self.most = resident()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.005):
            self.most = max(self.most, resident())

    def grown_mb(self) -> float:
        self.over.set()
        self.join()
        return (max(self.most, resident()) - self.before) / 1e6


async def exported(key: str, kind: str, file: Path) -> tuple[float, float, float]:
    """Seconds to the first byte, seconds in all, and the megabytes that memory grew by."""
    from django.test import AsyncClient

    headers = {"Authorization": f"Bearer {key}"}
    await warm(headers, kind)
    peak, began, first = Peak(), time.perf_counter(), 0.0
    peak.start()
    answer = await AsyncClient().get(f"/api/v1/export/decisions.{kind}", headers=headers)
    assert answer.status_code == 200, answer.content
    with file.open("wb") as out:
        async for part in answer:
            first = first or time.perf_counter() - began
            out.write(part)
    return first, time.perf_counter() - began, peak.grown_mb()


async def warm(headers: dict[str, str], kind: str) -> None:
    """What is imported once belongs to no export."""
    from django.test import AsyncClient

    answer = await AsyncClient().get(f"/api/v1/export/modules.{kind}", headers=headers)
    async for _ in answer:
        pass


def one(kind: str, key: str, file: Path, vendor: str) -> None:
    """In a process of its own, so that no format leaves memory to the next."""
    import django

    django.setup()
    first, seconds, grown = asyncio.run(exported(key, kind, file))
    print(f"BENCH export_{kind}_{vendor}_{ROWS} {ROWS / seconds:.0f} rows/s", flush=True)
    print(f"BENCH export_{kind}_{vendor}_{ROWS}_first_byte {first * 1000:.0f} ms", flush=True)
    print(f"BENCH export_{kind}_{vendor}_{ROWS}_memory {grown:.1f} MB", flush=True)
    print(f"BENCH export_{kind}_{vendor}_{ROWS}_size {file.stat().st_size / 1e6:.1f} MB", flush=True)
    print(f"GOAL export_{kind}_{vendor}_memory {'PASS' if grown <= 50 else 'FAIL'} {grown:.1f} 50", flush=True)


def opened(kind: str, file: Path) -> None:
    """How long pandas and polars take to read it; a row count that differs ends the benchmark."""
    for library, call in CALLS[kind].items():
        code = READ.format(library=library, call=call, most=MOST)
        said = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True).stdout
        rows, seconds = said.split()
        if int(rows) != ROWS:
            raise SystemExit(f"{library} read {rows} of {ROWS} rows from {file.name}")
        print(f"BENCH export_{kind}_{ROWS}_opened_by_{library} {float(seconds):.2f} s", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as var, stored.database(var) as vendor:
        from django.db import connection
        from django.utils import timezone

        from monitoring.control import apikeys
        from tests.show import factories as make

        now = timezone.now()
        stored.decisions(ROWS, now)
        key = apikeys.create(make.user(), now)[1]
        connection.close()
        for kind in FORMATS:
            file = Path(var) / f"decisions.{kind}"
            subprocess.run([sys.executable, "-m", "tests.bench.bench_export", ONE, kind, key, file, vendor], check=True)
            opened(kind, file)
            file.unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == [ONE]:
        one(sys.argv[2], sys.argv[3], Path(sys.argv[4]), sys.argv[5])
    else:
        main()
