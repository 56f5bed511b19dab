"""Bring former models back: `manage.py rollback list`, `manage.py rollback to VERSION --reason TEXT [--as USER]`."""

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.management.acting import add_who, in_words
from monitoring.management.commands.switch import actor
from trading.forecast import rows, store
from trading.models import ModelVersion


class Command(BaseCommand):
    help = "Lists the former models whose files are kept, or lets one version of them vote again."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="versions that voted before and can vote again")
        one = verbs.add_parser("to", help="let this version vote from the next bar on")
        one.add_argument("version", help="as the list and the page of models write it")
        add_who(one, reason="why; kept in the audit log")

    def handle(self, *args, **options) -> None:
        if options["verb"] == "list":
            self.list()
            return
        with in_words():
            done = actions.roll_back(options["version"], options["reason"], actor(options["user"]), timezone.now())
        instead = f" in place of {', '.join(done.replaced)}" if done.replaced else ""
        self.stdout.write(f"version {done.version} votes ({', '.join(done.kinds)}){instead}")

    def list(self) -> None:
        kept = [row for row in rows.standing(store.current(), (ModelVersion.RETIRED,)) if row.pruned_at is None]
        kinds: dict[str, list[str]] = {}
        for row in reversed(kept):
            kinds.setdefault(row.version, []).append(row.kind)
        for version, names in kinds.items():
            self.stdout.write(f"{version}  {', '.join(sorted(names))}")
        if not kinds:
            self.stdout.write("No former models are kept.")
