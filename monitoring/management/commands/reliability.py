"""The promises: `manage.py reliability` tells them, `reliability record FILE` keeps what a bench or a suite printed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from monitoring.control import figures
from monitoring.control.drills.subjects import profile
from monitoring.management.acting import in_words
from monitoring.management.commands.switch import actor
from monitoring.watch.words import clock


class Command(BaseCommand):
    help = "Each promise with what the last runs measured; `record FILE` keeps a bench's BENCH and GOAL lines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", choices=("show", "record"), default="show")
        parser.add_argument("file", nargs="?", help="what a bench printed; - for standard input")
        parser.add_argument("--profile", choices=figures.PROFILES, help="embedded or postgres; else this house's")
        parser.add_argument("--build", default="", help="the commit that was measured; else this one")
        parser.add_argument("--seed", default="", help="the seed of the run")
        parser.add_argument("--at", help="when it was measured, ISO; else the file's own time")
        parser.add_argument("--as", dest="user", help="act as this user, with their roles")

    def handle(self, *args: object, **options: Any) -> None:
        with translation.override("en"):
            if options["what"] == "record":
                self.record(options)
            else:
                self.show()

    def record(self, options: dict[str, Any]) -> None:
        if not options["file"]:
            raise CommandError("record needs the file that the bench printed into, or -.")
        text, made = content(options["file"])
        at = moment(options["at"]) if options["at"] else made
        with in_words():
            rows = figures.record(text, Path(options["file"]).name, actor(options["user"]), timezone.now(), at,
                                  options["profile"] or profile(), options["build"], options["seed"])  # fmt: skip
        self.stdout.write(f"{len(rows)} figures recorded")

    def show(self) -> None:
        for line in figures.lines(timezone.now()):
            value = f"{line.value:g} {line.unit}".strip() if line.value is not None else "no data"
            bound = f"at most {line.limit:g} {line.unit}".strip() if line.limit is not None else line.target
            when = f"{line.at:%Y-%m-%d} {clock(line.at)}" if line.at else ""
            told = f"{line.state:<8} {value:>10}  {bound:<14} {line.n} of {line.of}  {line.promise.title}"
            self.stdout.write(f"{told}  {line.worst} {when} {', '.join(line.builds)}".rstrip())


def content(name: str) -> tuple[str, datetime]:
    """The text, and when it was written."""
    if name == "-":
        return sys.stdin.read(), timezone.now()
    path = Path(name)
    try:
        return path.read_text(errors="replace"), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise CommandError(f"{name} can't be read: {error.strerror}.") from None


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at must be a time such as 2026-11-23T12:00:00Z, was {text!r}.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
