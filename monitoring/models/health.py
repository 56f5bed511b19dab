"""How well the system was: scores with the evidence they came from, and what the database's validator found."""

from django.db import models
from django.db.models import Q


class HealthScore(models.Model):
    """One score. `evidence` holds every answer it was made from, so that it can be computed again.

    {"parts": [{"key", "group", "weight", "critical", "points": [{"probe", "of", "state", "code", "params"}]}],
     "caps": [{"code", "params", "at", "part"}]}; what was ok carries no code and no params.
    """

    at = models.DateTimeField(db_index=True)
    overall = models.PositiveSmallIntegerField()
    coverage = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10)
    evidence = models.JSONField(default=dict)
    reported = models.BooleanField(default=False)  # a diagnosis document was written from it: kept for good

    class Meta:
        get_latest_by = "at"
        constraints = [
            models.CheckConstraint(
                condition=Q(overall__gte=0, overall__lte=100, coverage__gte=0, coverage__lte=100),
                name="a_score_lies_within_0_and_100",
            )
        ]


class DatabaseFinding(models.Model):
    """One look at the database by its validator: [{"check", "state", "code", "params"}], and how long it took."""

    at = models.DateTimeField(db_index=True)
    passed = models.BooleanField()
    vendor = models.CharField(max_length=20)
    latency_ms = models.FloatField(null=True, help_text="write, read and roll back; null where it could not")
    checks = models.JSONField(default=list)

    class Meta:
        get_latest_by = "at"
