"""Orders, closed trades and what they add up to, the exposure of what is open, and the candles behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import charts, ledger
from monitoring.show import held as holding
from monitoring.show.labels import closed
from monitoring.show.panels.base import Panel, bars, register
from monitoring.show.panels.held import positions_at, verify_limit
from monitoring.show.results import Closed, Results, by_day, results
from monitoring.show.scene import Scene
from monitoring.watch.words import NBSP, grouped, iso, market, percent, price, signed
from trading.models import Intent

TABS = 8
FEW = 10  # closed trades below the open positions


# -- orders -----------------------------------------------------------------------------------------------------------


def orders(scene: Scene) -> dict[str, Any]:
    return order_words(scene.once(ledger.newest_orders))


def order_words(rows: Sequence[Intent], onward: bool = True, query: str = "") -> dict[str, Any]:
    """A page of orders; `onward` links to the older ones where there are more rows than a page shows."""
    shown, more = rows[: ledger.ROWS], len(rows) > ledger.ROWS
    return {
        "lines": ledger.order_lines(shown),
        "older": f"?{query}{'&' if query else ''}cursor={shown[-1].pk}" if more and onward else "",
        "about": _("newest first"),
        "own": None,
    }


def orders_at(scene: Scene) -> datetime | None:
    """When the newest of them was last heard of."""
    found = [getattr(row, "order", None) for row in scene.once(ledger.newest_orders)]
    return max((max(o.updated_at, o.verified_at or o.updated_at) for o in found if o), default=None)


def outstanding(scene: Scene) -> dict[str, Any]:
    """12 orders rest at the exchange; the outcome of 1 is unknown."""
    seen = scene.once(ledger.outstanding)
    said = ngettext("%(n)s order rests at the exchange", "%(n)s orders rest at the exchange", seen.resting)
    head = said % {"n": grouped(seen.resting)}
    if seen.unknown:
        more = ngettext("; the outcome of %(n)s is unknown.", "; the outcome of %(n)s is unknown.", seen.unknown)
        head += more % {"n": grouped(seen.unknown)}
    else:
        head += "."
    return {"seen": seen, "head": head}


# -- trades -----------------------------------------------------------------------------------------------------------


def trades(scene: Scene) -> dict[str, Any]:
    return trade_words(scene.once(ledger.newest_trades))


def trade_words(lines: Sequence[ledger.TradeLine], query: str = "") -> dict[str, Any]:
    shown, more = lines[: ledger.ROWS], len(lines) > ledger.ROWS
    return {
        "lines": shown,
        "older": f"?{query}{'&' if query else ''}cursor={shown[-1].trade.pk}" if more else "",
        "about": _("newest first"),
        "own": None,
    }


def trades_at(scene: Scene) -> datetime | None:
    found = scene.once(ledger.newest_trades)
    return max((line.trade.closed_at for line in found), default=None)


def closed_ones(scene: Scene) -> dict[str, Any]:
    return {"lines": scene.once(ledger.newest_trades)[:FEW]}


def summary(scene: Scene) -> dict[str, Any]:
    return summary_words(scene.once(ledger.all_sums))


def summary_words(sums: Sequence[Closed], filtered: bool = False) -> dict[str, Any]:
    """The page's headline: how many trades, what they brought, how sure that is."""
    seen = results(sums)
    if seen is None:
        return {
            "seen": None,
            "own": None,
            "filtered": filtered,
            "head": _("No trade is like that.") if filtered else _("No trade has been closed yet."),
        }
    told = {"n": grouped(seen.n), "net": signed(seen.net), "days": grouped(len(by_day(sums)))}
    head = ngettext(
        "%(n)s closed trade, %(net)s USDT after costs.", "%(n)s closed trades, %(net)s USDT after costs.", seen.n
    )
    return {
        "seen": seen,
        "head": head % told,
        "lead": sureness(seen),
        "own": None,
        "figures": figures(seen),
        "groups": [(group, closed(group.reason), percent(group.wins / group.n, 0)) for group in seen.groups],
        "capped": grouped(ledger.MOST_TRADES) if seen.n >= ledger.MOST_TRADES else "",
        "filtered": filtered,
    }


def sureness(seen: Results) -> str:
    """54 % won, between 46 % and 62 % of such trades would; the mean is +0.11 R, between −0.02 R and +0.24 R."""
    low, high = seen.win_interval
    told = {"rate": percent(seen.win_rate, 0), "low": percent(low, 0), "high": percent(high, 0)}
    first = _("%(rate)s won; of many such trades, %(low)s to %(high)s would.") % told
    if seen.r_interval is None:
        return first
    low, high = seen.r_interval
    told = {"mean": signed(seen.mean_r), "low": signed(low), "high": signed(high)}
    if low > 0:
        return f"{first} " + _("A trade brings %(mean)s R on average, %(low)s to %(high)s: they earn.") % told
    if high < 0:
        return f"{first} " + _("A trade brings %(mean)s R on average, %(low)s to %(high)s: they lose.") % told
    return (
        f"{first} "
        + _("A trade brings %(mean)s R on average, %(low)s to %(high)s: neither gain nor loss can be shown.") % told
    )


def figures(seen: Results) -> list[tuple[str, str, str]]:
    """Name, figure, its unit or comparison."""
    factor = grouped(seen.profit_factor, 2) if seen.profit_factor is not None else _("no loss yet")
    return [
        (_("Win rate"), percent(seen.win_rate, 1), _("%(wins)s of %(n)s") % {"wins": seen.wins, "n": seen.n}),
        (_("Expectancy"), f"{signed(seen.mean_r)}{NBSP}R", f"{signed(seen.expectancy)} USDT"),
        (_("Profit factor"), factor, _("won over lost")),
        (_("Deepest fall"), grouped(seen.deepest, 2), _("USDT, of the summed results")),
        (_("Best, worst"), signed(seen.best), f"{signed(seen.worst)} USDT"),
        (_("Fees"), grouped(seen.fees, 2), "USDT"),
        (_("Funding"), signed(seen.funding), "USDT"),
    ]


def performance(scene: Scene) -> dict[str, Any]:
    return {
        "equity": charts.equity(scene.once(ledger.equity_line)),
        "daily": charts.daily_profit(by_day(ledger.whole_days(scene.once(ledger.all_sums)))),
        "about": _("the account's last 30 days, and each day's closed trades"),
        "without_equity": False,
        "own": None,
    }


# -- positions --------------------------------------------------------------------------------------------------------


def exposure(scene: Scene) -> dict[str, Any]:
    """The page's headline: how many are open, whether each is protected, what is at risk."""
    held, limit = scene.held, verify_limit()
    most = scene.config.QT_MAX_POSITIONS
    if not held:
        return {"head": _("No position is open."), "lead": no_position(scene), "figures": []}
    sure = sum(holding.badge(one, one.stop, limit, scene.now).state == "ok" for one in held)
    told = {"n": len(held), "most": most, "sure": sure, "not": len(held) - sure}
    head = ngettext("%(n)s of %(most)s positions is open", "%(n)s of %(most)s positions are open", len(held)) % told
    if sure == len(held):
        head += _(", its stop is confirmed.") if len(held) == 1 else _(", all stops are confirmed.")
    else:
        more = ngettext(", %(not)s stop is not confirmed.", ", %(not)s stops are not confirmed.", len(held) - sure)
        head += more % told
    return {"head": head, "lead": "", "figures": at_stake(scene), "bad": sure < len(held)}


def no_position(scene: Scene) -> str:
    text = _("A position opens when a signal passes every gate and its entry fills.")
    if scene.policy and not scene.policy.entries_allowed:
        return text + " " + _("The policy of the moment allows no entries.")
    return text


def at_stake(scene: Scene) -> list[tuple[str, str, str]]:
    """Sums over what is open: worth, profit or loss so far, and what the stops would cost from here.

    A sum over positions of which one has no price, or no end, is not known.
    """
    held, account = scene.held, scene.account
    values = [holding.value(one, one.mark, one.mark_at or scene.now) for one in held if one.mark is not None]
    priced, risks = len(values) == len(held), [at_risk(one) for one in held]
    worth = sum((v.notional for v in values), Decimal(0)) if priced else None
    open_ = sum((v.unrealized for v in values), Decimal(0)) if priced else None
    risk = sum((one for one in risks if one is not None), Decimal(0)) if None not in risks else None
    equity = account.equity if account and account.equity > 0 else None
    share = _("%(share)s of equity")
    found = [
        (_("Worth"), in_usdt(worth, 0), leverage(worth, equity) if worth is not None and equity else ""),
        (_("Profit or loss so far"), f"{signed(open_)}{NBSP}USDT" if open_ is not None else _("No data"), ""),
        (
            _("At risk down to the stops"),
            in_usdt(risk, 2),
            share % {"share": percent(risk / equity)} if risk is not None and equity else "",
        ),
    ]
    if account:
        used = share % {"share": percent(account.margin_used / equity, 1)} if equity else ""
        found.append((_("Margin used"), in_usdt(account.margin_used, 0), used))
    return found


def in_usdt(amount: Decimal | None, places: int) -> str:
    return _("No data") if amount is None else f"{grouped(amount, places)}{NBSP}USDT"


def leverage(worth: Decimal, equity: Decimal) -> str:
    return _("%(times)s× equity") % {"times": grouped(worth / equity, 2)} if equity > 0 else ""


def at_risk(one: holding.Held) -> Decimal | None:
    """What is lost from the entry to the stop, 0 where that is in profit; without a stop, down to liquidation.

    None of a short that has neither: its loss has no end.
    """
    end = (one.stop.price if one.stop else None) or one.liquidation or (Decimal(0) if one.side == "long" else None)
    if end is None:
        return None
    return max(Decimal(0), one.sign * (one.entry - end) * one.quantity)


# -- candles ----------------------------------------------------------------------------------------------------------


def candles(scene: Scene) -> dict[str, Any]:
    """A tab for each open position; where there are few, for the newest closed ones too."""
    tabs = [open_tab(one) for one in scene.held[:TABS]]
    if len(tabs) < TABS // 2:
        recent = scene.once(ledger.newest_trades)[: TABS // 2 - len(tabs)]
        tabs += [closed_tab(line) for line in recent]
    return {
        "tabs": tabs,
        "first": tabs[0] if tabs else None,
        "timeframe": settings.QUANTUM.timeframe,
        "version": version(scene),
    }


def open_tab(one: holding.Held) -> dict[str, Any]:
    said = _("%(symbol)s %(side)s from %(price)s") % {
        "symbol": market(one.symbol), "side": _(one.side), "price": price(one.entry, one.places)
    }  # fmt: skip
    verified = iso(one.stop.verified_at) if one.stop and one.stop.verified_at else ""
    return {
        "id": one.id,
        "path": f"{one.id}/",
        "title": market(one.symbol).split("/")[0],
        "said": said,
        "verified": verified,
        "over": False,
    }


def closed_tab(line: ledger.TradeLine) -> dict[str, Any]:
    trade = line.trade
    said = _("%(symbol)s %(side)s, closed") % {"symbol": market(trade.symbol), "side": _(trade.side)}
    return {
        "id": trade.position_id,
        "path": f"{trade.position_id}/",
        "title": market(trade.symbol).split("/")[0],
        "said": said,
        "over": True,
    }


def version(scene: Scene) -> str:
    """Changes whenever a chart would: a new candle, another position, a moved stop."""
    stops = ",".join(f"{one.id}:{one.stop.price if one.stop else ''}:{one.closing}" for one in scene.held)
    return f"{iso(scene.facts.candle_at) or ''} {stops}"


def equity_at(scene: Scene) -> datetime | None:
    line = scene.once(ledger.equity_line)
    return line[-1][0] if line else trades_at(scene)


register(
    Panel("outstanding", outstanding, lambda s: s.now, lambda: None, follows=("orders",), seldom=1),
    Panel("orders", orders, orders_at, lambda: None, follows=("positions",), seldom=2),
    Panel("results", summary, trades_at, lambda: None, follows=("trades",)),
    Panel("trades", trades, trades_at, lambda: None, follows=("positions",), seldom=2),
    Panel("closed", closed_ones, trades_at, lambda: None, follows=("trades",), seldom=2),
    Panel(
        "performance", performance, equity_at, lambda: timedelta(minutes=10), follows=("trades", "equity"), seldom=15
    ),
    Panel("exposure", exposure, positions_at, verify_limit, timed=True, follows=("positions",), seldom=2),
    Panel("candles", candles, lambda s: s.facts.candle_at, bars(1.5), follows=("positions", "orders"), seldom=2),
)
