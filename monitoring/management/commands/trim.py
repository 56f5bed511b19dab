"""Trim a position: `manage.py trim list`, `manage.py trim apply ID [--reason TEXT] [--as USER]`."""

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.management.acting import add_who, in_words
from monitoring.management.commands.switch import actor
from trading.models import TrimProposal


class Command(BaseCommand):
    help = "Lists the proposed trims, or applies one: that part is closed at market, and the stops cover the rest."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="the trims that are proposed now")
        one = verbs.add_parser("apply", help="close the proposed part at market, reduce-only")
        one.add_argument("trim", type=int, help="the proposal's number")
        add_who(one)

    def handle(self, *args, **options) -> None:
        if options["verb"] == "list":
            self.list()
            return
        with in_words():
            asked = actions.apply_trim(options["trim"], options["reason"], actor(options["user"]), timezone.now())
            done = actions.trimming(asked.request_id)
        self.stdout.write(told(done))

    def list(self) -> None:
        rows = list(TrimProposal.objects.filter(state=TrimProposal.OPEN).order_by("pk"))
        for row in rows:
            told = f"{row.pk}  {row.symbol}  by {row.quantity.normalize():f} ({row.share:.0%}): {row.why}"
            self.stdout.write(f"{told}, {row.value:g}, at most {row.limit:g} ({row.setting})")
        if not rows:
            self.stdout.write("No trim is proposed now.")


def told(done: actions.Trimming) -> str:
    """What came of it, as far as it is known."""
    if done.state == "done":
        return (
            f"{done.symbol}: {done.filled.normalize():f} closed at {done.average_price}, {done.net} USDT; "
            f"{done.left.normalize():f} left"
        )
    if done.over:
        return f"{done.symbol}: {done.state}, {done.filled.normalize():f} closed: {done.error}"
    why = f": {done.error}" if done.error else ""
    return f"{done.symbol}: accepted, {done.state}{why}. The position monitor goes on until it is done."
