"""Train new models: `manage.py retrain [--reason TEXT] [--as USER]`."""

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.management.acting import add_who, in_words
from monitoring.management.commands.switch import actor


class Command(BaseCommand):
    help = "Asks for a training; where one is running already, says how far it is."

    def add_arguments(self, parser: CommandParser) -> None:
        add_who(parser)

    def handle(self, *args, **options) -> None:
        now = timezone.now()
        with in_words():
            run = actions.retrain(actor(options["user"]), now, options["reason"])
        state = "queued" if run.started_at == now else f"running already, {run.stage}, {run.progress:.0%} done"
        self.stdout.write(f"training {run.pk}: {state}")
