"""Drills: `manage.py drill NAME ...|--all|--fast [--json]` on the house that runs; without a name it lists them.

A table of times on stdout, progress on stderr. Exit code 1 where one failed or the round was cut short, else 0; what
was skipped says why.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone, translation

from monitoring.control import actions, practice
from monitoring.control.drills import asking, house, runner, subjects
from monitoring.management.acting import in_words
from monitoring.management.commands.switch import actor
from monitoring.models import DrillRun
from monitoring.watch.drills import words
from monitoring.watch.drills.catalogue import ALL, CATALOGUE
from monitoring.watch.drills.spec import Drill
from trading import tuning

LOSS, MANY = "QT_MAX_DAILY_LOSS", 5  # positions that a round closes before the day's loss could end its entries


class Command(BaseCommand):
    help = "Breaks something on purpose, and times its detection, the action and the proof that it is over."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="such as stop-cancelled; none: they are listed")
        parser.add_argument("--all", action="store_true", help="every drill, one after the other")
        parser.add_argument("--fast", action="store_true", help="the few that take some seconds each")
        parser.add_argument("--part", help="those of one part: stops, exits, venue, market, models, modules ...")
        parser.add_argument("--json", action="store_true", help="the results as JSON")
        parser.add_argument("--wait", type=float, default=runner.WAIT, metavar="SECONDS",
                            help="for a quiet house, and for a position")  # fmt: skip
        parser.add_argument("--as", dest="user", help="act as this user, with their roles")
        parser.add_argument("--reason", default="", help="why; kept in the audit log")
        parser.add_argument("--run", type=int, help=argparse.SUPPRESS)  # a queued row, for the page's own process

    def handle(self, *args: object, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is put right
        with translation.override("en"):
            chosen = self.chosen(options)
            if options["run"]:
                self.one_row(options["run"], options["wait"])
            elif not chosen:
                self.listed()
            else:
                done = self.round(chosen, options)
                self.told(done, options["json"])
                if len(done) < len(chosen) or any(row.outcome == DrillRun.FAILED for row in done):
                    sys.exit(1)

    def told(self, done: Sequence[DrillRun], plain: bool) -> None:
        if plain:
            self.stdout.write(json.dumps([as_json(row) for row in done], cls=DjangoJSONEncoder, indent=1))
        else:
            self.table(done)

    def chosen(self, options: dict[str, Any]) -> list[Drill]:
        if unknown := [name for name in options["names"] if name not in CATALOGUE]:
            raise CommandError(f"There is no drill {unknown[0]}. Without a name they are listed.")
        parts = {str(drill.part) for drill in ALL}
        if options["part"] and options["part"] not in parts:
            raise CommandError(f"--part knows {', '.join(sorted(parts))}, but not {options['part']}.")
        found = [CATALOGUE[name] for name in options["names"]]
        if options["all"] or options["part"] or options["fast"]:
            found += [
                drill
                for drill in ALL
                if options["all"] or drill.part == options["part"] or (options["fast"] and drill.fast)
            ]
        return list({drill.name: drill for drill in found}.values())

    def listed(self) -> None:
        for drill in ALL:
            self.stdout.write(f"{drill.name:<28} {drill.part:<10} {drill.rows:<22} {drill.title}")

    def one_row(self, number: int, patience: float) -> None:
        row = DrillRun.objects.filter(pk=number).first()
        if row is None:
            raise CommandError(f"There is no drill run {number}.")
        with in_words():
            runner.run(row, patience=patience)

    def round(self, chosen: Sequence[Drill], options: dict[str, Any]) -> list[DrillRun]:
        """One after the other, those without a restart before who would wait; a house that is gone ends the round."""
        with in_words():
            practice.must_practise()
        done: list[DrillRun] = []
        left = list(chosen)
        with self.room_for_losses(chosen, options):
            self.one_by_one(left, done, options)
        return done

    def one_by_one(self, left: list[Drill], done: list[DrillRun], options: dict[str, Any]) -> None:
        count = len(left)
        while left:
            drill = subjects.next_of(left, timezone.now())
            left.remove(drill)
            self.say(f"[{count - len(left)}/{count}] {drill.name}: {drill.title}")
            try:
                done.append(self.one(drill, options))
            except CommandError as no:
                if not done:
                    raise
                self.say(f"the round ends here: {no}")
                break

    @contextmanager
    def room_for_losses(self, chosen: Sequence[Drill], options: dict[str, Any]) -> Iterator[None]:
        """A round closes positions at a loss on purpose: the limit of a day's loss would end its entries half-way."""
        if sum(drill.ends for drill in chosen) < MANY:
            yield
            return
        row = tuning.rows().get(LOSS)
        was = float(row.value) if row and row.value else None
        self.tune(tuning.range_of(settings.QUANTUM, LOSS).high, options)
        try:
            yield
        finally:
            self.tune(was, options)

    def tune(self, value: float | None, options: dict[str, Any]) -> None:
        with in_words():
            actions.tune(
                {LOSS: value}, options["reason"] or "a round of drills", actor(options["user"]), timezone.now()
            )
        self.say(f"{LOSS} is {'what it was' if value is None else value}")

    def one(self, drill: Drill, options: dict[str, Any]) -> DrillRun:
        if house.supervisor(Path(settings.VAR)) is None:
            raise CommandError(f"No house runs in {settings.VAR}: start it with manage.py run, with the same QT_VAR.")
        with in_words():
            row = asking.request(drill.name, actor(options["user"]), timezone.now(), options["reason"])
            runner.run(row, say=lambda text: self.say(f"    {text}"), patience=options["wait"])
        self.say(f"    {row.outcome} {words.reason(row.why, row.params)}".rstrip())
        return row

    def say(self, text: str) -> None:
        self.stderr.write(f"{timezone.now():%H:%M:%S} {text}")
        self.stderr.flush()

    def table(self, done: Sequence[DrillRun]) -> None:
        head = f"{'drill':<28} {'outcome':<8} {'detected':>9} {'acted':>9} {'verified':>9}  why"
        self.stdout.write(head)
        for row in done:
            times = [words.seconds(value) for value in (row.detected_s, row.acted_s, row.verified_s)]
            line = f"{row.name:<28} {row.outcome:<8} {times[0]:>9} {times[1]:>9} {times[2]:>9}"
            self.stdout.write(f"{line}  {words.reason(row.why, row.params)}".rstrip())
        count = {name: sum(row.outcome == name for row in done) for name in ("passed", "failed", "skipped")}
        self.stdout.write(", ".join(f"{n} {name}" for name, n in count.items()) + f"; {profile(done)}")


def profile(done: Sequence[DrillRun]) -> str:
    row = done[0]
    return f"profile {row.profile}, build {row.build}, {row.seed}"


def as_json(row: DrillRun) -> dict[str, Any]:
    names = ("name", "outcome", "why", "params", "detected_s", "acted_s", "verified_s", "unprotected_s", "started_at",
             "broken_at", "mended_at", "ended_at", "by", "build", "seed", "profile", "evidence")  # fmt: skip
    found: dict[str, Any] = {name: getattr(row, name) for name in names}
    at: datetime | None = row.broken_at
    return found | {"id": row.pk, "said": words.reason(row.why, row.params), "broken_at": at}
