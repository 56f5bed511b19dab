"""The venue's own account of our money, our days against it, and the daily proof that its stops work as we know."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from trading.models import fields

STATES = ["ok", "fail", "unknown"]


class IncomeEntry(models.Model):
    """One line of the venue's income history, as it was told. Never changed."""

    income_id = models.CharField(max_length=120, unique=True)  # kind, symbol and the venue's tranId
    kind = models.CharField(max_length=40)  # REALIZED_PNL, COMMISSION, FUNDING_FEE, INSURANCE_CLEAR, TRANSFER ...
    symbol = fields.symbol(blank=True)  # "" where it is about the account
    asset = models.CharField(max_length=20)
    amount = fields.money()
    trade_id = models.CharField(max_length=40, default="", blank=True)
    info = models.CharField(max_length=120, default="", blank=True)
    at = models.DateTimeField(db_index=True)
    read_at = models.DateTimeField()
    mode = models.CharField(max_length=10)

    class Meta:
        verbose_name_plural = "income entries"
        constraints = [models.CheckConstraint(condition=~Q(kind=""), name="an_income_entry_has_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.asset} {self.symbol}"


class DailyMoney(models.Model):
    """One UTC day of money: what our books say, what the venue says. `lines`: [{kind, symbol, ours, theirs ...}].

    `worst` is the largest unexplained difference of any kind and symbol, so that two that cancel out are seen. The
    venue's history has been read up to `read_until`; both sides are compared up to `compared_until`.
    """

    OK, FAIL, UNKNOWN = "ok", "fail", "unknown"

    day = models.DateField(unique=True)
    state = models.CharField(max_length=8, default=UNKNOWN)
    ours = fields.money(default=0)
    theirs = fields.money(default=0)
    explained = fields.money(default=0)  # of theirs: what others did on this account, and says so
    difference = fields.money(default=0)  # theirs - explained - ours
    worst = fields.money(default=0)
    lines = models.JSONField(default=list)
    notes = models.JSONField(default=list)  # [{code, kind, symbol, amount ...}]: why theirs is not all ours
    since = models.DateTimeField()
    compared_until = models.DateTimeField()
    read_until = models.DateTimeField()
    settled = models.BooleanField(default=False)  # the day is over, and all of it was read after its end
    checked_at = models.DateTimeField(db_index=True)
    mode = models.CharField(max_length=10)

    class Meta:
        verbose_name_plural = "days of money"
        get_latest_by = "day"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=STATES), name="a_day_agrees_or_not_or_is_unknown"),
            models.CheckConstraint(
                condition=~Q(state="ok") | Q(settled=True, worst__lt=Decimal("0.01")),
                name="a_day_is_ok_when_it_is_settled_and_agrees_to_the_cent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.state}"


class VenueLook(models.Model):
    """Positions and open orders as the venue showed them once, beside our journal's."""

    at = models.DateTimeField(db_index=True)
    agrees = models.BooleanField()
    positions = models.JSONField(default=list)  # [{symbol, side, ours, theirs, state}]
    orders = models.JSONField(default=list)  # [{symbol, client_order_id, kind, ours, theirs, state}]
    balance = fields.money()
    mode = models.CharField(max_length=10)

    class Meta:
        get_latest_by = "at"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}: {'as we have it' if self.agrees else 'differs'}"


class CanaryRun(models.Model):
    """One proof that the venue takes, shows, replaces, triggers and cancels our stops; `steps` in their order."""

    OK, FAIL, UNKNOWN = "ok", "fail", "unknown"

    requested_by = models.CharField(max_length=80)
    started_at = models.DateTimeField(db_index=True)
    beat_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, default="", blank=True)
    symbol = fields.symbol(default="", blank=True)  # no entry is sent on it while this runs
    code = models.CharField(
        max_length=60, default="", blank=True
    )  # the first step that was not OK, and the venue's code
    steps = models.JSONField(
        default=list
    )  # [{step, outcome, code, facts, took_ms, calls: [{endpoint, code, took_ms}]}]
    client = models.CharField(max_length=40)  # ccxt's version
    venue = models.CharField(max_length=200)
    mode = models.CharField(max_length=10)

    class Meta:
        get_latest_by = "id"
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=["", *STATES]), name="canary_outcome_is_known"),
            models.CheckConstraint(
                condition=Q(outcome="", finished_at__isnull=True) | ~Q(outcome="") & Q(finished_at__isnull=False),
                name="a_canary_has_an_outcome_when_it_is_over",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["practice", "testnet", "replay"]), name="a_canary_never_touches_real_money"
            ),
        ]

    def __str__(self) -> str:
        return f"stops at {self.venue}: {self.outcome or 'running'}"
