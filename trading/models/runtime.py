"""What runs, and for whom this database is."""

from django.db import models


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
    fence = models.PositiveBigIntegerField(default=0)
