"""What tests share."""

import os
from pathlib import Path

import pytest
from django.utils import translation

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of recorded market data; its absence skips, in CI it fails."""
    if not DATA.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"recorded market data is missing in CI: {DATA}")
        pytest.skip(f"no recorded market data at {DATA}")
    return DATA


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL and Redis only what touches them runs again: database tests, and those marked `services`."""
    if not os.environ.get("DATABASE_URL"):
        return
    chosen = [item for item in items if touches_services(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def touches_services(item: pytest.Item) -> bool:
    if item.get_closest_marker("services"):
        return True
    fixtures = getattr(item, "fixturenames", ())
    touches = item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(fixtures)
    return bool(touches) and not item.get_closest_marker("browser") and not item.get_closest_marker("slow")


@pytest.fixture(autouse=True)
def speaking_english():
    """A page that was asked for in another language leaves that language to the thread, as requests do."""
    yield
    translation.deactivate()
