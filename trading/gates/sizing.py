"""How much: risk by stop distance, rounded to the venue's filters so that it is never more, and the leverage for it."""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, Decimal, localcontext

from trading.exchange import filters as rules
from trading.exchange.venue import Filters, Side
from trading.forecast.belief import Belief
from trading.gates.desk import Desk, Limits
from trading.gates.directives import size_factor
from trading.gates.ticket import Ticket

RESERVE = Decimal("0.95")  # of a slot's margin; the rest pays fees and slippage
BEYOND = Decimal("1.25")  # the backstop is at least this many stop distances away, whatever the settings say


def draft(belief: Belief, desk: Desk) -> Ticket:
    """The order that risk allows; its quantity may be 0. The size gates judge it."""
    market, limits = desk.market(belief.symbol), desk.limits
    if market.mark is None or market.filters is None or desk.equity is None:
        raise ValueError(f"{belief.symbol} can't be sized without price, filters and equity")
    price, filters = market.mark, market.filters
    r = stop_distance(belief.r, filters.tick)
    quantity = quantity_for(risk_budget(desk), r, filters)
    notional = quantity * price
    leverage = leverage_for(notional, slot_margin(desk), r / price, belief.side, filters, limits)
    return Ticket(
        symbol=belief.symbol,
        side=belief.side,
        quantity=quantity,
        price=price,
        r=r,
        backstop_distance=backstop_distance(r, filters.tick, limits),
        target_r=Decimal(str(limits.target_r)),
        leverage=leverage,
        margin_mode=limits.margin_mode,
        risk=quantity * r,
        notional=notional,
        margin=notional / leverage,
        horizon_bars=limits.horizon_bars,
    )


def stop_distance(r: float, tick: Decimal) -> Decimal:
    """R in price, rounded up to a tick: a farther stop means a smaller quantity."""
    if not (math.isfinite(r) and r > 0):
        raise ValueError(f"a stop distance must be positive, was {r}")
    return rules.up(Decimal(str(r)), tick)


def backstop_distance(r: Decimal, tick: Decimal, limits: Limits) -> Decimal:
    """As much farther than the stop as QT_BACKSTOP_ATR is larger than QT_STOP_ATR, and always farther."""
    # multiplied before it is divided: 2.5 / 1.5 has no end, and its last digit must not cost a tick
    farther = r * Decimal(str(limits.backstop_atr)) / Decimal(str(limits.stop_atr))
    return rules.up(max(farther, r * BEYOND), tick)


def risk_budget(desk: Desk) -> Decimal:
    """USDT that this trade may lose at its stop: the policy's size, halved where a directive says REDUCED."""
    if desk.equity is None:
        raise ValueError("no risk budget without equity")
    factor = Decimal(str(desk.policy.size_factor)) * Decimal(str(size_factor(desk.directive)))
    return max(Decimal(0), desk.equity * desk.limits.risk_per_trade * factor)


def quantity_for(budget: Decimal, r: Decimal, filters: Filters) -> Decimal:
    """budget / r, cut at what one market order may carry, rounded down to a step; every division rounds down too."""
    with localcontext(rounding=ROUND_DOWN):
        return rules.quantity(budget / r, filters, at_market=True)


def slot_margin(desk: Desk) -> Decimal:
    """The margin that each slot may use, so that all of them can be filled."""
    return RESERVE * (desk.equity or Decimal(0)) / desk.limits.max_positions


def leverage_for(
    notional: Decimal, margin: Decimal, stop_share: Decimal, side: Side, filters: Filters, limits: Limits
) -> int:
    """The smallest whole leverage at which `notional` fits into `margin`, within both maxima and the liquidation's."""
    most = max(1, min(limits.max_leverage, filters.max_leverage))
    fits = math.ceil(notional / margin) if margin > 0 else most
    wanted = max(1, min(fits, most))
    needed = stop_share * Decimal(str(limits.liquidation_distance))
    return next((n for n in range(wanted, 1, -1) if liquidation_share(n, side, filters) >= needed), 1)


def liquidation_share(leverage: int, side: Side, filters: Filters) -> Decimal:
    """Distance to an isolated position's liquidation as a share of the entry price.

    Long: 1 - (1 - 1/L) / (1 - m); short: (1 + 1/L) / (1 + m) - 1, with m the maintenance rate.
    """
    own, m = Decimal(1) / leverage, filters.maintenance_rate
    return 1 - (1 - own) / (1 - m) if side is Side.LONG else (1 + own) / (1 + m) - 1


def costs_to_enter(ticket: Ticket, limits: Limits) -> Decimal:
    """USDT that the entry itself takes from the free margin: fee and slippage."""
    return ticket.notional * (limits.taker_fee + limits.slippage)
