"""Which build this is: the commit's short hash, or the version where there is no repository."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

VERSION = "0.3.0"


def commit(root: Path) -> str:
    """The checked-out commit, read from git's own files."""
    head = root / ".git" / "HEAD"
    try:
        text = head.read_text().strip()
        if not text.startswith("ref: "):
            return text[:7]
        ref = text.removeprefix("ref: ")
        loose = root / ".git" / ref
        if loose.exists():
            return loose.read_text().strip()[:7]
        packed = (root / ".git" / "packed-refs").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split()[0][:7] for line in packed if line.endswith(f" {ref}")), "")


BUILD = commit(settings.BASE_DIR) or VERSION
