"""Stage 5's rows: what we wanted (intents), what the venue has (orders), how it moved, what was filled."""

from __future__ import annotations

from datetime import datetime

from django.db import models, transaction
from django.db.models import Q

from trading.exchange.venue import OrderStatus, OrderType
from trading.models import fields
from trading.orders.lifecycle import LIVE, StaleRow, check_move


class Intent(models.Model):
    """Our will to have one order at the venue, committed before anything is sent."""

    ENTRY, STOP, BACKSTOP, TARGET, EXIT = "entry", "stop", "backstop", "target", "exit"
    TRIM = "trim"  # a part of the position, at market, because a person asked for it
    PROBE = "probe"  # the venue's checks and its canary: a stop that can't fill, cancelled within seconds
    KINDS = [ENTRY, STOP, BACKSTOP, TARGET, EXIT, TRIM, PROBE]

    client_order_id = models.CharField(max_length=36, unique=True)
    kind = models.CharField(max_length=10)
    decision = models.OneToOneField("trading.Decision", on_delete=models.PROTECT, null=True, related_name="intent")
    position = models.ForeignKey("trading.Position", on_delete=models.PROTECT, null=True, related_name="intents")
    trim = models.ForeignKey(
        "trading.TrimRequest", on_delete=models.PROTECT, null=True, blank=True, related_name="intents"
    )
    reason = models.CharField(max_length=200, default="", blank=True)
    requester = models.CharField(max_length=80, default="", blank=True)
    symbol = fields.symbol()
    side = models.CharField(max_length=4)  # buy, sell
    type = models.CharField(max_length=20)
    quantity = fields.money(null=True)
    price = fields.money(null=True)
    trigger = fields.money(null=True)
    reduce_only = models.BooleanField(default=False)
    close_position = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    mode = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["entry", "stop", "backstop", "target", "exit", "trim", "probe"]),
                name="intent_kind_is_known",
            ),
            models.CheckConstraint(condition=Q(side__in=["buy", "sell"]), name="intent_side_is_buy_or_sell"),
            models.CheckConstraint(
                condition=Q(kind="entry", decision__isnull=False)
                | (Q(position__isnull=False) | Q(kind="probe")) & ~Q(kind="entry") & ~Q(reason="") & ~Q(requester=""),
                name="an_entry_needs_a_decision_all_else_a_position_reason_and_requester",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["entry", "probe"]) | Q(reduce_only=True) | Q(close_position=True),
                name="what_is_no_entry_only_reduces",
            ),
            models.CheckConstraint(
                condition=~Q(kind="probe")
                | Q(decision__isnull=True, position__isnull=True)
                & (Q(type="STOP") | Q(type="MARKET", reduce_only=True)),
                name="a_probe_is_a_far_stop_or_only_reduces_and_belongs_to_no_trade",
            ),
            models.CheckConstraint(
                condition=Q(kind="trim", trim__isnull=False) | ~Q(kind="trim") & Q(trim__isnull=True),
                name="a_trim_is_sent_for_a_request_and_nothing_else_is",
            ),
        ]
        indexes = [models.Index(fields=["symbol", "created_at"], name="intent_by_symbol")]


class Order(models.Model):
    """An order we sent, or are sending. There is none without an intent."""

    intent = models.OneToOneField(Intent, on_delete=models.PROTECT, related_name="order")
    venue_order_id = models.CharField(max_length=40, default="", blank=True, db_index=True)
    spawned_id = models.CharField(max_length=40, default="", blank=True, db_index=True)
    status = models.CharField(max_length=12, default=OrderStatus.SENDING)
    filled = fields.money(default=0)
    average_price = fields.money(null=True)
    error_code = models.IntegerField(null=True)
    error = models.CharField(max_length=300, default="", blank=True)
    sent_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)  # last time the venue itself showed it to us
    may_retry = models.BooleanField(default=False)  # refused for now only: wanted again, it is a new intent
    asked_at = models.DateTimeField(null=True)  # last time we asked for it by its id
    clean_reads = models.PositiveSmallIntegerField(default=0)  # answers "not there" in a row, after the fence
    mode = models.CharField(max_length=10)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(filled__gte=0), name="filled_is_not_negative")]
        indexes = [models.Index(fields=["status", "updated_at"], name="order_by_status")]

    @property
    def conditional(self) -> bool:
        return OrderType(self.intent.type).conditional

    @property
    def live(self) -> bool:
        """It may still fill."""
        return OrderStatus(self.status) in LIVE

    def move_to(self, status: OrderStatus, *, at: datetime, why: str = "", **changes: object) -> None:
        """Change status (and `changes` with it) and record the move, or raise and change nothing."""
        was = OrderStatus(self.status)
        check_move(was, status)
        changes |= {"status": status, "updated_at": at}
        with transaction.atomic():
            if not Order.objects.filter(pk=self.pk, status=was).update(**changes):
                raise StaleRow(f"order {self.pk} is no longer {was.value}")
            self.moves.create(was=was, became=status, at=at, why=why[:300])
        for name, value in changes.items():
            setattr(self, name, value)


class OrderMove(models.Model):
    """One change of an order's status."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="moves")
    was = models.CharField(max_length=12)
    became = models.CharField(max_length=12)
    at = models.DateTimeField()
    why = models.CharField(max_length=300, default="", blank=True)


class Fill(models.Model):
    """One execution, as the venue booked it."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="fills")
    position = models.ForeignKey("trading.Position", on_delete=models.PROTECT, null=True, related_name="fills")
    trade_id = models.CharField(max_length=40)
    venue_order_id = models.CharField(max_length=40)
    symbol = fields.symbol()
    side = models.CharField(max_length=4)
    price = fields.money()
    quantity = fields.money()
    fee = fields.money(default=0)
    realized = fields.money(default=0)
    maker = models.BooleanField(default=False)
    at = models.DateTimeField(db_index=True)
    mode = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["symbol", "trade_id"], name="one_row_per_fill"),
            models.CheckConstraint(condition=Q(price__gt=0, quantity__gt=0), name="a_fill_has_price_and_quantity"),
        ]
