"""The portfolio's rows: what self-healing lets the gates take on, what the balancer saw, what it proposes to trim."""

from django.db import models
from django.db.models import Q

from trading.models import fields


class Directive(models.Model):
    """How much the gates may take on, from `at` until `until` or until somebody ends it. The strictest one wins."""

    LEVELS = ["ALLOW_ALL", "REDUCED", "NO_NEW_TRADES", "DEFENSIVE_EXIT", "EMERGENCY_SHUTDOWN"]

    level = models.CharField(max_length=20)
    reason = models.CharField(max_length=200)
    by = models.CharField(max_length=80)
    key = models.CharField(max_length=120)  # what it is about: one standing directive for each
    at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)  # null: until it is ended
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=80, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    level__in=["ALLOW_ALL", "REDUCED", "NO_NEW_TRADES", "DEFENSIVE_EXIT", "EMERGENCY_SHUTDOWN"]
                ),
                name="directive_level_is_known",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="a_directive_has_a_reason"),
            models.UniqueConstraint(
                fields=["key"], condition=Q(ended_at__isnull=True), name="one_standing_directive_per_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level}: {self.reason}"


class BalanceLook(models.Model):
    """The portfolio as the balancer measured it once; `figures` as `gates/balance.py` has them."""

    at = models.DateTimeField(db_index=True)
    asked_by = models.CharField(max_length=40)
    equity = fields.money()
    figures = models.JSONField(default=dict)
    pairs = models.JSONField(default=list)  # [{first, second, rho}], those that move together most first
    mode = models.CharField(max_length=10)

    class Meta:
        get_latest_by = "at"


class TrimProposal(models.Model):
    """One position that should be smaller, and why. Nothing is traded by it: a person accepts it or dismisses it."""

    OPEN, ACCEPTED, DISMISSED, EXPIRED = "open", "accepted", "dismissed", "expired"

    position = models.ForeignKey("trading.Position", on_delete=models.PROTECT, related_name="trims")
    symbol = fields.symbol()
    why = models.CharField(max_length=16)  # LEVERAGE, OPEN_RISK, CONCENTRATION, CORRELATED
    share = models.FloatField()  # of the position's quantity
    quantity = fields.money()
    value = models.FloatField()
    limit = models.FloatField()
    setting = models.CharField(max_length=60)
    facts = models.JSONField(default=dict)
    after = models.JSONField(default=dict)  # the portfolio's figures if it were done
    state = models.CharField(max_length=10, default=OPEN)
    proposed_at = models.DateTimeField(db_index=True)
    seen_at = models.DateTimeField()  # when it was last found to be right
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=80, default="", blank=True)
    mode = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "accepted", "dismissed", "expired"]), name="trim_state_is_known"
            ),
            models.CheckConstraint(condition=Q(share__gt=0, share__lte=1), name="trim_share_is_a_part"),
            models.CheckConstraint(
                condition=Q(state="open") | Q(ended_at__isnull=False), name="a_trim_that_is_over_says_when"
            ),
            models.UniqueConstraint(
                fields=["position", "why"], condition=Q(state="open"), name="one_open_trim_per_position_and_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"trim {self.symbol} by {self.share:.0%}: {self.why}"
