"""The gates of the portfolio and of the size, asked in rank order while slots are free, of what would be sent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from trading.codes import Code
from trading.forecast.belief import Belief
from trading.gates.correlation import between, together
from trading.gates.desk import Desk, Holding, Rejection
from trading.gates.gates import Gate
from trading.gates.sizing import costs_to_enter, liquidation_share
from trading.gates.ticket import Ticket

SizeGate = Callable[[Ticket, Desk], Rejection | None]


def free_slot(belief: Belief, desk: Desk) -> Rejection | None:
    taken, limit = len(desk.holdings), desk.limits.max_positions
    return None if taken < limit else Rejection(Code.MAX_POSITIONS, taken + 1, limit, "QT_MAX_POSITIONS")


def uncorrelated(belief: Belief, desk: Desk) -> Rejection | None:
    """Nothing that is held, or was accepted in this bar, moves with it beyond the limit; what wasn't measured might."""
    limit = desk.limits.max_correlation
    if limit >= 1:
        return None
    measured: list[tuple[float, Holding]] = []
    for held in desk.holdings:
        rho = between(desk.correlation, belief.symbol, held.symbol)
        if rho is None:
            return correlation_no(None, limit, held)
        measured.append((together(rho, belief.side, held.side), held))
    worst = max(measured, key=lambda one: one[0], default=None)
    return correlation_no(worst[0], limit, worst[1]) if worst and not worst[0] <= limit else None


def correlation_no(value: float | None, limit: float, held: Holding) -> Rejection:
    facts = {"other": held.symbol, "other_side": held.side.value}
    return Rejection(Code.CORRELATION, value, limit, "QT_MAX_CORRELATION", facts)


def quantity_left(ticket: Ticket, desk: Desk) -> Rejection | None:
    filters = desk.market(ticket.symbol).filters
    needed = filters.min_quantity if filters else Decimal(0)
    if ticket.quantity > 0 and ticket.quantity >= needed:
        return None
    return Rejection(Code.QTY_ZERO_AFTER_STEP, str(ticket.quantity), str(needed), "QT_RISK_PER_TRADE")


def notional_enough(ticket: Ticket, desk: Desk) -> Rejection | None:
    filters = desk.market(ticket.symbol).filters
    if filters and ticket.notional >= filters.min_notional:
        return None
    needed = float(filters.min_notional) if filters else None
    return Rejection(Code.MIN_NOTIONAL, float(ticket.notional), needed, "QT_RISK_PER_TRADE")


def notional_allowed(ticket: Ticket, desk: Desk) -> Rejection | None:
    """The trade alone, as if nothing else were held."""
    limit = equity(desk) * desk.limits.max_leverage
    if ticket.notional <= limit:
        return None
    return Rejection(Code.NOTIONAL_LIMIT, float(ticket.notional), float(limit), "QT_RISK_PER_TRADE")


def open_risk(ticket: Ticket, desk: Desk) -> Rejection | None:
    """All stops together, this one included, as a share of equity."""
    share = (sum((h.risk for h in desk.holdings), Decimal(0)) + ticket.risk) / equity(desk)
    limit = desk.limits.max_open_risk
    return None if share <= limit else Rejection(Code.TOTAL_RISK, float(share), float(limit), "QT_MAX_OPEN_RISK")


def exposure(ticket: Ticket, desk: Desk) -> Rejection | None:
    """Gross notional over equity, this one included."""
    gross = (sum((abs(h.notional) for h in desk.holdings), Decimal(0)) + ticket.notional) / equity(desk)
    limit = desk.limits.max_leverage
    return None if gross <= limit else Rejection(Code.EXPOSURE, float(gross), limit, "QT_MAX_LEVERAGE")


def margin_free(ticket: Ticket, desk: Desk) -> Rejection | None:
    if desk.available is None:
        raise ValueError("free margin is not known")
    needed = ticket.margin + costs_to_enter(ticket, desk.limits)
    if needed <= desk.available:
        return None
    return Rejection(Code.INSUFFICIENT_MARGIN, float(needed), float(desk.available), "QT_MAX_LEVERAGE")


def liquidation_far(ticket: Ticket, desk: Desk) -> Rejection | None:
    """Liquidation lies at least twice as far as the stop, and beyond the backstop."""
    filters = desk.market(ticket.symbol).filters
    if filters is None:
        raise ValueError(f"{ticket.symbol} has no filters")
    away = liquidation_share(ticket.leverage, ticket.side, filters)
    needed = max(ticket.r * Decimal(str(desk.limits.liquidation_distance)), ticket.backstop_distance) / ticket.price
    if away >= needed:
        return None
    facts = {"leverage": ticket.leverage}
    return Rejection(Code.LIQUIDATION_BUFFER, float(away), float(needed), "QT_STOP_ATR", facts)


def equity(desk: Desk) -> Decimal:
    if desk.equity is None or not desk.equity > 0:
        raise ValueError(f"equity must be known and positive, was {desk.equity}")
    return desk.equity


SLOT_GATES: tuple[Gate, ...] = (free_slot, uncorrelated)
SIZE_GATES: tuple[SizeGate, ...] = (
    quantity_left,
    notional_enough,
    notional_allowed,
    open_risk,
    exposure,
    margin_free,
    liquidation_far,
)
