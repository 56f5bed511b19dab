"""A line of our logs, in either format, as a value. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

TEXT = re.compile(r"^(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[,.]\d+ (?P<level>[A-Z]+) +(?P<text>.*)")
SEVERE = frozenset({"ERROR", "CRITICAL"})
TROUBLE = SEVERE | {"WARNING"}


@dataclass(frozen=True, slots=True)
class Line:
    """One record: `text` is its logger and message, `raised` what its traceback ends in, where both are one line."""

    at: datetime
    level: str
    text: str
    raised: str = ""


def parse(line: str) -> Line | None:
    """None for what is no record's first line: a traceback, or what a library printed."""
    if line.startswith("{"):
        return from_json(line)
    found = TEXT.match(line)
    return from_text(found) if found else None


def from_text(found: re.Match[str]) -> Line | None:
    try:
        return Line(datetime.fromisoformat(found["at"]).replace(tzinfo=UTC), found["level"], found["text"])
    except ValueError:  # a day or an hour that there is none of
        return None


def from_json(line: str) -> Line | None:
    """A time without its zone is nobody's record."""
    try:
        told = json.loads(line)
        at = datetime.fromisoformat(told["time"])
        if at.tzinfo is None:
            return None
        error = told.get("error") or {}
        raised = f"{error['type']}: {error['text']}" if error else ""
        return Line(at, str(told["level"]), f"{told['logger']}: {told['message']}", raised)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
