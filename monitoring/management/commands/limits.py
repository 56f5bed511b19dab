"""Limits: `manage.py limits [NAME]` lists them, `limits NAME VALUE [--reason TEXT]` tunes one (`first` undoes it)."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.management.acting import add_who, in_words
from monitoring.management.commands.switch import actor
from monitoring.watch.effective import Setting, effective


class Command(BaseCommand):
    help = "Lists the limits that can be tuned while the system runs, or sets one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="such as QT_MAX_POSITIONS")
        parser.add_argument("value", nargs="?", help="the new value; `first` goes back to the environment's")
        add_who(parser)

    def handle(self, *args, **options) -> None:
        name, value = options["name"], options["value"]
        if value is None:
            self.list(name)
            return
        with in_words():
            wanted = {name: None if value == "first" else value}
            done = actions.tune(wanted, options["reason"], actor(options["user"]), timezone.now())[0]
        self.stdout.write(f"{done.name}: {done.was:g} -> {done.value:g}" if done.changed else f"{done.name}: unchanged")

    def list(self, name: str | None) -> None:
        told = [one for one in effective() if one.tunable and name in (None, one.name)]
        if not told:
            raise CommandError(f"{name} can't be tuned; `limits` lists what can.")
        for one in told:
            self.stdout.write(line(one))


def line(one: Setting) -> str:
    who = f", {one.changed_by} at {one.changed_at:%Y-%m-%d %H:%M}" if one.changed_by else ""
    low, high = one.allowed.low, one.allowed.high
    return f"{one.name:<28} {one.value:>8g}  {low:g}..{high:g}, default {one.default:g}, {one.source}{who}"
