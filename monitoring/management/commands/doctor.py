"""`manage.py doctor`: every probe with its fix; as JSON; as a dated document; as a bundle for somebody who helps."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from monitoring.watch import bundle, doctor, document, history, spoken
from monitoring.watch.diagnosis import words
from monitoring.watch.diagnosis.problem import Problem
from monitoring.watch.doctor import Diagnosis
from monitoring.watch.probes import State
from monitoring.watch.probes.facts import Finding
from monitoring.watch.probes.words import fix, question, say
from monitoring.watch.scorecard import Component, Point


class Command(BaseCommand):
    help = "Asks every probe; exit code 0 (all ok), 1 (something fails) or 2 (something is not known)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the answers as JSON")
        parser.add_argument("--report", nargs="?", const="", metavar="FILE",
                            help="write the dated diagnosis: Markdown, or HTML where FILE ends in .html")  # fmt: skip
        parser.add_argument("--bundle", metavar="FILE", help="write a redacted zip for somebody who helps")
        parser.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES], default="en")

    def handle(self, *args: object, **options) -> None:
        with translation.override(options["language"]):
            seen = self.look()
            if options["json"]:
                self.stdout.write(json.dumps(doctor.as_json(seen), cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
            else:
                self.tell(seen)
            if options["report"] is not None:
                self.say(_("report: %(path)s"), report(seen, options["report"]))
            if options["bundle"]:
                self.say(_("bundle: %(path)s"), write(Path(options["bundle"]), bundle.bundle(seen)))
        if seen.exit_code:
            sys.exit(seen.exit_code)

    def look(self) -> Diagnosis:
        try:
            return doctor.diagnose(timezone.now())
        except doctor.Unreadable as error:
            raise CommandError("\n".join([*unfit(error.finding), fix("database_validator.schema")])) from None
        except DatabaseError as error:
            raise CommandError(
                _("The database can't be asked (%(error)s). Run manage.py migrate, or see that it is up.")
                % {"error": " ".join(str(error).split())}
            ) from None

    def say(self, text: str, path: Path) -> None:
        """To stderr: what stands on stdout may be JSON that somebody reads."""
        self.stderr.write(text % {"path": path}, self.style.SUCCESS)

    def tell(self, seen: Diagnosis) -> None:
        card = seen.card
        self.stdout.write(
            _("Health %(overall)s / 100, %(status)s; %(coverage)s of 100 points measured.")
            % {"overall": card.overall, "status": spoken.status(card.status), "coverage": card.coverage}
        )
        for cap in card.caps:
            self.stdout.write(_("Held at %(at)s: %(why)s") % {"at": cap.at, "why": spoken.cap(cap, card)})
        if seen.headline:
            self.stdout.write(seen.headline)
        for rank, cause in enumerate(seen.causes, start=1):
            self.cause(rank, cause)
        for name, parts in card.groups.items():
            self.stdout.write(f"\n{spoken.group(name)}")
            for one in parts:
                self.component(one)

    def cause(self, rank: int, one: Problem) -> None:
        """One of what is the matter: title, what was measured, what to do."""
        if rank == 1:
            self.stdout.write("\n" + _("What is the matter, worst first"))
        self.stdout.write(f"  {rank}. {document.SEVERITY[one.severity]}: {words.title(one)}")
        self.stdout.write(f"     {words.cause(one)}")
        for step in words.steps(one):
            self.stdout.write("     " + _("fix: %(fix)s") % {"fix": step})

    def component(self, one: Component) -> None:
        self.stdout.write(f"  {spoken.name(one.part)}  {one.score}/{one.out_of}")
        for mark in one.points:
            self.point(mark)

    def point(self, mark: Point) -> None:
        self.stdout.write(f"    {mark.state.value:<8} {question(mark.probe)} {spoken.why(mark)}")
        if mark.state is not State.OK:
            self.stdout.write("             " + _("fix: %(fix)s") % {"fix": fix(mark.probe)})


def unfit(finding: Finding) -> list[str]:
    """What the validator found wrong, in words."""
    return [say(check.code, check.params) for check in finding.checks if not check.passed]


def report(seen: Diagnosis, asked: str) -> Path:
    """Write the document, and remember the score that it was written from."""
    path = Path(asked) if asked else reports() / f"diagnosis-{seen.at:%Y-%m-%dT%H%M%SZ}.md"
    blocks = document.document(seen)
    text = document.html(blocks) if path.suffix.lower() in (".html", ".htm") else document.markdown(blocks)
    written = write(path, text.encode())
    history.store(seen.card, reported=True)
    return written


def reports() -> Path:
    folder = Path(settings.VAR) / "reports"
    folder.mkdir(exist_ok=True)
    return folder


def write(path: Path, content: bytes) -> Path:
    """The whole file or none of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise CommandError(_("%(path)s can't be written: %(why)s.") % {"path": path, "why": error.strerror}) from None
    return path
