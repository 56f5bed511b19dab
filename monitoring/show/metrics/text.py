"""Prometheus' text format, version 0.0.4. Pure. A sample without a value is left out: what is not known is no 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

Sample = tuple[Mapping[str, str], float | None]
Samples = list[Sample] | float | None


def gauge(name: str, about: str, samples: Samples) -> str:
    return family(f"quantum_{name}", "gauge", about, samples)


def counter(name: str, about: str, samples: Samples) -> str:
    return family(f"quantum_{name}", "counter", about, samples)


def states(name: str, about: str, label: str, every: Iterable[str], now: str | None) -> str:
    """One sample for each state, 1 for the one that is; none where that is not known."""
    return gauge(name, about, [({label: state}, state == now) for state in every] if now is not None else None)


def family(name: str, kind: str, about: str, samples: Samples) -> str:
    """One metric; nothing at all where it has no sample."""
    known = samples if isinstance(samples, list) else [({}, samples)]
    lines = [line(name, labels, value) for labels, value in known if value is not None]
    return f"# HELP {name} {about}\n# TYPE {name} {kind}\n{''.join(lines)}" if lines else ""


def line(name: str, labels: Mapping[str, Any], value: float) -> str:
    told = ",".join(f'{key}="{escaped(str(text))}"' for key, text in labels.items())
    return f"{name}{{{told}}} {float(value):.15g}\n" if told else f"{name} {float(value):.15g}\n"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def since(at: datetime | None, now: datetime) -> float | None:
    """Seconds since then."""
    return (now - at).total_seconds() if at else None
