"""The way to a venue from the command line: `manage.py venue status|check|start|stop [--reason TEXT] [--as USER]`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from monitoring.control import venue
from monitoring.control.actions import BadRequest, Stale, Unreachable
from monitoring.control.permissions import NotAllowed
from monitoring.management.commands.switch import actor
from monitoring.watch.venue_words import lines, needs
from trading.exchange import rows
from trading.models import PreflightRun


class Command(BaseCommand):
    help = "Checks a venue before entries go there, starts it, stops it, or says what it still needs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=("status", "check", "start", "stop"))
        parser.add_argument("--reason", default="", help="why; kept in the audit log; start needs one")
        parser.add_argument("--as", dest="user", help="act as this user, with their roles")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"on_{options['what']}")(actor(options["user"]), options["reason"])
        except (BadRequest, NotAllowed, Stale, Unreachable, venue.TooSoon) as error:
            raise CommandError(str(error)) from None

    def on_status(self, who: Any, reason: str) -> None:
        self.stdout.write(f"{settings.QUANTUM.mode}: {settings.QUANTUM.venue}")
        self.stdout.write(needs(rows.waiting()) or "Entries are allowed here.")

    def on_check(self, who: Any, reason: str) -> None:
        """In this process: no worker is needed."""
        run = venue.request_checks(who, timezone.now(), here=True, reason=reason)
        self.say(venue.carry_out(run.pk, timezone.now) or run)

    def on_start(self, who: Any, reason: str) -> None:
        row = venue.start(reason, who, timezone.now())
        self.stdout.write(
            f"{row.venue}: started by {row.by}. Entries are allowed as far as the gates let them through."
        )

    def on_stop(self, who: Any, reason: str) -> None:
        row = venue.stop(reason, who, timezone.now())
        said = "was never started" if row is None else f"stopped by {row.by}; no new entries, the rest lives on"
        self.stdout.write(f"{settings.QUANTUM.venue}: {said}")

    def say(self, run: PreflightRun) -> None:
        for line in lines(run.checks):
            self.stdout.write(f"{line.word:<13} {line.title}. {line.why}")
            if line.fix and line.answer != "ok":
                self.stdout.write(f"{'':<13} {line.fix}")
        if not run.full:
            self.stdout.write("Looked at only: the whole round is made in testnet mode.")
        elif not run.passed:
            raise CommandError("Not all checks have passed, so nothing can be started here yet.")
        else:
            self.stdout.write("All checks have passed. Next: manage.py venue start --reason TEXT")
