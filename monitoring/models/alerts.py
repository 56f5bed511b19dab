"""What people have to be told, to whom it was sent, and the minutes in which a law was broken."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Alert(models.Model):
    """One thing that people have to be told, from its beginning to its end; what is said again meanwhile is counted."""

    PAGE, TICKET = "page", "ticket"
    SEVERITIES = [PAGE, TICKET]

    key = models.CharField(max_length=160)  # incident:MODULE_SILENT:executor, burn:protected:page
    severity = models.CharField(max_length=8)
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    owner = models.CharField(max_length=20)
    link = models.CharField(max_length=200)  # the page where it is shown and what to do about it
    first_at = models.DateTimeField(db_index=True)
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        get_latest_by = "first_at"
        constraints = [
            models.CheckConstraint(condition=Q(severity__in=["page", "ticket"]), name="alert_severity_is_known"),
            models.UniqueConstraint(fields=["key"], condition=Q(resolved_at=None), name="one_open_alert_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.key} since {self.first_at:%Y-%m-%d %H:%M:%S}"


class AlertDelivery(models.Model):
    """One message to one channel, marked as sent after it was sent: a kill in between sends it twice, never not."""

    BEGUN, OVER = "begun", "over"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=40)
    kind = models.CharField(max_length=8)
    made_at = models.DateTimeField(default=timezone.now)  # since when it is to be told
    due_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, default="", blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "alert deliveries"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["begun", "over"]), name="alert_delivery_kind_is_known"),
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(given_up_at=None), name="a_sent_alert_is_not_given_up"
            ),
            models.UniqueConstraint(fields=["alert", "channel", "kind"], name="one_delivery_per_alert_channel_kind"),
        ]

    @property
    def dedup(self) -> str:
        """What tells a receiver that two messages are one; the same at every attempt."""
        return f"{self.alert_id}-{self.kind}-{self.channel}"

    def __str__(self) -> str:
        return f"{self.kind} {self.alert_id} to {self.channel}"


class LawMinute(models.Model):
    """How one law fared in one minute: kept, broken, or not known."""

    KEPT, BROKEN, UNKNOWN = "kept", "broken", "unknown"

    law = models.CharField(max_length=20)
    at = models.DateTimeField()  # the minute's beginning
    state = models.CharField(max_length=8)
    params = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["kept", "broken", "unknown"]), name="law_minute_state_is_known"
            ),
            models.UniqueConstraint(fields=["law", "at"], name="one_state_per_law_and_minute"),
        ]
        indexes = [models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.law} {self.at:%Y-%m-%d %H:%M} {self.state}"
