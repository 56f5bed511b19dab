"""The life of an order: which status may follow which, as one table."""

from __future__ import annotations

from trading.exchange.venue import OrderStatus as S

LEGAL: dict[S, frozenset[S]] = {
    # Whatever the venue may say of an order whose answer we are waiting for, or that we find again after a crash.
    S.SENDING: frozenset(set(S) - {S.SENDING}),
    # An unknown outcome becomes whatever the venue shows us, or is proven never to have arrived.
    S.UNKNOWN: frozenset(set(S) - {S.SENDING, S.UNKNOWN}),
    # A conditional order can be refused late: margin and reduce-only are checked when it triggers.
    S.NEW: frozenset({S.PARTIAL, S.TRIGGERED, S.FILLED, S.CANCELED, S.EXPIRED, S.REFUSED}),
    S.TRIGGERED: frozenset({S.PARTIAL, S.FILLED, S.CANCELED, S.EXPIRED, S.REFUSED}),
    S.PARTIAL: frozenset({S.FILLED, S.CANCELED, S.EXPIRED}),
    S.CANCELED: frozenset({S.FILLED}),  # a fill can cross our cancel on the wire
    S.FILLED: frozenset(),
    S.EXPIRED: frozenset(),
    S.REFUSED: frozenset(),
    # Proven, and wrong all the same: what the venue shows after that is looked after as if it had never been given up.
    S.NOT_PLACED: frozenset({S.NEW, S.TRIGGERED, S.PARTIAL, S.FILLED}),
}

UNRESOLVED = frozenset({S.SENDING, S.UNKNOWN})
RESTING = frozenset({S.NEW, S.PARTIAL, S.TRIGGERED})
LIVE = UNRESOLVED | RESTING  # may still fill
OVER = frozenset(set(S) - LIVE)


class IllegalMove(ValueError):
    """An order can't become that from here."""


class StaleRow(RuntimeError):
    """Somebody else moved the order in the meantime."""


def check_move(was: S, became: S) -> None:
    if became not in LEGAL[was]:
        raise IllegalMove(f"an order can't go from {was.value} to {became.value}")
