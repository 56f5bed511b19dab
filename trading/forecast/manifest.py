"""What stands beside a model's file: what it is, what it learned from, and for whom it may vote."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from trading.forecast import features
from trading.forecast.belief import LabelSpec
from trading.forecast.calibration import Blend, Platt
from trading.forecast.learners import ModelBroken
from trading.forecast.training import Fitted, Trained

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Binding:
    """The market that a model belongs to; it votes nowhere else."""

    venue_family: str
    data_source: str
    timeframe: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model's papers, read back."""

    kind: str
    version: str
    file: str
    sha256: str
    features: tuple[str, ...]
    features_hash: str
    label: LabelSpec
    binding: Binding
    platt: Platt
    blend: Blend


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def write(one: Fitted, trained: Trained, version: str, label: LabelSpec, binding: Binding, at: datetime) -> bytes:
    paper = {
        "format": FORMAT,
        "kind": one.kind,
        "version": version,
        "file": f"{one.kind}.{one.suffix}",
        "sha256": digest(one.content),
        "features": list(features.NAMES),
        "features_hash": features.HASH,
        "label": asdict(label),
        "binding": asdict(binding),
        "platt": asdict(one.platt),
        "blend": list(trained.blend.weights),
        "trained_at": at.isoformat(),
        "learned_from": {"symbols": trained.symbols, "bars": trained.bars, "pairs": trained.pairs},
        "base_rate": trained.base_rate,
        "in_sample": one.in_sample,
        "out_of_sample": one.out_of_sample,
    }
    return json.dumps(paper, indent=1).encode()


def read(content: bytes) -> Manifest:
    try:
        paper: dict[str, Any] = json.loads(content)
        if paper["format"] != FORMAT:
            raise ModelBroken(f"its manifest has format {paper['format']}, expected {FORMAT}")
        return Manifest(
            kind=paper["kind"],
            version=paper["version"],
            file=paper["file"],
            sha256=paper["sha256"],
            features=tuple(paper["features"]),
            features_hash=paper["features_hash"],
            label=LabelSpec(**paper["label"]),
            binding=Binding(**paper["binding"]),
            platt=Platt(**paper["platt"]),
            blend=Blend(tuple(paper["blend"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelBroken(f"its manifest can't be read: {error}") from None


def check(paper: Manifest, binding: Binding, file_digest: str) -> None:
    """Raise `ModelBroken` unless this file, for this market and these features, is what the manifest speaks of."""
    if paper.sha256 != file_digest:
        raise ModelBroken(f"its manifest speaks of another file ({paper.sha256[:12]}, not {file_digest[:12]})")
    if paper.binding != binding:
        raise ModelBroken(f"it learned from {paper.binding}, and may not vote for {binding}")
    if paper.features != features.NAMES or paper.features_hash != features.HASH:
        raise ModelBroken(f"it was trained on other features ({paper.features_hash[:12]}, not {features.HASH[:12]})")
