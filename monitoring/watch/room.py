"""How much room is left on the disk that our data lie on, and how little is too little."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

BALLAST = ".drill-ballast"  # in practice mode: bytes that a drill pretends to have taken
SHARE, BYTES = 0.1, 1_000_000_000  # of the disk that must be left, but never more than so much


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes; `total` is 0 where nothing is known."""

    free: int = 0
    total: int = 0

    @property
    def limit(self) -> int:
        return min(round(self.total * SHARE), BYTES)

    @property
    def short(self) -> bool:
        return self.free < self.limit


def look(folder: Path) -> Room:
    usage = shutil.disk_usage(folder)
    return Room(max(0, usage.free - pretended(folder)), usage.total)


def pretended(folder: Path) -> int:
    if settings.QUANTUM.mode != "practice":
        return 0
    try:
        return int((folder / BALLAST).read_text())
    except (OSError, ValueError):
        return 0
