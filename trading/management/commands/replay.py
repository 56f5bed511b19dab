"""`manage.py replay`: recorded candles through the same code path as live, into a database of its own."""

import json
import logging
import os
import sys
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels.layers import channel_layers
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

KEEP = 3  # earlier replays that are kept beside the newest


def instant(text: str) -> int:
    """ISO time -> ms."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"wants an ISO time such as 2026-02-01T00:00, was {text!r}") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


class Command(BaseCommand):
    help = "Push recorded candles through the same code path as live, as fast as it goes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", required=True, help="folder of Parquet candles")
        parser.add_argument("--timeframe", default="1h")
        parser.add_argument("--start", type=instant, help="first bar to decide on (default: after the history)")
        parser.add_argument("--end", type=instant, help="stop before this bar")
        parser.add_argument("--symbols", default="", help="only these, e.g. BTCUSDT,ETHUSDT")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument(
            "--fresh", action="store_true", help="delete what an earlier replay left; else it is kept aside"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(options["data"])
        if not folder.exists():
            raise CommandError(f"--data: there is no {folder}")
        configure(folder, options["timeframe"])
        own_database(fresh=options["fresh"])
        summary = self.run(folder, options)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(summary)))
            return
        for name, value in asdict(summary).items():
            self.stdout.write(f"{name:<20} {value}")

    def run(self, folder: Path, options: dict[str, Any]) -> Any:
        from trading import replay
        from trading.practice import market as markets
        from trading.practice import tables
        from trading.practice.exchange import Exchange
        from trading.practice.ledger import Ledger

        names = [s.strip().upper() for s in options["symbols"].split(",") if s.strip()] or None
        try:
            market = markets.recorded(folder, names, 0, None, own_time=True)
        except ValueError as error:
            raise CommandError(str(error)) from None
        width = int(settings.QUANTUM.bar.total_seconds() * 1000)
        if market.candle_ms != width:
            raise CommandError(
                f"--timeframe {options['timeframe']}: the data's bars are {market.candle_ms // 60_000} min"
            )
        begins = market.history_start_ms + market.source.history * width
        first = (options["start"] or begins) // width * width
        ends: int = market.end_ms or begins
        last = min(options["end"] or ends, ends)
        if not begins <= first < last:
            raise CommandError(f"--start and --end must leave bars between {iso(begins)} and {iso(ends)}")
        clock = replay.Clock(first)
        exchange = Exchange(market, tables.load(), Ledger(), clock, {replay.KEY: replay.KEY})
        bar = Bar(self.stderr.write if sys.stderr.isatty() else None)
        try:
            return replay.replay(exchange, clock, (market.history_start_ms, first, last), bar.show)
        except replay.ReplayError as error:
            raise CommandError(str(error)) from None


class Bar:
    """A progress line for people; nothing where nobody watches."""

    def __init__(self, write: Any) -> None:
        self.write, self.shown = write, ""

    def show(self, stage: str, share: float) -> None:
        line = f"\r{stage:<10} {'█' * int(share * 30):<30} {share * 100:3.0f} %"
        if self.write and line != self.shown:
            self.shown = line
            self.write(line, ending="\n" if share >= 1 else "")


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def configure(folder: Path, timeframe: str) -> None:
    """This process plays this data: settings, model folder and silence on the live channel."""
    changes = {"QT_MODE": "practice", "QT_PRACTICE_DATA": str(folder), "QT_TIMEFRAME": timeframe}
    try:
        settings.QUANTUM = type(settings.QUANTUM).model_validate(settings.QUANTUM.model_dump() | changes)
    except ValueError:
        raise CommandError(f"--timeframe: {timeframe!r} is none of 1m, 3m, 5m, 15m, 30m, 1h, 4h") from None
    settings.VAR = settings.VAR / "replay"
    settings.VAR.mkdir(parents=True, exist_ok=True)
    channel_layers.set("default", None)
    logging.getLogger("trading").setLevel(logging.WARNING)  # the summary tells; a line a trade would drown it


def own_database(*, fresh: bool) -> None:
    """Rows go to var/replay.sqlite3 (PostgreSQL: the schema `replay`); what was there is kept aside, or deleted."""
    if connection.vendor == "sqlite":
        own_file(settings.VAR.parent / "replay.sqlite3", fresh)
    else:
        own_schema(fresh)
    call_command("migrate", verbosity=0)


def own_file(path: Path, fresh: bool) -> None:
    connection.close()
    aside = path.with_name(f"replay-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.sqlite3")
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{path}{suffix}")
        if part.exists() and not fresh:
            part.rename(f"{aside}{suffix}")
        part.unlink(missing_ok=True)
    for old in sorted(path.parent.glob("replay-*.sqlite3"))[:-KEEP]:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{old}{suffix}").unlink(missing_ok=True)
    connection.settings_dict["NAME"] = path
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"  # a replay can be repeated
    connection.settings_dict["OPTIONS"] = connection.settings_dict["OPTIONS"] | {"init_command": pragmas}


def own_schema(fresh: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'replay%' ORDER BY 1"
        )
        there = [row[0] for row in cursor.fetchall()]
        if "replay" in there:
            kept = f'ALTER SCHEMA "replay" RENAME TO "replay_{datetime.now(UTC):%Y%m%dt%H%M%S}"'
            cursor.execute('DROP SCHEMA "replay" CASCADE' if fresh else kept)
        for old in [s for s in there if s != "replay"][: -KEEP or None]:
            cursor.execute(f'DROP SCHEMA "{old}" CASCADE')
        cursor.execute('CREATE SCHEMA "replay"')
    connection.close()
    connection.settings_dict["OPTIONS"] = connection.settings_dict["OPTIONS"] | {"options": "-c search_path=replay"}
