"""Close a position: `manage.py close SYMBOL|ID [--reason TEXT] [--as USER]`."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.management.acting import add_who, in_words, spelled
from monitoring.management.commands.switch import actor
from trading.models import Position


class Command(BaseCommand):
    help = "Asks for one open position to be closed at market, and waits a moment for the exchange's answer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("position", help="a symbol such as BTCUSDT, or a position's number")
        add_who(parser)

    def handle(self, *args, **options) -> None:
        position_id = found(options["position"])
        with in_words():
            actions.close_position(position_id, options["reason"], actor(options["user"]), timezone.now())
            done = actions.closing(position_id)
        if done.done:
            self.stdout.write(f"{done.symbol}: closed at {done.exit_price}, {done.net} USDT")
        else:
            why = f": {done.error}" if done.error else ""
            self.stdout.write(
                f"{done.symbol}: accepted, {done.state}{why}. The position monitor goes on until it is flat."
            )


def found(text: str) -> int:
    """The number of the open position that is meant."""
    if text.isdecimal():
        return int(text)
    opened = Position.objects.exclude(status=Position.CLOSED)
    row = opened.filter(symbol=spelled(text)).values_list("pk", flat=True).first()
    if row is None:
        held = ", ".join(opened.order_by("symbol").values_list("symbol", flat=True))
        raise CommandError(f"No position is open on {text}. Open: {held or 'none'}.")
    return row
