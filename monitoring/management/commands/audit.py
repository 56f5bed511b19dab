"""The audit log: `audit verify` walks its chain and names the first bad row."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring.control import audit


class Command(BaseCommand):
    help = "Verifies the audit chain."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["verify"])

    def handle(self, *args, **options) -> None:
        result = audit.verify()
        if not result.ok:
            raise CommandError(f"The audit chain is broken: {result.why}. {result.rows} rows before it hold.")
        self.stdout.write(f"audit: {result.rows} rows, the chain holds")
