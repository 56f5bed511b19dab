"""Incidents and what was done about them."""

from django.db import models
from django.db.models import Q


class Incident(models.Model):
    """One fault, from when it was first seen until its absence was verified; seen again meanwhile, it is counted."""

    LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"
    SEVERITIES = [LOW, MEDIUM, HIGH, CRITICAL]

    key = models.CharField(max_length=120)  # MODULE_SILENT:executor
    code = models.CharField(max_length=40)
    subsystem = models.CharField(max_length=40)
    severity = models.CharField(max_length=8)
    params = models.JSONField(default=dict)  # the measured values, as last seen
    impacts_trading = models.BooleanField(default=False)
    first_seen = models.DateTimeField(db_index=True)
    last_seen = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    remedy = models.CharField(max_length=40, default="", blank=True)  # the newest one
    attempts = models.PositiveIntegerField(default=0)
    escalated_at = models.DateTimeField(null=True, blank=True)  # the remedies' limit was reached: entries are held
    paged_at = models.DateTimeField(null=True, blank=True, db_index=True)  # a person has to be told, since then
    verified = models.BooleanField(default=False)
    evidence = models.JSONField(default=dict)  # what showed that it is over
    closed_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=80, default="", blank=True)

    class Meta:
        get_latest_by = "first_seen"
        constraints = [
            models.CheckConstraint(
                condition=Q(severity__in=["low", "medium", "high", "critical"]), name="incident_severity_is_known"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(verified=True), name="only_a_verified_incident_is_closed"
            ),
            models.UniqueConstraint(
                fields=["key"], condition=Q(closed_at__isnull=True), name="one_open_incident_per_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} since {self.first_seen:%Y-%m-%d %H:%M:%S}"


class RemedyAttempt(models.Model):
    """One remedy that was tried, what came of it at once, and when its effect was seen."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="tries")
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=80, default="", blank=True)
    at = models.DateTimeField(db_index=True)
    done = models.BooleanField(default=False)  # it could be carried out; whether it helped is `verified_at`
    detail = models.CharField(max_length=300, default="", blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
