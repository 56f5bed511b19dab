"""The universe: `manage.py universe refresh [--as USER]`."""

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.management.acting import add_who, in_words
from monitoring.management.commands.switch import actor
from monitoring.management.commands.tick import tell


class Command(BaseCommand):
    help = "Asks the exchange anew what it trades, and stores a snapshot."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["refresh"])
        add_who(parser)

    def handle(self, *args, **options) -> None:
        with in_words():
            asked = actions.refresh_universe(actor(options["user"]), timezone.now(), options["reason"])
        tell(self, asked)
