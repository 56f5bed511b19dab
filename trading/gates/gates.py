"""The gates that every signal is asked: each measures one thing and answers with a rejection, or None.

Gates guard the way in: they know beliefs, never exits. Limits are inclusive (0.32 passes 0.32). Comparisons are written
so that a number that is none (NaN) never passes, and what can't be measured is rejected, not let through.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from trading.codes import Code, _
from trading.exchange.venue import Side
from trading.forecast.belief import Belief
from trading.gates.desk import Desk, Limits, Market, Rejection
from trading.gates.directives import holds_entries

Gate = Callable[[Belief, Desk], Rejection | None]

ACTIVE = "active"
AHEAD = timedelta(seconds=30)  # how far clocks may differ, and a bar close while the venue is asked
WHEN = {
    "TRENDING": _("while the market trends"),
    "RANGING": _("while the market ranges"),
    "NORMAL": _("in a normal market"),
}


# -- mode and system --------------------------------------------------------------------------------------------------


def execution_enabled(belief: Belief, desk: Desk) -> Rejection | None:
    if desk.execution_enabled:
        return None
    return Rejection(Code.EXECUTION_DISABLED, "false", "true", "QT_ENABLE_EXECUTION")


def venue_started(belief: Belief, desk: Desk) -> Rejection | None:
    """The venue was checked and somebody pressed start."""
    return Rejection(Code.PREFLIGHT_REQUIRED, "not started", "started", facts=desk.waiting) if desk.waiting else None


def switch_active(belief: Belief, desk: Desk) -> Rejection | None:
    """Reducing and halted both mean: no entries."""
    return None if desk.switch == ACTIVE else Rejection(Code.KILL_SWITCH, desk.switch, ACTIVE)


def no_halt(belief: Belief, desk: Desk) -> Rejection | None:
    """A directive that holds entries, named by the oldest one's reason."""
    if not (desk.halts or holds_entries(desk.directive)):
        return None
    why = next(iter(desk.halts), desk.directive.value)
    more = f", and {len(desk.halts) - 1} more" if len(desk.halts) > 1 else ""
    facts = {"level": desk.directive.value, "halts": len(desk.halts)}
    return Rejection(Code.SELF_HEALING_NO_NEW_TRADES, f"{why}{more}", "ALLOW_ALL", facts=facts)


def account_known(belief: Belief, desk: Desk) -> Rejection | None:
    account = {"equity": desk.equity, "free margin": desk.available, "today's result": desk.daily_pnl}
    unknown = [name for name, money in account.items() if money is None or not money.is_finite()]
    return Rejection(Code.INFRA_UNAVAILABLE, ", ".join(unknown), "known") if unknown else None


# -- data -------------------------------------------------------------------------------------------------------------


def fresh(age: timedelta, limit: timedelta) -> bool:
    return -AHEAD <= age <= limit


def fresh_candle(belief: Belief, desk: Desk) -> Rejection | None:
    """The symbol's newest candle is the bar that is being traded, and not too old."""
    closed = desk.market(belief.symbol).candle_at
    limit = desk.limits.max_data_age
    late = closed is not None and desk.bar_closed_at is not None and closed < desk.bar_closed_at
    if closed is not None and not late and fresh(desk.now - closed, limit):
        return None
    age = (desk.now - closed).total_seconds() if closed else None
    return Rejection(Code.FEED_STALE, age, limit.total_seconds(), "QT_MAX_DATA_AGE")


def fresh_signal(belief: Belief, desk: Desk) -> Rejection | None:
    age, limit = desk.now - belief.at, desk.limits.max_data_age
    late = desk.bar_closed_at is not None and belief.at < desk.bar_closed_at
    if not late and fresh(age, limit):
        return None
    return Rejection(Code.STALE_SIGNAL, age.total_seconds(), limit.total_seconds(), "QT_MAX_DATA_AGE")


def fresh_price(belief: Belief, desk: Desk) -> Rejection | None:
    market, limit = desk.market(belief.symbol), desk.limits.max_price_age
    if market.mark is None or market.mark_at is None:
        return Rejection(Code.PRICE_STALE, None, limit.total_seconds())
    if not sane(market.mark):
        return Rejection(Code.PRICE_INVALID, str(market.mark), 0)
    age = desk.now - market.mark_at
    if fresh(age, limit):
        return None
    return Rejection(Code.PRICE_STALE, age.total_seconds(), limit.total_seconds())


def clock_right(belief: Belief, desk: Desk) -> Rejection | None:
    """Our clock is the venue's. Where nobody measured it lately the stream is silent, which candles and prices show."""
    offset, limit = desk.clock_offset, desk.limits.max_clock_offset.total_seconds()
    if offset is None or abs(offset) <= limit:
        return None
    return Rejection(Code.CLOCK_OFF, abs(offset), limit, facts={"offset_s": offset})


def symbol_trading(belief: Belief, desk: Desk) -> Rejection | None:
    filters = desk.market(belief.symbol).filters
    if filters is not None and filters.trading:
        return None
    value = "not listed" if filters is None else "not trading"
    return Rejection(Code.SYMBOL_NOT_TRADING, value, "trading", "QT_SYMBOLS", {"symbol": belief.symbol})


def nothing_unresolved(belief: Belief, desk: Desk) -> Rejection | None:
    if not desk.market(belief.symbol).unresolved:
        return None
    return Rejection(Code.UNRESOLVED_ORDER, "unknown", "known", facts={"symbol": belief.symbol})


# -- policy and the day -----------------------------------------------------------------------------------------------


def policy_allows(belief: Belief, desk: Desk) -> Rejection | None:
    policy = desk.policy
    if policy.entries_allowed:
        return None
    facts: dict[str, str | float] = {"why": policy.why} | ({"version": policy.version} if policy.version else {})
    return Rejection(Code.POLICY_NO_NEW_TRADES, policy.volatility, "entries allowed", facts=facts)


def daily_loss(belief: Belief, desk: Desk) -> Rejection | None:
    """Today's loss as a share of the equity that the day began with; reaching the limit stops entries."""
    if desk.equity is None or desk.daily_pnl is None:
        return account_known(belief, desk)
    began, limit = desk.equity - desk.daily_pnl, desk.limits.max_daily_loss
    lost = -desk.daily_pnl / began if began > 0 else Decimal(1)
    if lost < limit:
        return None
    return Rejection(Code.DAILY_LOSS, float(lost), float(limit), "QT_MAX_DAILY_LOSS", {"pnl": float(desk.daily_pnl)})


# -- the signal itself ------------------------------------------------------------------------------------------------


def minimum(desk: Desk) -> tuple[float, str]:
    """The effective minimum confidence and the setting that binds: the strictest of all that are set."""
    return max(
        (desk.policy.min_confidence, desk.policy.setting),
        (desk.limits.confidence_threshold, "QT_CONFIDENCE_THRESHOLD"),
        key=lambda one: one[0],  # of equals the first: the policy
    )


def confidence(belief: Belief, desk: Desk) -> Rejection | None:
    needed, setting = minimum(desk)
    if belief.confidence >= needed:
        return None
    of_policy = setting == desk.policy.setting
    when = WHEN.get(desk.policy.regime, "under this policy") if of_policy else "whatever the market does"
    return Rejection(Code.LOW_CONFIDENCE, belief.confidence, needed, setting, {"when": when})


def quorum(belief: Belief, desk: Desk) -> Rejection | None:
    """Enough models voted; one alone is no ensemble."""
    voted, needed = len(belief.votes), desk.limits.quorum
    if voted >= needed:
        return None
    return Rejection(Code.WEAK_CONSENSUS, voted, needed, facts={"models": voted + len(belief.excluded)})


def break_even(belief: Belief, limits: Limits) -> float:
    """The probability at which p x T - (1 - p) - c is zero: (1 + c) / (1 + T), as fine as probabilities are."""
    if not belief.cost_r >= 0:
        raise ValueError(f"costs must not be negative, were {belief.cost_r} R")
    return round((1 + belief.cost_r) / (1 + limits.target_r), 6)


def expected_value(belief: Belief, limits: Limits) -> float:
    """In R, after costs: p x T - (1 - p) - c."""
    return belief.confidence * limits.target_r - (1 - belief.confidence) - belief.cost_r


def earns_its_costs(belief: Belief, desk: Desk) -> Rejection | None:
    needed = break_even(belief, desk.limits)
    if belief.confidence >= needed:
        return None
    facts: dict[str, str | float] = {
        "cost_r": belief.cost_r,
        "expected_r": round(expected_value(belief, desk.limits), 6),
        "target_r": desk.limits.target_r,
    }
    return Rejection(Code.EXPECTED_COST_TOO_HIGH, belief.confidence, needed, "QT_MIN_STOP_COSTS", facts)


def with_trend(belief: Belief, desk: Desk) -> Rejection | None:
    """A long needs 98 % of the 200-bar mean, a short at most 102 %; a confidence of 0.50 may trade against it."""
    limits, mean = desk.limits, desk.market(belief.symbol).ema200
    if belief.confidence >= limits.countertrend_confidence:
        return None
    if mean is None or not mean > 0:
        return Rejection(Code.INSUFFICIENT_HISTORY, facts={"mean": 200})
    share = float(belief.price) / mean
    facts: dict[str, str | float] = {"ema200": mean, "override": limits.countertrend_confidence}
    if belief.side is Side.LONG and not share >= 1 - limits.trend_band:
        return Rejection(Code.AGAINST_TREND_LONG, share, 1 - limits.trend_band, facts=facts)
    if belief.side is Side.SHORT and not share <= 1 + limits.trend_band:
        return Rejection(Code.AGAINST_TREND_SHORT, share, 1 + limits.trend_band, facts=facts)
    return None


def funding(belief: Belief, desk: Desk) -> Rejection | None:
    """Only the side that pays is asked: a positive rate is paid by longs."""
    rate, limit = desk.market(belief.symbol).funding_rate, desk.limits.max_funding
    if rate is not None and rate * belief.side.sign <= limit:
        return None
    paid = None if rate is None else rate * belief.side.sign
    return Rejection(Code.FUNDING_RATE, paid, limit, facts={"side": belief.side.value})


def near_signal_price(belief: Belief, desk: Desk) -> Rejection | None:
    """The mark has not run away from the signal's price, in R, in either direction."""
    mark, limit = desk.market(belief.symbol).mark, desk.limits.max_price_drift
    if mark is None or not sane(mark):
        return fresh_price(belief, desk)
    drift = abs(float(mark - belief.price)) / belief.r
    if 0 <= drift <= limit:
        return None
    facts: dict[str, str | float] = {"price": float(belief.price), "mark": float(mark)}
    return Rejection(Code.PRICE_DRIFT, drift, limit, facts=facts)


# -- the symbol -------------------------------------------------------------------------------------------------------


def cooled_down(belief: Belief, desk: Desk) -> Rejection | None:
    """Counted from the last submitted order on the symbol; what sent nothing starts nothing."""
    passed, needed = since_order(desk.market(belief.symbol), desk), desk.limits.cooldown
    if passed is None or passed >= needed:
        return None
    facts: dict[str, str | float] = {
        "order_id": desk.market(belief.symbol).last_order_id or 0,
        "seconds_left": (needed - passed).total_seconds(),
    }
    seconds = passed.total_seconds()
    return Rejection(Code.COOLDOWN_ACTIVE, seconds, needed.total_seconds(), "QT_COOLDOWN_SECONDS", facts)


def since_order(market: Market, desk: Desk) -> timedelta | None:
    if market.last_order_at is None or market.last_order_id is None:
        return None
    return desk.now - market.last_order_at


def one_position(belief: Belief, desk: Desk) -> Rejection | None:
    """One position per symbol: neither the same side twice, nor both."""
    held = desk.holding(belief.symbol)
    if held is None:
        return None
    code = Code.ALREADY_OPEN if held.side is belief.side else Code.OPPOSITE_OPEN
    facts = {"symbol": belief.symbol, "side": belief.side.value}
    return Rejection(code, held.side.value, "none", facts=facts)


def sane(price: Decimal) -> bool:
    return price.is_finite() and price > 0 and math.isfinite(float(price))


SIGNAL_GATES: tuple[Gate, ...] = (
    execution_enabled,
    venue_started,
    switch_active,
    no_halt,
    account_known,
    fresh_candle,
    fresh_signal,
    fresh_price,
    clock_right,
    symbol_trading,
    nothing_unresolved,
    policy_allows,
    daily_loss,
    quorum,
    confidence,
    earns_its_costs,
    with_trend,
    funding,
    near_signal_price,
    cooled_down,
    one_position,
)
