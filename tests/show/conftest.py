"""What the tests of pages, API and live channel share."""

import pytest
from django.core.cache import caches
from django.utils import timezone

from tests.show import factories as make


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def reader(db, client):
    """A logged-in client with all roles."""
    client.force_login(make.user())
    return client


@pytest.fixture(autouse=True)
def forgetful(settings):
    """No remembered logins or answers from the test before; passwords hashed the quick way."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for room in caches:
        caches[room].clear()
