"""Who may look and act, and what they did."""

from django.conf import settings
from django.db import models


class ApiKey(models.Model):
    """A key for the HTTP API. Only its SHA-256 is stored; it has its user's rights."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    prefix = models.CharField(max_length=8)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)


class LoginToken(models.Model):
    """A login link that works once. Only its SHA-256 is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class AuditEntry(models.Model):
    """One thing that a person did, chained: `hash` covers the row and the hash before it."""

    seq = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField()
    who = models.CharField(max_length=80)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120, default="", blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, default="", blank=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["seq"]


class RememberedAnswer(models.Model):
    """What a request with an Idempotency-Key was answered; no status while its action is going on."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="remembered_answers")
    path = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)  # SHA-256 of the request's body
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(default="", blank=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "path", "key"], name="one_answer_per_key")]


class FirstStep(models.Model):
    """Something that a person has done for the first time: a line of the first ten minutes' checklist."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="first_steps")
    name = models.CharField(max_length=20)  # rejection, stop, dismissed
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_first_step_of_a_kind")]
