"""Writes docs/causes.md from the catalogue of causes."""

import os
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


def write(home: Path = HOME) -> Path:
    """The page, replaced as a whole."""
    from monitoring.watch.diagnosis.catalogue import CATALOGUE
    from monitoring.watch.diagnosis.table import markdown

    page = home / "docs/causes.md"
    page.write_text(markdown(CATALOGUE), encoding="utf-8")
    return page


if __name__ == "__main__":
    import django

    sys.path.insert(0, str(HOME))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quantum.settings")
    django.setup()
    print(write())
