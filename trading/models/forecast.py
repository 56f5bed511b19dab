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
    faults = models.PositiveSmallIntegerField(default=0)  # batches in a row whose answers were no probabilities
    fitted_until = models.DateTimeField(null=True)  # no candle from here on had a part in it
    run = models.ForeignKey("trading.TrainingRun", on_delete=models.PROTECT, null=True, related_name="made")
    pruned_at = models.DateTimeField(null=True)  # its file is gone, its row stays

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
    trigger = models.CharField(max_length=20, default="first")  # first, manual, broken, advice, samples, age
    reason = models.CharField(max_length=300, default="", blank=True)
    version = models.CharField(max_length=40, default="", blank=True)  # of the models it made
    verdict = models.CharField(max_length=10, default="", blank=True)  # promoted, refused
    code = models.CharField(max_length=20, default="", blank=True)  # why: forecast/contest.py
    numbers = models.JSONField(default=dict)  # the contest with the champions: n, log losses, interval ...
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


class SignalOutcome(models.Model):
    """What the path after a signal was, also after one that was never traded: the label that training uses, and R.

    A gap in the candles leaves `unknown`. Figures count only outcomes whose whole horizon is over (`matures_at`): those
    that end early are stops more often than targets, the stop being nearer.
    """

    TARGET, STOP, EXPIRED, UNKNOWN = "target", "stop", "expired", "unknown"

    signal = models.OneToOneField(Signal, on_delete=models.PROTECT, related_name="outcome")
    ended = models.CharField(max_length=8)
    hit = models.BooleanField(null=True)
    bars = models.PositiveIntegerField(default=0)  # after the judged one, until it ended
    gross_r = models.FloatField(null=True)  # target_r, -1, or what the last close of the horizon showed
    net_r = models.FloatField(null=True)  # less the round trip's costs; funding is not in it
    target_r = models.FloatField()
    horizon = models.PositiveIntegerField()
    ended_at = models.DateTimeField(null=True)  # close of the candle that ended it
    matures_at = models.DateTimeField(db_index=True)  # when its horizon is over
    at = models.DateTimeField()
    mode = models.CharField(max_length=10)

    class Meta:
        constraints = [  # "one outcome per signal" is the unique key of `signal`
            models.CheckConstraint(
                condition=Q(ended__in=["target", "stop", "expired", "unknown"]), name="outcome_end_is_known"
            ),
            models.CheckConstraint(
                condition=Q(ended="unknown", hit__isnull=True, net_r__isnull=True)
                | (~Q(ended="unknown") & Q(hit__isnull=False, net_r__isnull=False)),
                name="an_outcome_has_a_result_or_is_unknown",
            ),
        ]


class ModelFinding(models.Model):
    """What the Model Supervisor found at one look at one model, or at the ensemble.

    Each topic is {"verdict", "code", "n", "value", "limit", "low", "high", ...}; the verdict is the worst.
    """

    ENSEMBLE = "ensemble"
    OK, SUSPECT, BAD, UNKNOWN = "ok", "suspect", "bad", "unknown"

    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=20)  # a model's kind, or "ensemble"
    version = models.CharField(max_length=40)
    verdict = models.CharField(max_length=8)
    n = models.PositiveIntegerField(default=0)  # labelled signals it stands on
    bias = models.JSONField(default=dict)
    calibration = models.JSONField(default=dict)
    hit_rate = models.JSONField(default=dict)
    votes = models.JSONField(default=dict)
    drift = models.JSONField(default=dict)
    advice = models.CharField(max_length=12, default="", blank=True)  # retrain, quarantine
    reason = models.CharField(max_length=20, default="", blank=True)  # code of the topic that the advice follows from
    done = models.CharField(max_length=12, default="", blank=True)  # quarantined, kept (the last that votes), ...
    level = models.CharField(max_length=8)  # QT_SUPERVISOR_MODE at that moment
    mode = models.CharField(max_length=10)

    class Meta:
        get_latest_by = "at"
        constraints = [
            models.UniqueConstraint(fields=["at", "kind", "version"], name="one_finding_per_look_and_model"),
            models.CheckConstraint(
                condition=Q(verdict__in=["ok", "suspect", "bad", "unknown"]), name="finding_verdict_is_known"
            ),
        ]
        indexes = [models.Index(fields=["kind", "at"], name="finding_by_kind")]
