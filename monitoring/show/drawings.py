"""The rows behind a candle chart: a position's, or a decision's. A handful of queries each, all of them bounded."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import labels
from monitoring.show.candles import Bar, Drawing, Level, Mark, Stop, newest, window
from monitoring.watch import ailments
from monitoring.watch.words import clock, grouped, market, percent, places_of, price, signed, usual_places
from trading.feed.quality import UNUSABLE
from trading.models import Candle, CandleFault, CandleGap, Decision, Intent, Position
from trading.orders.lifecycle import RESTING

BEFORE, AFTER = 60, 20
HORIZON = 48  # bars after a decision
AFTER_DECISION = HORIZON + 12  # bars that its chart shows after it
MOST_MARKS, MOST_NOES, MOST_MOVES = 24, 300, 200
MOST_GAPS, NAMED_GAPS = 50, 3
NEVER_THERE = ("refused", "not_placed", "sending", "unknown")


def words() -> dict[str, str]:
    """The words that the browser writes itself."""
    return {
        "time": _("Time (UTC)"),
        "open": _("open"),
        "high": _("high"),
        "low": _("low"),
        "close": _("close"),
        "volume": _("volume"),
        "none": _("No candles are stored for this time."),
    }


def bars(symbol: str, since: datetime, until: datetime) -> list[Bar]:
    """One query, at most what `window` allows."""
    rows = Candle.objects.filter(symbol=symbol, timeframe=settings.QUANTUM.timeframe, open_time__range=(since, until))
    return newest(rows.values_list("open_time", "open", "high", "low", "close", "volume"))


def of_position(position: Position, mark: Decimal | None, now: datetime) -> Drawing:
    """The position's time; seven queries."""
    step, over = settings.QUANTUM.bar, position.closed_at
    since, until = window(position.opened_at, over or now, step, BEFORE, AFTER if over else 0, now)
    near = neighbours(position.symbol, since, until)
    missing = gaps(position.symbol, since, until)
    return Drawing(
        key=f"position-{position.pk}",
        step=step,
        bars=bars(position.symbol, since, until),
        sentence=listed(story(position, mark), missing),
        entries=[entry(one) for one in near],
        exits=[leaving(one) for one in near if one.closed_at],
        links=[(entry(one), leaving(one) if one.closed_at else None) for one in near],
        stop=stop_of(position),
        levels=target_of(position),
        liquidation=liquidation_of(position),
        rejections=rejections(position.symbol, since, until),
        gaps=missing,
        aside=put_aside(position.symbol, since, until),
        mark=None if over else mark,
        live="" if over else position.symbol,
        stop_text=_("stop at the exchange, verified"),
        ago_text=_("ago"),
        words=words(),
    )


def of_decision(decision: Decision, now: datetime) -> Drawing:
    """The time around a decision, and what came after it, which nobody knew then; eight queries at most."""
    step, signal = settings.QUANTUM.bar, decision.signal
    bar = signal.cycle.bar
    since, until = window(bar, bar, step, 2 * BEFORE, AFTER_DECISION, now)
    near = neighbours(signal.symbol, since, until)
    mine = next((one for one in near if one.decision_id == decision.pk), None)
    found = bars(signal.symbol, since, until)
    missing = gaps(signal.symbol, since, until)
    return Drawing(
        key=f"decision-{decision.pk}",
        step=step,
        bars=found,
        sentence=listed(what_came(decision, sum(at > bar for at, *_rest in found)), missing),
        entries=[entry(one) for one in near],
        exits=[leaving(one) for one in near if one.closed_at],
        links=[(entry(one), leaving(one) if one.closed_at else None) for one in near],
        stop=stop_of(mine) if mine else Stop(),
        levels=target_of(mine) if mine else would_be(decision),
        rejections=rejections(signal.symbol, since, until),
        gaps=missing,
        aside=put_aside(signal.symbol, since, until),
        decided=bar,
        decided_text=_("decided %(at)s") % {"at": clock(decision.at)},
        unknown_text=_("not known then"),
        mark=signal.price,
        focus=bar + 40 * step,
        stop_text=_("stop at the exchange, verified"),
        ago_text=_("ago"),
        words=words(),
    )


def growing(decision: Decision, now: datetime) -> int:
    """Every how many seconds a decision's chart is worth asking for anew; 0 when its last bar is in."""
    step = settings.QUANTUM.bar
    if now > decision.signal.cycle.bar + (AFTER_DECISION + 2) * step:
        return 0
    return max(5, min(30, int(step.total_seconds()) // 6))


def neighbours(symbol: str, since: datetime, until: datetime) -> list[Position]:
    """The symbol's positions within a time, the newest of them; one query."""
    inside = Q(closed_at__isnull=True) | Q(closed_at__gte=since)
    rows = Position.objects.filter(inside, symbol=symbol, opened_at__lte=until).select_related("trade")
    return list(rows.order_by("-opened_at")[:MOST_MARKS])


def near(value: Decimal) -> str:
    """An average price, which has more digits than anybody traded at: at most one beyond the usual."""
    return price(value, min(places_of(value), usual_places(value) + 1))


def entry(position: Position) -> Mark:
    text = f"{_(position.side)} {near(position.entry_price)}"
    return Mark(position.opened_at, position.side, position.entry_price, text)


def leaving(position: Position) -> Mark:
    """Its exit with the result; one that is not booked yet has only its last price."""
    trade = getattr(position, "trade", None)
    at = position.closed_at or position.opened_at
    if trade is None:
        return Mark(
            at, position.side, position.mark_price or position.entry_price, labels.closed(position.close_reason)
        )
    way = 1 if trade.side == "long" else -1
    share = way * (trade.exit_price - trade.entry_price) / trade.entry_price
    text = f"{labels.closed(trade.close_reason)} {percent(share, sign=True)}"
    return Mark(at, position.side, trade.exit_price, text, f"{signed(trade.net)} USDT")


def stop_of(position: Position) -> Stop:
    """The working stop's way, as far as it was at the exchange; one query."""
    wanted = Intent.objects.filter(position=position, kind=Intent.STOP).exclude(order__status__in=NEVER_THERE)
    there = (
        wanted.filter(order__isnull=False, trigger__isnull=False)
        .select_related("order")
        .order_by("-order__sent_at", "-id")
    )
    found = [(one.order.sent_at, one.trigger, one.order) for one in there[:MOST_MOVES]][::-1]
    resting = [(trigger, order) for _at, trigger, order in found if order.status in RESTING]
    return Stop(
        moves=[(at, trigger) for at, trigger, _order in found if trigger is not None],
        ended=position.closed_at,
        resting=resting[-1][0] if resting else None,
        verified_at=resting[-1][1].verified_at if resting else None,
    )


def target_of(position: Position) -> list[Level]:
    if not position.target_price:
        return []
    text = _("target %(price)s") % {"price": price(position.target_price)}
    return [Level(position.opened_at, position.closed_at, position.target_price, text)]


def liquidation_of(position: Position) -> Level | None:
    if not position.liquidation_price or position.closed_at:
        return None
    text = _("liquidation %(price)s") % {
        "price": price(position.liquidation_price, usual_places(position.liquidation_price))
    }
    return Level(position.opened_at, None, position.liquidation_price, text, quiet=True)


def would_be(decision: Decision) -> list[Level]:
    """Where the stop and the target of a trade that was not made would have been."""
    signal = decision.signal
    limits = (signal.cycle.desk or {}).get("limits", {})
    way, r = (1 if signal.side == "long" else -1), Decimal(str(signal.r))
    reach = Decimal(str(limits.get("target_r") or settings.QUANTUM.QT_TARGET_R))
    places = usual_places(signal.price)
    until = signal.cycle.bar + HORIZON * settings.QUANTUM.bar
    ends = ((_("would-be stop %(price)s"), -1), (_("would-be target %(price)s"), reach))
    return [
        Level(signal.cycle.bar, until, at, text % {"price": price(at, places)}, quiet=True)
        for text, at in ((text, round(signal.price + way * far * r, places)) for text, far in ends)
    ]


def rejections(symbol: str, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
    """What was rejected on the symbol, the newest of it; one query."""
    rows = Decision.objects.filter(outcome=Decision.REJECTED, signal__symbol=symbol, at__range=(since, until))
    found = rows.order_by("-at").values_list("signal__cycle__bar", "signal__side", "code")[:MOST_NOES]
    return [
        (bar, _("%(side)s rejected: %(code)s") % {"side": _(side).capitalize(), "code": code})
        for bar, side, code in found
    ]


def gaps(symbol: str, since: datetime, until: datetime) -> list[tuple[datetime, datetime, str]]:
    """Candles that are still missing in this time, the newest gaps; one query."""
    rows = CandleGap.objects.filter(
        symbol=symbol, timeframe=settings.QUANTUM.timeframe, filled_at=None, first__lte=until, last__gte=since
    )
    return [
        (gap.first, gap.last, ngettext("gap: %(n)s candle", "gap: %(n)s candles", gap.missing) % {"n": gap.missing})
        for gap in rows.order_by("-first")[:MOST_GAPS]
    ]


def put_aside(symbol: str, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
    """Bars that were put aside in this time, and why; one query."""
    rows = CandleFault.objects.filter(
        symbol=symbol, timeframe=settings.QUANTUM.timeframe, kind__in=UNUSABLE, open_time__range=(since, until)
    )
    kinds: dict[datetime, list[str]] = {}
    for at, kind in rows.order_by("-open_time", "kind").values_list("open_time", "kind")[:MOST_NOES]:
        if at is not None:
            kinds.setdefault(at, []).append(str(ailments.KINDS.get(kind, kind)))
    return [(at, _("put aside: %(why)s") % {"why": ", ".join(why)}) for at, why in kinds.items()]


def listed(said: str, missing: list[tuple[datetime, datetime, str]]) -> str:
    """The sentence, and the gaps by name: 12:04 to 12:08 (gap: 5 candles)."""
    if not missing:
        return said
    told = ", ".join(
        _("%(first)s to %(last)s (%(text)s)") % {"first": clock(first), "last": clock(last), "text": text}
        for first, last, text in missing[:NAMED_GAPS]
    )
    more = "" if len(missing) <= NAMED_GAPS else " ..."
    return said + " " + _("Missing: %(gaps)s.") % {"gaps": told + more}


def story(position: Position, mark: Decimal | None) -> str:
    """BTC/USDT long from 30,214.5, now 30,318.4: +0.34 %. Stop 29,942.0, target 30,895.7."""
    way = 1 if position.side == "long" else -1
    told = {"symbol": market(position.symbol), "side": _(position.side), "from": near(position.entry_price)}
    trade = getattr(position, "trade", None)
    if position.closed_at and trade is not None:
        told |= {"to": near(trade.exit_price), "net": signed(trade.net), "r": signed(trade.r_multiple)}
        told |= {"why": labels.closed(trade.close_reason)}
        return _("%(symbol)s %(side)s from %(from)s to %(to)s: %(net)s USDT, %(r)s R. Ended by: %(why)s.") % told
    if mark is None:
        return _("%(symbol)s %(side)s from %(from)s; no price is known now.") % told
    share = way * (mark - position.entry_price) / position.entry_price
    told |= {"now": near(mark), "share": percent(share, sign=True)}
    said = [_("%(symbol)s %(side)s from %(from)s, now %(now)s: %(share)s.") % told]
    if position.stop_price:
        said.append(_("Stop %(price)s.") % {"price": price(position.stop_price)})
    if position.target_price:
        said.append(_("Target %(price)s.") % {"price": price(position.target_price)})
    return " ".join(said)


def what_came(decision: Decision, after: int) -> str:
    """How much of the chart was not known at the decision."""
    told = {"symbol": market(decision.signal.symbol), "at": clock(decision.at), "price": price(decision.signal.price)}
    said = _("%(symbol)s was at %(price)s when this was decided, at %(at)s.") % told
    if after:
        known = ngettext(
            "The shaded part came after it: %(n)s candle.", "The shaded part came after it: %(n)s candles.", after
        )
        said += " " + known % {"n": grouped(after)}
    return said
