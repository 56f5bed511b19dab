"""What people asked of the trading side: limits tuned, closes requested, cooldowns cleared."""

from django.db import models

from trading.models import fields


class TunedSetting(models.Model):
    """A setting's value in force, over the environment's; a blank value is the way back to the environment's."""

    name = models.CharField(max_length=60, unique=True)
    value = models.CharField(max_length=40, default="", blank=True)
    changed_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()
    reason = models.CharField(max_length=500, default="", blank=True)

    def __str__(self) -> str:
        return f"{self.name}={self.value or 'as first set'}"


class CloseRequest(models.Model):
    """Somebody wants this position closed: the trading side does it, and has done it when the position is closed."""

    position = models.OneToOneField("trading.Position", on_delete=models.PROTECT, related_name="close_request")
    requested_by = models.CharField(max_length=80)
    reason = models.CharField(max_length=500, default="", blank=True)
    requested_at = models.DateTimeField(db_index=True)
    taken_at = models.DateTimeField(null=True, blank=True)  # when a worker last began to carry it out
    error = models.CharField(max_length=300, default="", blank=True)  # what came in the way last time

    def __str__(self) -> str:
        return f"close position {self.position_id}, asked by {self.requested_by}"


class CooldownClear(models.Model):
    """The cooldown that this entry order started is over, because somebody said so."""

    order = models.OneToOneField("trading.Order", on_delete=models.PROTECT, related_name="cooldown_clear")
    symbol = fields.symbol()
    cleared_by = models.CharField(max_length=80)
    cleared_at = models.DateTimeField(db_index=True)
    reason = models.CharField(max_length=500)

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(reason=""), name="a_cleared_cooldown_has_a_reason")]

    def __str__(self) -> str:
        return f"{self.symbol}: cooldown of order {self.order_id} cleared"
