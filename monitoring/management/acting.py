"""What the commands that act share: who acts, and errors in words instead of tracebacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError, CommandParser

from monitoring.control.actions import BadRequest, Stale, Unreachable
from monitoring.control.permissions import NotAllowed
from monitoring.watch.words import market


def add_who(parser: CommandParser, reason: str = "") -> None:
    """--as and --reason; the reason is needed where it says why it is."""
    parser.add_argument("--as", dest="user", help="act as this user, with their roles")
    parser.add_argument("--reason", default="", required=bool(reason), help=reason or "why; kept in the audit log")


@contextmanager
def in_words() -> Iterator[None]:
    """An action's "no" as the command's error."""
    try:
        yield
    except (BadRequest, NotAllowed, Stale, Unreachable) as error:
        raise CommandError(str(error)) from None


def spelled(text: str) -> str:
    """BTCUSDT, BTC/USDT or BTC/USDT:USDT as the rows write it."""
    wanted = squeezed(text)
    return next((symbol for symbol in known_symbols() if squeezed(symbol) == wanted), text)


def squeezed(symbol: str) -> str:
    return market(symbol).replace("/", "").upper()


def known_symbols() -> set[str]:
    """Every symbol of the newest universe and of the open positions; two queries."""
    from trading.models import Position, UniverseSnapshot

    newest = UniverseSnapshot.objects.order_by("-at").values_list("symbols", flat=True).first()
    held = Position.objects.exclude(status=Position.CLOSED).values_list("symbol", flat=True)
    return {row["symbol"] for row in newest or []} | set(held)
