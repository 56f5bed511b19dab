"""Stage 3's rows: what was trained, what was judged, what was believed."""

from django.db import models
from django.db.models import Q

from trading.models import fields


class ModelVersion(models.Model):
    """One trained model on disk, bound to the venue family and the data it learned from."""

    CHAMPION, CHALLENGER, RETIRED, QUARANTINED = "champion", "challenger", "retired", "quarantined"

    kind = models.CharField(max_length=20)  # lightgbm, xgboost, ...
    version = models.CharField(max_length=40)
    status = models.CharField(max_length=12, default=CHALLENGER)
    venue_family = models.CharField(max_length=30)
    data_source = models.CharField(max_length=80)
    timeframe = models.CharField(max_length=4)
    trained_at = models.DateTimeField()
    path = models.CharField(max_length=300)  # below var/models, relative
    sha256 = models.CharField(max_length=64)
    features = models.JSONField(default=list)  # names in order; another list is another model
    metrics = models.JSONField(default=dict)  # {"in_sample": {...}, "out_of_sample": {...}, "base_rate": ...}
    calibration = models.JSONField(default=list)
    settings = models.JSONField(default=dict)  # label settings: stop_atr, target_r, horizon ...
    alarm = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "version", "data_source"], name="one_row_per_model_version"),
            models.UniqueConstraint(
                fields=["kind", "venue_family", "data_source", "timeframe"],
                condition=Q(status="champion"),
                name="one_champion_per_kind_and_data",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class TrainingRun(models.Model):
    """One training, with progress that people can watch."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField()
    stage = models.CharField(max_length=80, default="queued")
    progress = models.FloatField(default=0)
    eta_seconds = models.FloatField(null=True)
    rows = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=12, default="running")  # running, done, failed
    error = models.CharField(max_length=500, default="", blank=True)
    requested_by = models.CharField(max_length=80, default="models")
    fence = models.PositiveIntegerField(default=0)  # who took it over last may write

    class Meta:
        get_latest_by = "started_at"
        constraints = [
            models.UniqueConstraint(fields=["outcome"], condition=Q(outcome="running"), name="one_training_at_a_time")
        ]


class Cycle(models.Model):
    """One bar, judged once: symbols = evaluated + not evaluated (by code), evaluated = flat + signals."""

    timeframe = models.CharField(max_length=4)
    bar = models.DateTimeField(help_text="open time of the judged candle")
    at = models.DateTimeField(help_text="when it was judged")
    symbols = models.PositiveIntegerField(default=0)
    evaluated = models.PositiveIntegerField(default=0)
    flat = models.PositiveIntegerField(default=0)
    signals = models.PositiveIntegerField(default=0)
    not_evaluated = models.JSONField(default=dict)
    absent = models.JSONField(default=dict)  # {code: [symbols]}
    policy = models.ForeignKey("trading.PolicyVersion", on_delete=models.PROTECT, null=True)
    facts = models.JSONField(default=dict)  # {"highest", "break_even", "cost_r", "flat"}: why they were flat
    desk = models.JSONField(default=dict)  # the desk as the gates saw it (law 12)
    called_by = models.CharField(max_length=40, default="")
    lag_ms = models.PositiveIntegerField(default=0)
    took_ms = models.PositiveIntegerField(default=0)
    mode = models.CharField(max_length=10)

    class Meta:
        get_latest_by = "bar"
        constraints = [
            models.UniqueConstraint(fields=["timeframe", "bar"], name="one_cycle_per_bar"),
            models.CheckConstraint(
                condition=Q(evaluated=models.F("flat") + models.F("signals")), name="evaluated_is_flat_plus_signals"
            ),
        ]


class Signal(models.Model):
    """What the ensemble believed about one symbol at one bar."""

    cycle = models.ForeignKey(Cycle, on_delete=models.PROTECT, related_name="rows")
    symbol = fields.symbol(db_index=True)
    side = fields.side()
    confidence = models.FloatField()
    threshold = models.FloatField()
    agreement = models.FloatField()
    votes = models.JSONField(default=list)  # [{model, kind, version, side, probability}]
    excluded = models.JSONField(default=list)  # [{model, kind, why}]
    price = fields.money()
    atr = models.FloatField()
    r = models.FloatField(help_text="stop distance in price")
    cost_r = models.FloatField(default=0, help_text="costs of the round trip in R")
    at = models.DateTimeField(db_index=True)
    mode = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cycle", "symbol"], name="one_signal_per_symbol_and_cycle"),
            models.CheckConstraint(condition=fields.within("confidence", 0, 1), name="confidence_is_a_probability"),
            models.CheckConstraint(condition=Q(side__in=["long", "short"]), name="signal_side_is_long_or_short"),
        ]
