"""What another value would have given, from the rows of a window."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch import rejudge
from monitoring.watch.rejudge import NotJudged, asked, what_if
from tests.gates import builders
from tests.show import factories as make
from trading import cycle
from trading.cycle import Judgement
from trading.forecast.belief import Forecast
from trading.gates.judge import decide
from trading.models import Cycle, Decision, Signal, SignalOutcome, TunedSetting

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def forgetful():
    from django.core.cache import cache

    cache.clear()


def judged(back=0, count=6, slots=2, **changes):
    """A bar as the executor stores it: `count` good signals for `slots` slots."""
    bar = make.bar_of(NOW, back)
    closed = bar + timedelta(minutes=1)
    now = closed + timedelta(seconds=2)
    beliefs = builders.beliefs(count, at=closed)
    names = [one.symbol for one in beliefs]
    markets = {n: builders.market(n, candle_at=closed, mark_at=now - timedelta(seconds=1)) for n in names}
    limits = builders.limits(max_positions=slots)
    desk = builders.desk(names, now=now, bar_closed_at=closed, markets=markets, limits=limits)
    desk = replace(desk, correlation=builders.uncorrelated(names), **changes)
    row = Cycle(timeframe="1m", bar=bar, at=now, symbols=count, evaluated=count, signals=count, mode=make.MODE)
    told = Judgement(Forecast(bar, tuple(beliefs), ()), tuple(decide(beliefs, desk)), desk)
    row.desk = cycle.as_seen(told)
    cycle.store(row, told, now)
    return row


def became(symbol, net, over=True):
    of = Signal.objects.get(symbol=symbol)
    SignalOutcome.objects.create(
        signal=of, ended="target" if net > 0 else "stop", hit=net > 0, net_r=net, target_r=2.5, horizon=48, bars=3,
        ended_at=of.at + timedelta(minutes=3), matures_at=NOW - timedelta(seconds=1 if over else -60), at=NOW,
        mode=make.MODE,
    )  # fmt: skip


def candles(count=6):
    """Enough closes for correlations that no bar kept: each symbol moves in its own way."""
    for i in range(count):
        make.candles(builders.name(i), NOW, bars=210, price=100.0 + i)
    from trading.models import Candle

    rows = list(Candle.objects.order_by("symbol", "open_time"))
    for n, row in enumerate(rows):
        row.close = row.open * (1 + ((n * n * 7919) % 100 - 50) / 50_000)
    Candle.objects.bulk_update(rows, ["close"], batch_size=500)


def test_one_slot_more_tells_who_and_what_it_would_have_brought():
    judged()
    candles()
    became(builders.name(2), 2.3)
    told = what_if("QT_MAX_POSITIONS", 3, HOUR, NOW)
    assert (told.bars, told.signals, told.rejected, len(told.gained), told.untold) == (1, 6, 4, 1, 0)
    assert (told.gained[0].symbol, told.gained[0].net_r) == (builders.name(2), 2.3)
    assert Decision.objects.get(pk=told.gained[0].decision).signal.symbol == builders.name(2)
    assert (told.result.n, told.result.mean_r, told.result.ci_low) == (1, 2.3, None)
    assert (told.value_shown, told.was_shown, told.in_force) == ("3", "2", 6)


def test_the_value_that_was_in_force_changes_nothing():
    judged()
    told = what_if("QT_MAX_POSITIONS", 2, HOUR, NOW)
    assert (told.gained, told.lost, told.result.n) == ((), (), 0)


def test_an_answer_never_names_a_limit_that_is_no_longer_in_force():
    before = what_if("QT_MAX_POSITIONS", 7.0, HOUR, NOW)
    TunedSetting.objects.create(name="QT_MAX_POSITIONS", value=str(int(before.in_force) + 2), changed_by="j.berg",
                                changed_at=NOW, reason="more room")  # fmt: skip
    after = what_if("QT_MAX_POSITIONS", 7.0, HOUR, NOW)
    assert after.in_force == before.in_force + 2


def test_a_path_that_is_not_over_is_told_and_in_no_mean():
    judged()
    candles()
    became(builders.name(2), 2.3, over=False)
    told = what_if("QT_MAX_POSITIONS", 3, HOUR, NOW)
    assert (told.gained[0].net_r, told.result.n) == (2.3, 0)


def test_without_candles_the_correlation_of_what_was_not_held_can_not_be_told():
    judged()
    told = what_if("QT_MAX_POSITIONS", 4, HOUR, NOW)
    assert (len(told.gained), told.untold) == (1, 3)


def test_bars_without_a_desk_are_counted_not_guessed():
    judged(1)
    row = judged(2)
    Cycle.objects.filter(pk=row.pk).update(desk={})
    told = what_if("QT_MAX_POSITIONS", 2, HOUR, NOW)
    assert (told.bars, told.signals, told.unreadable) == (1, 6, 1)


def test_only_whole_bars_of_the_newest_signals_are_judged_again_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(rejudge, "MOST", 10)
    for back in range(3):
        judged(back)
    told = what_if("QT_MAX_POSITIONS", 2, HOUR, NOW)
    assert (told.bars, told.signals, told.older) == (1, 6, 12)


def test_the_queries_do_not_grow_with_the_window(django_assert_num_queries):
    for back in range(4):
        judged(back)
    with django_assert_num_queries(5):
        what_if("QT_MAX_POSITIONS", 4, HOUR, NOW)
    with django_assert_num_queries(2):  # the newest bar, and the limits in force
        what_if("QT_MAX_POSITIONS", 4, HOUR, NOW)


@pytest.mark.parametrize(
    ("setting", "value", "field"),
    [
        ("QT_STOP_ATR", "2", "setting"),
        ("QT_TRAIL_DISTANCE", "1", "setting"),
        ("QT_NO_SUCH", "1", "setting"),
        ("QT_MAX_POSITIONS", "0", "value"),
        ("QT_MAX_POSITIONS", "2.5", "value"),
        ("QT_MAX_CORRELATION", "nan", "value"),
        ("QT_MAX_DAILY_LOSS", "nine", "value"),
    ],
)
def test_what_can_not_be_asked_says_which_part_of_it(setting, value, field):
    with pytest.raises(NotJudged) as no:
        asked(setting, value)
    assert (no.value.field, str(no.value)[:7]) == (field, "must be")
