"""What the tests of alerts share."""

from datetime import UTC, datetime

import pytest


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
