"""Run a module by hand: `manage.py tick MODULE [--as USER]`; without a name it lists them."""

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.management.acting import add_who, in_words
from monitoring.management.commands.switch import actor


class Command(BaseCommand):
    help = "Rings for one tick of a module on its own queue, and waits a moment for its beat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("module", nargs="?", help="such as position_monitor")
        add_who(parser)

    def handle(self, *args, **options) -> None:
        if not options["module"]:
            for name, module in sorted(actions.registry().items()):
                self.stdout.write(f"{name:<26} {module.title} (every {module.every.total_seconds():g} s)")
            return
        with in_words():
            asked = actions.tick_module(options["module"], actor(options["user"]), timezone.now(), options["reason"])
        tell(self, asked)


def tell(command: BaseCommand, asked: actions.Asked) -> None:
    """What came of the tick."""
    done = actions.ticked(asked)
    if not done.done:
        said = "rung for, no beat yet"
    elif done.error:
        said = f"failed: {done.error}"
    else:
        said = f"idle: {done.idle_reason}" if done.idle_reason else f"{done.examined} examined, {done.actions} acted on"
    command.stdout.write(f"{done.title}: {said}")
