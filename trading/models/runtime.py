"""What runs, and for whom this database is."""

from django.db import models
from django.db.models import F, Q


class Installation(models.Model):
    """One row: this database belongs to this mode and venue; another mode refuses it."""

    mode = models.CharField(max_length=10)
    venue = models.CharField(max_length=200)
    created_at = models.DateTimeField()


class ModuleState(models.Model):
    """One module's last tick, last useful work, claim and error."""

    name = models.CharField(max_length=40, unique=True)
    last_tick = models.DateTimeField(null=True)
    last_work = models.DateTimeField(null=True)
    examined = models.PositiveIntegerField(default=0)
    actions = models.PositiveIntegerField(default=0)
    total_actions = models.PositiveBigIntegerField(default=0)
    idle_reason = models.CharField(max_length=300, default="", blank=True)
    last_error = models.CharField(max_length=500, default="", blank=True)
    last_error_at = models.DateTimeField(null=True)
    called_by = models.CharField(max_length=40, default="", blank=True)
    lag_ms = models.PositiveIntegerField(default=0)
    took_ms = models.PositiveIntegerField(default=0)
    build = models.CharField(max_length=40, default="", blank=True)
    config_hash = models.CharField(max_length=12, default="", blank=True)
    claimed_until = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)  # when the tick at hand began
    fence = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)  # items of the newest tick that could not be done
    trouble = models.CharField(max_length=300, default="", blank=True)  # and why
    code = models.CharField(max_length=12, default="", blank=True)  # of the process that ticked it


class ModuleCall(models.Model):
    """What one caller made of one module within one minute; kept for a day."""

    name = models.CharField(max_length=40)
    caller = models.CharField(max_length=40)
    minute = models.DateTimeField(db_index=True)
    ticks = models.PositiveIntegerField(default=0)
    idle = models.PositiveIntegerField(default=0)  # ticks that had nothing to do
    errors = models.PositiveIntegerField(default=0)  # ticks that ended in an error
    examined = models.PositiveBigIntegerField(default=0)
    actions = models.PositiveBigIntegerField(default=0)
    slowest_ms = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "caller", "minute"], name="one_count_per_module_caller_and_minute"),
            models.CheckConstraint(
                condition=Q(ticks__gte=F("idle") + F("errors")), name="a_tick_idles_fails_or_works_and_is_counted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} by {self.caller} at {self.minute:%H:%M}"


class ProcessState(models.Model):
    """One process's own heartbeat: who it is, which code and settings it runs, what it did and has at hand."""

    name = models.CharField(max_length=40)  # web, worker, trainer, beat, stream
    host = models.CharField(max_length=100)
    pid = models.PositiveBigIntegerField()
    build = models.CharField(max_length=40, default="", blank=True)  # the commit
    code = models.CharField(max_length=12, default="", blank=True)  # hash of the program's files as it started
    config_hash = models.CharField(max_length=12, default="", blank=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    work_at = models.DateTimeField(null=True)  # when it last finished something
    works = models.PositiveBigIntegerField(default=0)  # things finished since it started
    doing = models.CharField(max_length=120, default="", blank=True)  # the oldest thing at hand
    doing_since = models.DateTimeField(null=True)
    lag_ms = models.PositiveIntegerField(default=0)  # how late this beat is
    broken = models.JSONField(default=dict)  # modules that could not be loaded: why

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "host", "pid"], name="one_heartbeat_per_process"),
            models.CheckConstraint(condition=Q(beat_at__gte=F("started_at")), name="a_process_beats_after_its_start"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.pid}"
