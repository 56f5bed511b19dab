"""Stage 4's rows: policies, the kill switch's history, and one decision per signal."""

from django.db import models
from django.db.models import Q


class PolicyVersion(models.Model):
    """The policy in force from `since` until the next row."""

    version = models.PositiveIntegerField(unique=True)
    regime = models.CharField(max_length=10)
    volatility = models.CharField(max_length=10)
    min_confidence = models.FloatField()
    size_factor = models.FloatField()
    entries_allowed = models.BooleanField()
    since = models.DateTimeField()
    why = models.CharField(max_length=300)
    facts = models.JSONField(default=dict)  # median ADX, ATR share, number of symbols

    class Meta:
        get_latest_by = "version"

    def __str__(self) -> str:
        return f"policy {self.version}: {self.regime}, {self.volatility}"


class SwitchChange(models.Model):
    """The kill switch's history; the newest row is its state. No row means active."""

    ACTIVE, REDUCING, HALTED = "active", "reducing", "halted"

    state = models.CharField(max_length=8)
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    reason = models.CharField(max_length=500)

    class Meta:
        get_latest_by = "id"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["active", "reducing", "halted"]), name="switch_has_three_positions"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="a_switch_change_has_a_reason"),
        ]


class Decision(models.Model):
    """The one stored outcome of a signal."""

    TRADED, REJECTED, FAILED, PENDING = "traded", "rejected", "failed", "pending"

    signal = models.OneToOneField("trading.Signal", on_delete=models.PROTECT, related_name="decision")
    outcome = models.CharField(max_length=8)
    code = models.CharField(max_length=32, default="", blank=True)  # first failing gate; "" where nothing failed
    sentence = models.CharField(max_length=400, default="")
    rejections = models.JSONField(default=list)  # [{code, value, limit, setting, sentence}]
    gates = models.JSONField(default=list)  # [{name, passed: true|false|null}]
    rank = models.PositiveIntegerField(null=True)
    ticket = models.JSONField(default=dict)  # quantity, stop, target, leverage ... of an accepted one
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True)
    at = models.DateTimeField(db_index=True)
    settled_at = models.DateTimeField(null=True)
    mode = models.CharField(max_length=10)

    class Meta:
        constraints = [
            # "one decision per signal" is the unique key of `signal`
            models.CheckConstraint(
                condition=Q(outcome__in=["traded", "rejected", "failed", "pending"]), name="decision_outcome_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=["rejected", "failed"]) | ~Q(code=""), name="a_no_has_a_code"
            ),
        ]
        indexes = [
            models.Index(fields=["outcome", "code", "at"], name="decision_by_outcome_and_code"),
            models.Index(fields=["outcome", "id"], name="decision_by_outcome"),  # the newest of an outcome, of a code
            models.Index(fields=["code", "id"], name="decision_by_code"),
        ]
