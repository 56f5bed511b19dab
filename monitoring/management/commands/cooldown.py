"""Cooldowns: `manage.py cooldown list`, `cooldown clear SYMBOL --reason TEXT [--as USER]`."""

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.management.acting import add_who, in_words, spelled
from monitoring.management.commands.switch import actor
from trading import tuning
from trading.orders.rows import last_entries


class Command(BaseCommand):
    help = "Lists the symbols that cool down, or ends one symbol's cooldown."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="who cools down, and for how long yet")
        clear = verbs.add_parser("clear", help="let a symbol be entered again")
        clear.add_argument("symbol", help="such as BTCUSDT")
        add_who(clear, "why it may be entered before its time; kept in the audit log")

    def handle(self, *args, **options) -> None:
        getattr(self, options["verb"])(options)

    def list(self, options: dict) -> None:
        now, rest = timezone.now(), timedelta(seconds=tuning.effective().QT_COOLDOWN_SECONDS)
        cooling = {s: (at + rest - now, order) for s, (at, order) in last_entries(since=now - rest).items()}
        for symbol, (left, order) in sorted(cooling.items()):
            self.stdout.write(f"{symbol:<20} {left.total_seconds():>6.0f} s left, started by order {order}")
        if not cooling:
            self.stdout.write("no symbol is cooling down")

    def clear(self, options: dict) -> None:
        with in_words():
            done = actions.clear_cooldown(
                spelled(options["symbol"]), options["reason"], actor(options["user"]), timezone.now()
            )
        self.stdout.write(
            f"{done.symbol}: may be entered again, {done.seconds_left:.0f} s early (order {done.order_id})"
        )
