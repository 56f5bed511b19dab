"""The lists of orders and trades, and what trades add up to. Each list is one page of rows in two or three queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet

from monitoring.show import labels
from monitoring.show.charts import THINNED, drawdowns
from monitoring.show.results import Closed, slipped
from monitoring.show.scene import Scene
from monitoring.watch.words import MINUS
from trading.exchange.venue import OrderStatus as S
from trading.models import AccountSnapshot, Intent, Order, Trade
from trading.orders.lifecycle import RESTING

ROWS = 50
MOST_TRADES = 5000  # the newest; what is older is not in the sums, and the page says so
CURVE = timedelta(days=30)
HOUR = timedelta(hours=1)


# -- orders -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An intent with what became of it. `order` is None where nothing was sent."""

    intent: Intent
    order: Order | None
    moves: Sequence[Any]

    @property
    def status(self) -> str:
        return self.order.status if self.order else labels.NOT_SENT

    @property
    def shape(self) -> str:
        return labels.STATUSES[self.status][0]

    @property
    def word(self) -> str:
        return str(labels.STATUSES[self.status][1])

    @property
    def meaning(self) -> str:
        return str(labels.STATUSES[self.status][2])

    @property
    def refusal(self) -> str:
        return labels.refusal(self.order.error_code, self.order.error) if self.order and self.order.error else ""

    @property
    def code(self) -> str:
        """The exchange's error code with a true minus."""
        return str(self.order.error_code).replace("-", MINUS) if self.order and self.order.error_code else ""

    @property
    def kind(self) -> str:
        return labels.kind(self.intent.kind)

    @property
    def type(self) -> str:
        return str(labels.TYPES.get(self.intent.type, self.intent.type))

    @property
    def at(self) -> datetime:
        return self.order.sent_at if self.order else self.intent.created_at


def intents() -> QuerySet[Intent]:
    return Intent.objects.select_related("order").prefetch_related("order__moves")


def order_lines(rows: Iterable[Intent]) -> list[OrderLine]:
    return [order_line(row) for row in rows]


def order_line(row: Intent) -> OrderLine:
    order = getattr(row, "order", None)
    return OrderLine(
        row, order, [move_words(m) for m in sorted(order.moves.all(), key=lambda m: m.pk)] if order else ()
    )


def move_words(move: Any) -> dict[str, Any]:
    """One change of an order's status."""
    return {"at": move.at, "word": labels.STATUSES[move.became][1], "why": move.why}


def newest_orders(scene: Scene) -> list[Intent]:
    """One more than a page shows; two queries."""
    return list(intents().order_by("-id")[: ROWS + 1])


@dataclass(frozen=True, slots=True)
class Outstanding:
    """How many orders are where; `refused` counts those of the last hour."""

    resting: int
    pending: int
    unknown: int
    refused: int


def outstanding(scene: Scene) -> Outstanding:
    """One query."""
    recent = Q(status=S.REFUSED, updated_at__gte=scene.now - HOUR)
    counts = Order.objects.filter(recent | Q(status__in=[*RESTING, S.SENDING, S.UNKNOWN])).aggregate(
        resting=Count("id", filter=Q(status__in=RESTING)),
        pending=Count("id", filter=Q(status=S.SENDING)),
        unknown=Count("id", filter=Q(status=S.UNKNOWN)),
        refused=Count("id", filter=recent),
    )
    return Outstanding(**counts)


# -- trades -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TradeLine:
    """A closed trade as the table shows it. `slippage` is what worse prices than the intended ones cost; None where
    nothing was intended at a price."""

    trade: Trade
    slippage: Decimal | None

    @property
    def ended(self) -> str:
        return labels.closed(self.trade.close_reason)

    @property
    def lasted(self) -> timedelta:
        return self.trade.closed_at - self.trade.opened_at


def trades() -> QuerySet[Trade]:
    return Trade.objects.select_related("position__decision__signal")


def trade_lines(rows: Sequence[Trade]) -> list[TradeLine]:
    """With each trade's slippage; one query more."""
    exits = Order.objects.filter(intent__position__in=[t.position_id for t in rows], filled__gt=0)
    sold: dict[int, list[Order]] = {}
    for order in exits.select_related("intent") if rows else []:
        sold.setdefault(order.intent.position_id or 0, []).append(order)
    return [TradeLine(t, slippage(t, sold.get(t.position_id, []))) for t in rows]


def slippage(trade: Trade, exits: Iterable[Order]) -> Decimal | None:
    """The entry against its signal's price, each exit that had a trigger against that."""
    decision = trade.position.decision
    wanted = decision.signal.price if decision else None
    entry = slipped(trade.side, wanted, trade.entry_price, trade.quantity, entry=True)
    left = [slipped(trade.side, o.intent.trigger, o.average_price, o.filled, entry=False) for o in exits]
    known = [cost for cost in (entry, *left) if cost is not None]
    return sum(known, Decimal(0)) if known else None


def newest_trades(scene: Scene) -> list[TradeLine]:
    """One more than a page shows; two queries."""
    return trade_lines(list(trades().order_by("-id")[: ROWS + 1]))


def sums(rows: QuerySet[Trade]) -> list[Closed]:
    """The newest of these trades, as the sums need them; one query."""
    columns = ("closed_at", "net", "fees", "funding", "r_multiple", "close_reason")
    return [Closed(*row) for row in rows.order_by("-closed_at").values_list(*columns)[:MOST_TRADES]]


def whole_days(rows: Sequence[Closed]) -> Sequence[Closed]:
    """Without the oldest day where older trades were left out: the rest of it would pass for the whole."""
    if len(rows) < MOST_TRADES:
        return rows
    oldest = min(one.at for one in rows).astimezone(UTC).date()
    return [one for one in rows if one.at.astimezone(UTC).date() != oldest]


def all_sums(scene: Scene) -> list[Closed]:
    return sums(Trade.objects.all())


# -- the account's line -----------------------------------------------------------------------------------------------


def account_line(since: datetime, until: datetime) -> list[tuple[datetime, Decimal]]:
    """Equity over a time: of a long one the lowest and the highest of each stretch, so that no fall is lost between
    two points; its first and last snapshot among them. Two queries, four where there is more than a line can show."""
    inside = AccountSnapshot.objects.filter(at__gte=since, at__lt=until)
    ends = inside.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return []
    first, last = ends["first"], ends["last"]
    step = (last - first) // (THINNED // 2) + 1
    if step == 1:
        return list(inside.order_by("at").values_list("at", "equity"))
    grouped = inside.annotate(stretch=F("pk") / step).order_by("stretch").values_list("stretch")
    told = list(grouped.annotate(begun=Min("at"), ended=Max("at"), low=Min("equity"), high=Max("equity")))
    line = [
        point
        for _stretch, begun, ended, low, high in told
        for point in ((begun + (ended - begun) / 4, low), (begun + (ended - begun) * 3 / 4, high))
    ]
    falls = drawdowns(float(equity) for _at, equity in line)
    bottom = min(range(len(falls)), key=falls.__getitem__)
    stretch = told[bottom // 2][0]
    deepest = inside.filter(pk__gte=stretch * step, pk__lt=(stretch + 1) * step).order_by("equity", "pk")
    exact = {*inside.filter(pk__in=[first, last]).values_list("at", "equity"), *deepest.values_list("at", "equity")[:1]}
    return sorted({*line[:bottom], *line[bottom + 1 :], *exact})


def equity_line(scene: Scene) -> list[tuple[datetime, Decimal]]:
    return account_line(scene.now - CURVE, scene.now + HOUR)
