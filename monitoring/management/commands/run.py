"""Everything, under one supervisor: `manage.py run [--port N] [--only web,worker,beat,stream,practice]`."""

import sys

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Starts every process, restarts what dies, and stops all on Ctrl-C or SIGTERM."
    requires_system_checks = []  # the processes check; this one must come up to say what is wrong

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="of the page (PORT)")
        parser.add_argument("--only", default="", help="some of web,worker,beat,stream,practice")

    def handle(self, *args, **options) -> None:
        from monitoring.control.installation import WrongDatabase
        from quantum import launch
        from quantum.preparation import Refused
        from quantum.programs import PARTS

        only = [part.strip() for part in options["only"].split(",") if part.strip()]
        if strange := [part for part in only if part not in PARTS]:
            raise CommandError(f"--only knows {', '.join(PARTS)}, but not {', '.join(strange)}.")
        port = settings.QUANTUM.PORT if options["port"] is None else options["port"]
        if not 1 <= port <= 65_535:
            raise CommandError(f"--port must be within 1 and 65535, was {port}.")
        try:
            code = launch.run(port, only)
        except (launch.CannotStart, Refused, WrongDatabase) as error:
            raise CommandError(str(error)) from None
        sys.exit(code)
