"""What people asked of the trading side: limits tuned, closes and trims requested, cooldowns cleared."""

from django.db import models
from django.db.models import Q

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
    code = models.CharField(max_length=40, default="manual")  # the trade's close reason: manual, self_healing
    requested_at = models.DateTimeField(db_index=True)
    taken_at = models.DateTimeField(null=True, blank=True)  # when a worker last began to carry it out
    error = models.CharField(max_length=300, default="", blank=True)  # what came in the way last time

    def __str__(self) -> str:
        return f"close position {self.position_id}, asked by {self.requested_by}"


class TrimRequest(models.Model):
    """Somebody accepted a proposed trim: `quantity` of the position is to be closed at market, and the rest kept.

    What was done of it is the sum of its intents' fills, so that it can be taken up again at any point.
    """

    DONE, REFUSED, OVERTAKEN = "done", "refused", "overtaken"

    proposal = models.OneToOneField("trading.TrimProposal", on_delete=models.PROTECT, related_name="request")
    position = models.ForeignKey("trading.Position", on_delete=models.PROTECT, related_name="trim_requests")
    quantity = fields.money()  # in whole steps of the venue, once it is begun
    before = fields.money()  # of the position, when it was asked for
    requested_by = models.CharField(max_length=80)
    reason = models.CharField(max_length=500, default="", blank=True)
    requested_at = models.DateTimeField(db_index=True)
    taken_at = models.DateTimeField(null=True, blank=True)  # when a worker last began to carry it out
    error = models.CharField(max_length=300, default="", blank=True)  # what came in the way last time
    outcome = models.CharField(max_length=10, default="", blank=True)  # done, refused, or overtaken by a close
    filled = fields.money(default=0)
    average_price = fields.money(null=True)
    realized = fields.money(default=0)  # gross, USDT
    fees = fields.money(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, before__gt=models.F("quantity")),
                name="a_trim_leaves_a_part_of_the_position",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", ended_at__isnull=True)
                | Q(outcome__in=["done", "refused", "overtaken"], ended_at__isnull=False),
                name="a_trim_request_that_is_over_says_how_and_when",
            ),
            models.UniqueConstraint(
                fields=["position"], condition=Q(outcome=""), name="one_trim_at_a_time_per_position"
            ),
        ]

    def __str__(self) -> str:
        return f"trim position {self.position_id} by {self.quantity.normalize():f}, asked by {self.requested_by}"


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
