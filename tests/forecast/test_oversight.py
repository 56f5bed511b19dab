"""The Model Supervisor at work: it labels, judges what the champions said, and does what its mode allows."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests import builders as make
from tests.champions import bars_of, market
from tests.forecast.test_store import NOW, own_folder  # noqa: F401
from trading import runtime, schedule
from trading.feed import rows as feed_rows
from trading.forecast import oversight
from trading.forecast.calibration import BINS
from trading.forecast.modules import ModelSupervisor
from trading.models import Cycle, ModelFinding, ModelVersion, ModuleState, Signal, SignalOutcome, UniverseSnapshot
from trading.runtime import MODULES

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
JUDGED = 600  # bars, 12 stretches
KINDS = ("lightgbm", "xgboost", "extratrees", "logistic")
LATER = NOW + timedelta(minutes=5)


def tick(now=LATER):
    return MODULES["model_supervisor"].tick(now)


def mode(settings, value: str) -> None:
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_SUPERVISOR_MODE": value})


def history() -> None:
    """Four symbols that go up and down; the newest candle has just closed."""
    book = market(4, JUDGED + 10, drift=0.0, start=NOW - (JUDGED + 10) * MINUTE)
    feed_rows.store(bars_of(book), "1m", NOW)
    rows = [{"symbol": s, "rank": i, "status": "in"} for i, s in enumerate(book.symbols)]
    UniverseSnapshot.objects.create(at=NOW, source="test", symbols=rows)


def poll(kind: str, version: str, long: int) -> dict:
    return {"kind": kind, "version": version, "long": long, "short": 4 - long, "bins": [4] + [0] * (len(BINS) - 2)}


def said(version: str, leaning: str = "", mute: str = "", bars: int = JUDGED) -> None:
    """What was judged in each of the newest bars: one signal, and everybody's polls. `leaning` always says LONG."""
    random = np.random.default_rng(3)
    cycles = []
    for back in range(bars, 0, -1):
        longs = {kind: int(random.integers(0, 5)) for kind in ("ensemble", *KINDS)} | {leaning: 4}
        polls = [poll(kind, version, longs[kind]) for kind in ("ensemble", *KINDS) if kind != mute]
        row = {"timeframe": "1m", "bar": NOW - back * MINUTE, "at": NOW - (back - 1) * MINUTE, "mode": "practice"}
        cycles.append(Cycle(**row, symbols=4, evaluated=4, flat=3, signals=1, facts={"polls": polls}))
    Cycle.objects.bulk_create(cycles)
    Signal.objects.bulk_create(signal(cycle, version, "long" if random.random() < 0.5 else "short") for cycle in cycles)


def signal(cycle: Cycle, version: str, side: str) -> Signal:
    votes = [
        {"model": f"{k} {version}", "kind": k, "version": version, "side": side, "probability": 0.3} for k in KINDS
    ]
    row = {"symbol": "C0/USDT:USDT", "side": side, "confidence": 0.3, "threshold": 0.3, "agreement": 1.0}
    row |= {"price": Decimal(20), "atr": 0.2, "r": 0.3, "cost_r": 0.1, "votes": votes, "mode": "practice"}
    return Signal(cycle=cycle, at=cycle.bar + MINUTE, **row)


def finding(kind: str) -> ModelFinding:
    return ModelFinding.objects.filter(kind=kind).latest()


def champion_kinds() -> set[str]:
    return set(ModelVersion.objects.filter(status="champion").values_list("kind", flat=True))


# -- when there is nothing to do --------------------------------------------------------------------------------------


def test_without_models_it_is_idle_and_says_so():
    assert tick().idle_reason == "no model to supervise yet"


def test_before_the_first_judged_bar_it_is_idle(champions):
    assert tick().idle_reason == "no bar was judged yet"


def test_with_too_few_labels_it_says_how_many_there_are(champions):
    history()
    said(champions[0].version, bars=86)
    assert tick().actions > 38, "the labels themselves are work"
    Cycle.objects.update(at=LATER + MINUTE)  # a bar was judged since, and nothing more can be labelled
    assert tick(LATER + 2 * MINUTE).idle_reason == "45 of 200 labelled signals so far"


def test_it_looks_again_only_when_a_bar_was_judged_meanwhile(champions):
    history()
    said(champions[0].version)
    tick()
    count = ModelFinding.objects.count()
    assert tick(LATER + MINUTE).idle_reason == "nothing new: no bar was judged since 12:00"
    assert ModelFinding.objects.count() == count
    assert finding("ensemble").at == LATER + MINUTE, "what was found then holds now"


# -- when there is ----------------------------------------------------------------------------------------------------


def test_it_labels_judges_and_stores_a_finding_of_each(champions):
    history()
    said(champions[0].version)
    report = tick()
    assert report.actions == SignalOutcome.objects.count() > 500
    assert not report.idle_reason
    assert set(ModelFinding.objects.values_list("kind", flat=True)) == {"ensemble", *KINDS}
    whole = finding("ensemble")
    assert whole.n == SignalOutcome.objects.filter(matures_at__lte=LATER).count()
    assert (whole.bias["code"], whole.votes["value"], whole.level) == ("BALANCED", 1.0, "advise")
    assert whole.calibration["bins"]
    assert whole.hit_rate["limit"] == pytest.approx(1.1 / 3.5, abs=1e-6)
    assert whole.drift["code"] == "SHIFTED", "all said below 0.1, training did not"
    assert (finding("xgboost").votes["agreed"], finding("xgboost").n) == (1.0, whole.n)


def test_its_figures_count_only_signals_whose_horizon_is_over(champions):
    history()
    said(champions[0].version)
    tick()
    told = SignalOutcome.objects.count()
    young = SignalOutcome.objects.filter(matures_at__gt=LATER).count()
    assert young > 0, "some ended early"
    assert finding("ensemble").n == told - young


def test_other_versions_signals_are_not_counted_for_this_one(champions):
    history()
    said("an older one")
    tick()
    assert finding("ensemble").n == 0
    assert finding("ensemble").votes["verdict"] == "unknown"


def test_a_look_costs_a_handful_of_queries(champions, django_assert_max_num_queries):
    history()
    said(champions[0].version)
    with django_assert_max_num_queries(30):
        tick()


# -- what each mode does ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "advice", "done", "voters"),
    [("observe", "", "", 4), ("advise", "quarantine", "", 4), ("enforce", "quarantine", "quarantined", 3)],
)
def test_a_leaning_model_is_seen_named_or_stopped(champions, settings, level, advice, done, voters):
    mode(settings, level)
    history()
    said(champions[0].version, leaning="xgboost")
    tick()
    row = finding("xgboost")
    assert (row.bias["code"], row.bias["side"], row.verdict) == ("ONE_SIDED", "long", "bad")
    assert (row.advice, row.done, row.level) == (advice, done, level)
    assert len(champion_kinds()) == voters
    alarm = ModelVersion.objects.get(kind="xgboost").alarm
    assert alarm == ("Model Supervisor: ONE_SIDED, long 100% of 13 (limit 65%)" if done else "")


def test_a_mute_model_is_stopped_too(champions, settings):
    mode(settings, "enforce")
    history()
    said(champions[0].version, mute="logistic")
    tick()
    assert champion_kinds() == set(KINDS) - {"logistic"}
    assert finding("logistic").reason == "MUTE"


def test_of_two_that_are_left_none_is_stopped(champions, settings):
    mode(settings, "enforce")
    ModelVersion.objects.filter(kind__in=KINDS[2:]).update(status=ModelVersion.QUARANTINED)
    history()
    said(champions[0].version, leaning="xgboost")
    tick()
    assert champion_kinds() == set(KINDS[:2])
    assert (finding("xgboost").advice, finding("xgboost").done) == ("quarantine", "kept")


def test_old_findings_are_let_go(champions):
    history()
    said(champions[0].version, bars=100)
    tick()
    old = ModelFinding.objects.filter(kind="xgboost")
    old.update(at=NOW - oversight.KEEP - MINUTE)
    Cycle.objects.update(at=LATER + MINUTE)
    tick(LATER + 2 * MINUTE)
    assert ModelFinding.objects.filter(kind="xgboost").count() == 1


# -- called by whom it should be --------------------------------------------------------------------------------------


def test_beat_calls_it_every_five_minutes_on_the_work_queue(settings):
    from django_celery_beat.models import PeriodicTask

    assert isinstance(MODULES["model_supervisor"], ModelSupervisor)
    schedule.sync(MODULES)
    task = PeriodicTask.objects.get(name="tick: model_supervisor")
    assert (task.interval.every, task.interval.period, task.queue) == (300, "seconds", "practice-work")
    assert (task.task, task.args, task.enabled) == ("trading.tick", '["model_supervisor"]', True)


def test_a_run_leaves_what_it_did_and_who_called(champions):
    history()
    said(champions[0].version)
    runtime.run("model_supervisor", LATER, called_by="beat")
    state = ModuleState.objects.get(name="model_supervisor")
    assert (state.last_work, state.called_by, state.last_error) == (LATER, "beat", "")
    assert state.actions == SignalOutcome.objects.count()


def test_a_bar_that_is_judged_leaves_polls_of_everybody_that_it_can_read(champions):
    """What the executor stores is what this module reads."""
    from trading.cycle import plain
    from trading.forecast import store
    from trading.forecast.ensemble import predict

    book = market(3, 300)
    ensemble = store.champions("synthetic", "1m")
    forecast = predict(ensemble, book, book.last + book.step)
    make.cycle(bar=book.last, facts={"polls": plain(forecast.polls)})
    (ballot,) = oversight.ballots("1m", MINUTE, book.last)
    version = champions[0].version
    assert set(ballot.polls) == {("ensemble", version), *((kind, version) for kind in KINDS)}
    assert all(sum(p["bins"]) == 3 and p["long"] + p["short"] <= 3 for p in ballot.polls.values())
