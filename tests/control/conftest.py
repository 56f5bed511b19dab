"""Users with roles, and a moment in time."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from monitoring.control.permissions import grant

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def user(db):
    """A maker of users with the given roles."""

    def make(name: str, *roles: str) -> User:
        made = User.objects.create_user(name, password="correct horse battery")
        grant(made, roles)
        return made

    return make
