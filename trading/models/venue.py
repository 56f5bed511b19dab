"""The way to a venue: keys that were named, checks that were made there, and who pressed start."""

from django.db import models
from django.db.models import Q


class VenueKeys(models.Model):
    """Where the keys for a mode lie. The keys themselves are in files that only their owner reads, never here."""

    mode = models.CharField(max_length=10)  # the mode they are for
    key_file = models.CharField(max_length=300)
    secret_file = models.CharField(max_length=300)
    last_four = models.CharField(max_length=4)  # of the key, so that a person can tell two of them apart
    set_by = models.CharField(max_length=80)
    set_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = "venue keys"
        get_latest_by = "id"

    def __str__(self) -> str:
        return f"{self.mode} key ending in {self.last_four}"


class PreflightRun(models.Model):
    """One round of checks at a venue. `checks`: [{check, answer, code, facts, took_ms}], in their order."""

    mode = models.CharField(max_length=10)  # the mode that was checked for
    venue = models.CharField(max_length=200)
    account = models.CharField(max_length=12)  # fingerprint of the key it was made with
    full = models.BooleanField()  # with the checks that change something at the venue
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField(db_index=True)
    beat_at = models.DateTimeField(null=True)  # last sign of life
    finished_at = models.DateTimeField(null=True)
    passed = models.BooleanField(null=True)  # None: not known yet
    checks = models.JSONField(default=list)

    class Meta:
        get_latest_by = "id"
        constraints = [
            models.CheckConstraint(
                condition=Q(passed__isnull=True) | Q(finished_at__isnull=False),
                name="an_unfinished_check_has_no_result",
            )
        ]

    def __str__(self) -> str:
        return f"checks of {self.venue}: {'running' if self.passed is None else 'passed' if self.passed else 'failed'}"


class VenueStart(models.Model):
    """Somebody allowed entries at a venue, or took that back; the newest row counts, for its venue and account."""

    STARTED, STOPPED = "started", "stopped"

    state = models.CharField(max_length=8)
    mode = models.CharField(max_length=10)
    venue = models.CharField(max_length=200)
    account = models.CharField(max_length=12)
    run = models.ForeignKey(PreflightRun, on_delete=models.PROTECT, null=True, related_name="starts")
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    reason = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        get_latest_by = "id"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["started", "stopped"]), name="a_venue_is_started_or_stopped"),
            models.CheckConstraint(
                condition=Q(state="stopped") | Q(run__isnull=False), name="a_start_needs_its_checks"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.state} by {self.by}"
