"""Stage 6's rows: positions, the trades they became, funding, and the account over time."""

from django.db import models
from django.db.models import Q

from trading.models import fields


class Position(models.Model):
    """What we hold, or held. `quantity` is what is left; `r` the price distance of the initial stop."""

    OPEN, CLOSING, CLOSED = "open", "closing", "closed"

    decision = models.OneToOneField("trading.Decision", on_delete=models.PROTECT, null=True, related_name="position")
    symbol = fields.symbol()
    side = fields.side()
    status = models.CharField(max_length=8, default=OPEN)
    opened_quantity = fields.money()
    quantity = fields.money()
    entry_price = fields.money()
    leverage = models.PositiveSmallIntegerField()
    margin_mode = models.CharField(max_length=10)
    r = fields.money()
    stop_price = fields.money(null=True)  # the working stop's trigger as we want it
    backstop_price = fields.money(null=True)
    target_price = fields.money(null=True)
    best_price = fields.money(null=True)  # peak for a long, trough for a short, since entry
    trailing = models.BooleanField(default=False)
    band = fields.money(default=0)  # how far a stop-limit's limit lies behind its trigger
    breached_at = models.DateTimeField(null=True)  # the stop was passed or triggered, and has not filled since
    flat_seen_at = models.DateTimeField(null=True)  # the venue showed no position; a second look must agree
    mark_price = fields.money(null=True)
    mark_at = models.DateTimeField(null=True)
    liquidation_price = fields.money(null=True)
    unrealized = fields.money(default=0)
    realized = fields.money(default=0)
    fees = fields.money(default=0)
    funding = fields.money(default=0)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="time exit")
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=40, default="", blank=True)
    protected_since = models.DateTimeField(null=True)  # null: unprotected now
    unprotected_since = models.DateTimeField(null=True)
    seconds_unprotected = models.FloatField(default=0)  # ours
    seconds_outage = models.FloatField(default=0)  # while we were dead
    verified_at = models.DateTimeField(null=True)
    mode = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["symbol"], condition=~Q(status="closed"), name="one_open_position_per_symbol"
            ),
            models.CheckConstraint(condition=Q(side__in=["long", "short"]), name="position_side_is_long_or_short"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0, opened_quantity__gt=0), name="position_quantity_is_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(status="closed") | (Q(quantity=0) & Q(closed_at__isnull=False) & ~Q(close_reason="")),
                name="a_closed_position_is_flat_and_says_why",
            ),
        ]


class Trade(models.Model):
    """A closed position's result: net = gross - fees + funding (funding received is positive), in USDT and in R."""

    position = models.OneToOneField(Position, on_delete=models.PROTECT, related_name="trade")
    symbol = fields.symbol()
    side = fields.side()
    quantity = fields.money()
    entry_price = fields.money()
    exit_price = fields.money()
    gross = fields.money()
    fees = fields.money()
    funding = fields.money()
    net = fields.money()
    r_multiple = models.FloatField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(db_index=True)
    close_reason = models.CharField(max_length=40)
    mode = models.CharField(max_length=10)


class FundingPayment(models.Model):
    income_id = models.CharField(max_length=60, unique=True)
    position = models.ForeignKey(Position, on_delete=models.PROTECT, null=True, related_name="payments")
    symbol = fields.symbol()
    amount = fields.money()
    at = models.DateTimeField()
    mode = models.CharField(max_length=10)


class AccountSnapshot(models.Model):
    """The account as the venue showed it."""

    at = models.DateTimeField(db_index=True)
    equity = fields.money()
    balance = fields.money()
    available = fields.money()
    margin_used = fields.money()
    unrealized = fields.money()
    latency_ms = models.PositiveIntegerField(null=True)  # how long the venue took to answer
    external = models.JSONField(default=list)  # positions there that are not ours: [{symbol, side, quantity, notional}]
    mode = models.CharField(max_length=10)

    class Meta:
        get_latest_by = "at"
