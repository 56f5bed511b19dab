"""The models' shell: trains on stored candles, keeps files below var/models, and lets nobody vote who isn't proven.

A training, step by step:
1. `request_training` makes the one running row and, after commit, rings `trading.train`.
2. `train` claims it (a fencing token; a killed one is taken over), loads candles, learns, and beats each second.
3. Files are written (each at once or not at all), then rows: new champions in, old ones out, run done, in one
   transaction; after it the executor is rung, so that the last closed bar is judged at once.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from threadpoolctl import threadpool_limits

from trading.events import ring
from trading.feed import rows as feed_rows
from trading.forecast import features, manifest, rows
from trading.forecast.belief import Excluded, LabelSpec
from trading.forecast.ensemble import Ensemble, Member
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

_warm: dict[tuple[Binding, LabelSpec, Path], tuple[object, Ensemble | None]] = {}


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


def request_training(now: datetime, by: str) -> TrainingRun:
    """The one training there is at a time; a new one where there is none."""
    with transaction.atomic():
        run, new = rows.request(now, by)
        if new:
            transaction.on_commit(lambda: ring("trading.train", run.pk, queue="train"))
    return run


def train(
    run_id: int,
    clock: Callable[[], datetime] = timezone.now,
    size: Size = Size(),
    nudge: Callable[[], object] | None = None,
) -> None:
    """Do the run: load, learn, write, promote. `nudge` is called after commit; by default it wakes the executor."""
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
        with transaction.atomic():
            publish(trained, spec, market, clock())
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
            )
            transaction.on_commit(nudge or wake_executor)


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


def wake_executor() -> None:
    ring("trading.tick", "executor", "trainer")


# -- out to the disk --------------------------------------------------------------------------------------------------


def root() -> Path:
    return Path(settings.VAR) / "models"


def publish(trained: Trained, spec: LabelSpec, market: Binding, now: datetime) -> list[ModelVersion]:
    """Write the files, make their rows champions, retire the old ones."""
    version = f"{now:%Y%m%dT%H%M%S}"
    mark = manifest.digest(b"".join(one.content for one in trained.models))[:8]
    folder = Path(plain(market.data_source)) / market.timeframe / f"{version}-{mark}"
    fresh = []
    for one in trained.models:
        paper = manifest.write(one, trained, version, spec, market, now)
        write(root() / folder / f"{one.kind}.{one.suffix}", one.content)
        write(root() / folder / f"{one.kind}.manifest", paper)
        fresh.append(as_row(one, trained, paper, folder, version, spec, market, now))
    rows.promote(fresh, market)
    return fresh


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
        status=ModelVersion.CHAMPION,
        **asdict(market),
        trained_at=now,
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
    state = tuple((row.pk, row.status, stamp(row)) for row in known)
    key = (market, spec, root())
    if key not in _warm or _warm[key][0] != state:
        _warm[key] = (state, assemble(able, known, market, spec))
    return _warm[key][1]


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
