"""The models' shell: trains on stored candles, keeps files below var/models, and lets nobody vote who isn't proven.

A training, step by step:
1. `request_training` makes the one running row and, after commit, rings `trading.train`.
2. `train` claims it (a fencing token; a killed one is taken over), loads candles, learns, and beats each second.
3. The challenger meets the champions on candles that neither was fitted on (`contest`).
4. Files are written (each at once or not at all), then rows: the better one is champion, the other stays for a way
   back, or on the shelf with the reason; run done, in one transaction. After a promotion the executor is rung, so that
   the last closed bar is judged at once.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from threadpoolctl import threadpool_limits

from trading.events import ring
from trading.feed import rows as feed_rows
from trading.forecast import features, manifest, rows
from trading.forecast.belief import Excluded, Forecast, LabelSpec
from trading.forecast.contest import Contest, Why, judge
from trading.forecast.ensemble import Ensemble, Member, ask
from trading.forecast.evidence import MIN_STRETCHES
from trading.forecast.learners import LEARNERS, ModelBroken, Size
from trading.forecast.manifest import Binding
from trading.forecast.training import Fitted, TooLittle, Trained
from trading.forecast.training import train as learn
from trading.models import ModelVersion, TrainingRun
from trading.runtime import ENDING

FAMILY = "binanceusdm"
TRAIN_BARS = 6000
LARGEST_FILE = 64 * 1024 * 1024
LATER = 15  # seconds until a task that found its run busy looks again

KEPT = 3  # versions of a kind and status whose files stay after they left the stage
MOST_FAULTS = 3  # batches in a row without a usable answer, until a model is quarantined

_warm: dict[tuple[Binding, LabelSpec, Path], tuple[object, Ensemble | None]] = {}
_shaky: set[Binding] = set()  # markets of which a champion's last batch was no good


def spec_from(config: Any) -> LabelSpec:
    """What the settings call right; models that learned another question don't answer this one."""
    return LabelSpec(
        stop_atr=config.QT_STOP_ATR,
        target_r=config.QT_TARGET_R,
        horizon=config.QT_HORIZON_BARS,
        min_stop_costs=config.QT_MIN_STOP_COSTS,
    )


def binding(source: str, timeframe: str) -> Binding:
    return Binding(FAMILY, source, timeframe)


def current() -> Binding:
    return binding(settings.QUANTUM.data_source, settings.QUANTUM.timeframe)


# -- training ---------------------------------------------------------------------------------------------------------


def request_training(now: datetime, by: str, trigger: str = "first", reason: str = "") -> TrainingRun:
    """The one training there is at a time; a new one where there is none."""
    with transaction.atomic():
        run, new = rows.request(now, by, trigger, reason)
        if new:
            transaction.on_commit(lambda: ring("trading.train", run.pk, queue="train"))
    return run


def request_retraining(requester: str, reason: str, now: datetime) -> TrainingRun:
    """Somebody wants a challenger now; while a training runs, that one is the answer."""
    return request_training(now, requester, "manual", reason)


def train(
    run_id: int,
    clock: Callable[[], datetime] = timezone.now,
    size: Size = Size(),
    nudge: Callable[[], object] | None = None,
    judged: bool = True,
) -> None:
    """Do the run: load, learn, judge, write. `nudge` is called after a promotion; by default it is `wake`.

    A replay trains for its own span alone: what it makes is not `judged` against what an earlier replay left.
    """
    fence = rows.claim(run_id, clock())
    if fence is None:
        if TrainingRun.objects.filter(pk=run_id, outcome="running").exists():
            ring("trading.train", run_id, queue="train", countdown=LATER)
        return
    with Told(run_id, fence, clock):
        market, spec = current(), spec_from(settings.QUANTUM)
        book = feed_rows.load_book(feed_rows.universe(), market.timeframe, bars=TRAIN_BARS)
        with threadpool_limits(size.threads):
            trained = learn(book, spec, size, Meter(run_id, fence, clock))
            outcome = meet(trained, spec, market) if judged else Contest(Why.UNJUDGED)
        with transaction.atomic():
            fresh = publish(trained, spec, market, clock(), outcome.promoted, run_id)
            rows.say(
                run_id,
                fence,
                stage="done",
                progress=1.0,
                eta_seconds=0,
                outcome="done",
                rows=2 * trained.pairs,
                beat_at=clock(),
                finished_at=clock(),
                version=fresh[0].version,
                verdict="promoted" if outcome.promoted else "refused",
                code=outcome.why,
                numbers=outcome.numbers,
            )
            if outcome.promoted:
                transaction.on_commit(nudge or wake)
        prune(market, clock())


def meet(trained: Trained, spec: LabelSpec, market: Binding) -> Contest:
    """Champions and challenger on the out-of-sample part, less what the champions have seen of it."""
    champion = champions(market.data_source, market.timeframe)
    if champion is None:
        return Contest(Why.FIRST)
    seen = max(seen_until(row) for row in rows.standing(market))
    fresh = trained.times[trained.after.bars] >= seen.timestamp()
    window = trained.after.where(fresh)
    if not len(window.bars):
        return Contest(Why.TOO_LITTLE, {"n": 0, "stretches": 0, "wanted": MIN_STRETCHES})
    votes, voters, _ = ask(champion.members, window.stacked()[0])
    if not voters:
        return Contest(Why.FIRST)
    whole = {member.kind for member in voters} == set(LEARNERS)
    found = judge(champion.blend(votes), trained.confidence[:, fresh], window.labels, window.bars, spec.horizon, whole)
    ends = trained.times[window.bars[[0, -1]]]
    return replace(
        found,
        numbers=found.numbers
        | {
            "against": sorted({member.version for member in voters}),
            "voters": [member.kind for member in voters],
            "since": at_second(ends[0]).isoformat(),
            "until": at_second(ends[1]).isoformat(),
        },
    )


def seen_until(row: ModelVersion) -> datetime:
    """From here on no candle had a part in this model; where that was not written down, nothing before it was made."""
    return row.fitted_until or row.trained_at


def at_second(stamp: float) -> datetime:
    return datetime.fromtimestamp(int(stamp), UTC)


class Told:
    """The run's row tells how it ended, whatever ended it. Too little history is an answer, not an accident.

    A process that is asked to end hands the run back: the next one need not wait until this one counts as dead.
    """

    def __init__(self, run_id: int, fence: int, clock: Callable[[], datetime]) -> None:
        self.run_id, self.fence, self.clock = run_id, fence, clock

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, rows.Ended):
            if rows.hand_back(self.run_id, self.fence, self.clock()):
                ring("trading.train", self.run_id, queue="train")
        elif error is not None:
            why = str(error) if isinstance(error, TooLittle) else f"{type(error).__name__}: {error}"
            rows.fail(self.run_id, self.fence, self.clock(), why)
        return isinstance(error, TooLittle | rows.Superseded | rows.Ended)


class Meter:
    """Writes progress about once a second, with the seconds that are left at this pace."""

    def __init__(self, run_id: int, fence: int, clock: Callable[[], datetime]) -> None:
        self.run_id, self.fence, self.clock = run_id, fence, clock
        self.began = self.said = time.monotonic()

    def __call__(self, stage: str, share: float) -> None:
        if ENDING.is_set():
            raise rows.Ended(f"asked to end before {stage}")
        now = time.monotonic()
        if share and now - self.said < 1:
            return
        self.said = now
        left = (now - self.began) * (1 - share) / share if share else None
        rows.say(self.run_id, self.fence, stage=stage[:80], progress=share, eta_seconds=left, beat_at=self.clock())


def wake() -> None:
    """The last closed bar is judged at once by what was learned; what was learned is looked at."""
    ring("trading.tick", "executor", "trainer")
    ring("trading.tick", "model_supervisor", "trainer", queue="work")


# -- out to the disk --------------------------------------------------------------------------------------------------


def root() -> Path:
    return Path(settings.VAR) / "models"


def publish(
    trained: Trained,
    spec: LabelSpec,
    market: Binding,
    now: datetime,
    promoted: bool = True,
    run_id: int | None = None,
) -> list[ModelVersion]:
    """Write the files; make their rows champions and retire the old ones, or put them on the shelf as challengers."""
    version = f"{now:%Y%m%dT%H%M%S}"
    mark = manifest.digest(b"".join(one.content for one in trained.models))[:8]
    folder = Path(plain(market.data_source)) / market.timeframe / f"{version}-{mark}"
    fresh = []
    for one in trained.models:
        paper = manifest.write(one, trained, version, spec, market, now)
        write(root() / folder / f"{one.kind}.{one.suffix}", one.content)
        write(root() / folder / f"{one.kind}.manifest", paper)
        fresh.append(as_row(one, trained, paper, folder, version, spec, market, now))
        fresh[-1].status = ModelVersion.CHAMPION if promoted else ModelVersion.CHALLENGER
        fresh[-1].run_id = run_id
    rows.promote(fresh, market) if promoted else rows.shelve(fresh)
    return fresh


def rollback(version: str) -> list[ModelVersion]:
    """Retired models of this version back on the stage, each file proven first; else `ModelBroken`."""
    market = current()
    old = [row for row in rows.standing(market, (ModelVersion.RETIRED,)) if row.version == version]
    if not old or any(row.pruned_at for row in old):
        raise ModelBroken(f"there are no files of version {version} any more" if old else f"no version {version}")
    for row in old:
        load(row, market)
    rows.reinstate(old, market)
    return old


def prune(market: Binding, now: datetime) -> list[ModelVersion]:
    """Remove the files of those that left the stage long ago: of each kind and status the newest few stay."""
    count: Counter[tuple[str, str]] = Counter()
    old = []
    for row in rows.left_the_stage(market):
        count[row.kind, row.status] += 1
        if count[row.kind, row.status] > KEPT:
            old.append(row)
    for row in old:
        remove(row.path)
    rows.pruned(old, now)
    return old


def remove(path: str) -> None:
    """A model's file and its manifest, and their folder when it is empty; nothing outside of var/models."""
    whole = root() / path
    if not whole.resolve().is_relative_to(root().resolve()):
        return
    for file in (whole, whole.with_suffix(".manifest")):
        file.unlink(missing_ok=True)
    with suppress(OSError):  # another model of the version is still in it
        whole.parent.rmdir()


def as_row(
    one: Fitted,
    trained: Trained,
    paper: bytes,
    folder: Path,
    version: str,
    spec: LabelSpec,
    market: Binding,
    now: datetime,
) -> ModelVersion:
    return ModelVersion(
        kind=one.kind,
        version=version,
        **asdict(market),
        trained_at=now,
        fitted_until=at_second(trained.times[trained.border]),
        path=str(folder / f"{one.kind}.{one.suffix}"),
        sha256=manifest.digest(one.content),
        features=list(features.NAMES),
        metrics={
            "base_rate": trained.base_rate,
            "in_sample": one.in_sample,
            "out_of_sample": one.out_of_sample,
            "ensemble": {"out_of_sample": trained.ensemble, "calibration": trained.reliability},
            "learned_from": {"symbols": trained.symbols, "bars": trained.bars, "pairs": trained.pairs},
        },
        calibration=one.reliability,
        settings={"label": asdict(spec), "manifest_sha256": manifest.digest(paper), "features_hash": features.HASH},
    )


def plain(name: str) -> str:
    """A data source's name as a folder: nothing in it can climb."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:80]


def write(path: Path, content: bytes) -> None:
    """The whole file or none of it, also when the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


# -- in from the disk -------------------------------------------------------------------------------------------------


def champions(source: str, timeframe: str) -> Ensemble | None:
    """Who may vote on this market, loaded and verified; None where nobody may. Warm until a row or a file changes."""
    market, spec = binding(source, timeframe), spec_from(settings.QUANTUM)
    known = rows.standing(market, (ModelVersion.CHAMPION, ModelVersion.QUARANTINED))
    able = [row for row in known if row.status == ModelVersion.CHAMPION and answers(row, spec)]
    (_shaky.add if any(row.faults for row in able) else _shaky.discard)(market)
    state = tuple((row.pk, row.status, stamp(row)) for row in known)
    key = (market, spec, root())
    if key not in _warm or _warm[key][0] != state:
        _warm[key] = (state, assemble(able, known, market, spec))
    return _warm[key][1]


def heed(forecast: Forecast) -> None:
    """Count who gave no usable answer; the third batch in a row quarantines, but never the last that stands."""
    market = current()
    if not forecast.excluded and market not in _shaky:
        return
    mute = {(no.kind, no.version): no.why for no in forecast.excluded}
    spoke = {(poll.kind, poll.version) for poll in forecast.polls}
    rows.count_faults(market, mute, spoke, MOST_FAULTS)


def answers(row: ModelVersion, spec: LabelSpec) -> bool:
    """It learned the question that is asked."""
    return row.settings.get("label") == asdict(spec)


def assemble(able: list[ModelVersion], known: list[ModelVersion], market: Binding, spec: LabelSpec) -> Ensemble | None:
    members, blends = [], []
    versions = {row.version for row in able}
    excluded = [
        Excluded(row.kind, row.version, row.alarm)
        for row in known
        if row.status == ModelVersion.QUARANTINED and row.version in versions
    ]
    for row in able:
        try:
            member, paper = load(row, market)
        except ModelBroken as broken:
            rows.quarantine(row, str(broken))
            excluded.append(Excluded(row.kind, row.version, str(broken)[:300]))
            continue
        members.append(member)
        blends.append(paper.blend)
    return Ensemble(tuple(members), blends[0], spec, tuple(excluded)) if members else None


def load(row: ModelVersion, market: Binding) -> tuple[Member, manifest.Manifest]:
    """One model, from bytes whose digest its row knows. Raises `ModelBroken`."""
    if row.kind not in LEARNERS:
        raise ModelBroken(f"nobody knows how to load a {row.kind}")
    content = proven(row.path, row.sha256)
    paper = manifest.read(proven(str(Path(row.path).with_suffix(".manifest")), row.settings.get("manifest_sha256", "")))
    manifest.check(paper, market, row.sha256)
    learner = LEARNERS[row.kind]
    return Member(learner, row.version, learner.load(content), paper.platt), paper


def proven(path: str, wanted: str) -> bytes:
    """A file's content if it is what was written; what is loaded is what was hashed."""
    content = read(path)
    if (found := manifest.digest(content)) != wanted:
        raise ModelBroken(f"{Path(path).name} has changed: SHA-256 {found[:12]}, expected {wanted[:12]}")
    return content


def read(path: str) -> bytes:
    """A regular file inside var/models; no link, no way out."""
    whole = root() / path
    if not whole.resolve().is_relative_to(root().resolve()):
        raise ModelBroken(f"{path} lies outside of {root()}")
    try:
        handle = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ModelBroken(f"{whole.name} can't be opened: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST_FILE:
            raise ModelBroken(f"{whole.name} is no model file")
        return file.read(LARGEST_FILE)


def stamp(row: ModelVersion) -> tuple[int, ...]:
    """Changes when the model's file or its manifest does."""
    stamps: list[int] = []
    for path in (root() / row.path, (root() / row.path).with_suffix(".manifest")):
        try:
            facts = path.lstat()
        except OSError:
            stamps += [0, 0, 0]
        else:
            stamps += [facts.st_mtime_ns, facts.st_size, facts.st_ino]
    return tuple(stamps)
