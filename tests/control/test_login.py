from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from monitoring.control import login
from monitoring.models import LoginToken

pytestmark = pytest.mark.django_db


def test_a_token_logs_in_once(user, now):
    eva = user("eva")
    token = login.issue(eva, now)
    assert login.redeem(token, now + timedelta(minutes=14)) == eva
    assert login.redeem(token, now + timedelta(minutes=14)) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_redeem_a_token_at_once_one_logs_in(user, now):
    start = Barrier(8)

    def one(token: str) -> bool:
        start.wait()
        try:
            return login.redeem(token, now) is not None
        finally:
            connection.close()

    token = login.issue(user("eva"), now)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, [token] * 8)) == 1


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
