from datetime import timedelta

import pytest

from monitoring.control import login
from monitoring.models import LoginToken

pytestmark = pytest.mark.django_db


def test_a_token_logs_in_once(user, now):
    eva = user("eva")
    token = login.issue(eva, now)
    assert login.redeem(token, now + timedelta(minutes=14)) == eva
    assert login.redeem(token, now + timedelta(minutes=14)) is None


@pytest.mark.parametrize("later", [timedelta(minutes=15), timedelta(days=2)])
def test_a_token_is_over_after_15_minutes(user, now, later):
    token = login.issue(user("eva"), now)
    assert login.redeem(token, now + later) is None


def test_an_inactive_user_and_a_wrong_token_do_not_log_in(user, now):
    eva = user("eva")
    token = login.issue(eva, now)
    eva.is_active = False
    eva.save()
    assert login.redeem(token, now) is None
    for wrong in ("", "x", "\x00", "\ud800", token[:-1]):
        assert login.redeem(wrong, now) is None


def test_only_the_hash_is_stored_and_old_tokens_are_cleared(user, now):
    eva = user("eva")
    token = login.issue(eva, now)
    assert token not in str(LoginToken.objects.values().get())
    login.issue(eva, now + timedelta(hours=1))
    assert LoginToken.objects.count() == 1


def test_the_link_carries_the_token_in_its_fragment():
    assert login.link("abc", 8000) == "http://127.0.0.1:8000/login/#token=abc"
