"""Stage 2's rows: candles that passed every check, those that didn't, and the universe of the moment."""

from django.db import models
from django.db.models import F, Q

from trading.models import fields


class Candle(models.Model):
    """A closed candle, stored once. Prices are floats: they feed indicators, never orders."""

    symbol = fields.symbol()
    timeframe = models.CharField(max_length=4)
    open_time = models.DateTimeField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["symbol", "timeframe", "open_time"], name="one_candle_per_symbol_and_time"),
            models.CheckConstraint(
                condition=Q(low__gt=0, low__lte=F("high"), high__lt=1e12), name="candle_prices_are_positive"
            ),
            models.CheckConstraint(
                condition=Q(open__gte=F("low"), open__lte=F("high"), close__gte=F("low"), close__lte=F("high")),
                name="candle_open_and_close_lie_within_its_range",
            ),
            models.CheckConstraint(condition=Q(volume__gte=0, volume__lt=1e18), name="candle_volume_is_not_negative"),
        ]
        indexes = [models.Index(fields=["timeframe", "open_time"], name="candle_by_time")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.open_time:%Y-%m-%d %H:%M}"


class CandleFault(models.Model):
    """A candle we would not believe: quarantined and counted, never used."""

    symbol = fields.symbol()
    timeframe = models.CharField(max_length=4)
    open_time = models.DateTimeField(null=True)
    kind = models.CharField(max_length=20)  # `feed/quality.py` has them all
    wrong = models.JSONField(default=list)  # which of the candle's fields were wrong
    detail = models.CharField(max_length=300, default="")
    raw = models.JSONField(default=list)
    count = models.PositiveIntegerField(default=1)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["symbol", "timeframe", "open_time", "kind"], name="one_fault_row_per_candle_and_kind"
            )
        ]


class CandleGap(models.Model):
    """Candles that nobody gave us, from the first to the last missing one. Never filled in, but asked for again."""

    symbol = fields.symbol()
    timeframe = models.CharField(max_length=4)
    first = models.DateTimeField()  # open time of the first missing candle
    last = models.DateTimeField()
    missing = models.PositiveIntegerField()
    found_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    asked = models.PositiveIntegerField(default=0)
    filled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["symbol", "timeframe", "first"],
                condition=Q(filled_at__isnull=True),
                name="one_open_gap_per_symbol_and_start",
            ),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="a_gap_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(filled_at__isnull=False, missing=0) | Q(filled_at__isnull=True, missing__gt=0),
                name="an_open_gap_misses_candles_and_a_filled_one_none",
            ),
        ]
        indexes = [models.Index(fields=["timeframe", "filled_at", "symbol"], name="gap_by_state")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.first:%Y-%m-%d %H:%M} to {self.last:%H:%M}"


class ClockReading(models.Model):
    """How far the venue's clock is from ours, as one process measured it last; positive: the venue's is ahead."""

    source = models.CharField(max_length=20, unique=True)
    offset_ms = models.IntegerField()
    round_trip_ms = models.PositiveIntegerField()
    at = models.DateTimeField()  # by our clock

    def __str__(self) -> str:
        return f"{self.source} {self.offset_ms:+} ms"


class UniverseSnapshot(models.Model):
    """What may be traded from `at` on, and why each symbol is in or out: [{symbol, rank, status, why}]."""

    at = models.DateTimeField(db_index=True)
    symbols = models.JSONField(default=list)
    source = models.CharField(max_length=60)
    requested_by = models.CharField(max_length=80, default="beat")

    class Meta:
        get_latest_by = "at"
