"""Drills that were run, and figures of the benches: what the reliability page is computed from."""

from django.db import models
from django.db.models import F, Q

FINITE = 1e15  # what a figure may be at most; NaN and infinity are no figures


class DrillRun(models.Model):
    """One drill: what was broken, when that was found, acted on and over. Times are seconds since it was broken,
    `verified_s` since the fault was over. `undo` is what is still to be put right, should the runner be killed."""

    QUEUED, RUNNING, PASSED, FAILED, SKIPPED = "queued", "running", "passed", "failed", "skipped"
    OUTCOMES = [QUEUED, RUNNING, PASSED, FAILED, SKIPPED]

    name = models.CharField(max_length=60)
    outcome = models.CharField(max_length=8, default=QUEUED)
    why = models.CharField(max_length=40, default="", blank=True)  # code: why it failed, or could not be run
    params = models.JSONField(default=dict)  # the numbers behind the code
    stage = models.CharField(max_length=12, default="", blank=True)  # how far a running one is
    requested_at = models.DateTimeField(db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True)  # the runner's last sign of life
    broken_at = models.DateTimeField(null=True, blank=True)
    mended_at = models.DateTimeField(null=True, blank=True)  # when the fault was over
    ended_at = models.DateTimeField(null=True, blank=True)
    detected_s = models.FloatField(null=True, blank=True)
    acted_s = models.FloatField(null=True, blank=True)
    verified_s = models.FloatField(null=True, blank=True)
    unprotected_s = models.FloatField(null=True, blank=True)  # of the position that was drilled on, in this drill
    evidence = models.JSONField(default=dict)
    undo = models.JSONField(default=list)
    by = models.CharField(max_length=80)
    build = models.CharField(max_length=40)
    seed = models.CharField(max_length=120)  # the market that it was run on
    profile = models.CharField(max_length=10)
    mode = models.CharField(max_length=10)

    class Meta:
        get_latest_by = "id"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["queued", "running", "passed", "failed", "skipped"]),
                name="drill_outcome_is_known",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["queued", "running"]) | Q(ended_at__isnull=False),
                name="a_drill_that_is_over_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=["failed", "skipped"]) | ~Q(why=""),
                name="a_drill_that_did_not_pass_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="passed") | Q(detected_s__gte=0, verified_s__gte=0, broken_at__isnull=False),
                name="a_passed_drill_was_detected_and_verified",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("requested_at")),
                name="a_drill_ends_after_it_was_asked_for",
            ),
            models.CheckConstraint(condition=Q(profile__in=["embedded", "postgres"]), name="drill_profile_is_known"),
            models.CheckConstraint(condition=Q(mode="practice"), name="drills_are_run_in_practice_mode_alone"),
            models.UniqueConstraint(
                fields=["outcome"], condition=Q(outcome="running"), name="one_drill_runs_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["name", "-id"], name="drill_runs_by_name")]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"


class ReliabilityFigure(models.Model):
    """One measured number of a bench or a fault suite, as its run printed it."""

    name = models.CharField(max_length=80)
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=20, default="", blank=True)
    target = models.CharField(max_length=40, default="", blank=True)
    passed = models.BooleanField(null=True)  # null: measured, without a target
    measured_at = models.DateTimeField(db_index=True)
    build = models.CharField(max_length=40)
    seed = models.CharField(max_length=120, default="", blank=True)
    profile = models.CharField(max_length=10)
    source = models.CharField(max_length=200)  # the file's name
    digest = models.CharField(max_length=64)  # SHA-256 of the file
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=80)

    class Meta:
        get_latest_by = "measured_at"
        constraints = [
            models.UniqueConstraint(fields=["digest", "name"], name="a_file_gives_each_figure_once"),
            models.CheckConstraint(
                condition=Q(value__isnull=True) | Q(value__gte=-FINITE, value__lte=FINITE),
                name="a_figure_is_a_finite_number",
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=False) | Q(passed__isnull=False), name="a_figure_says_something"
            ),
            models.CheckConstraint(condition=Q(profile__in=["embedded", "postgres"]), name="figure_profile_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.value} {self.unit}".strip()
