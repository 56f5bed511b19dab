import stat

import pytest
from django.contrib.auth.models import User

from monitoring.control import apikeys, firstuser, installation
from monitoring.control.permissions import ROLES, person
from trading.models import Installation

pytestmark = pytest.mark.django_db


def test_the_first_user_is_made_once_with_every_role(tmp_path, now):
    path = tmp_path / "first-login.txt"
    told = firstuser.ensure(path, now)
    user = User.objects.get()
    assert user.check_password(told.password)
    assert person(user).roles == frozenset(ROLES)
    assert apikeys.lookup(told.api_key, now).user == user
    assert firstuser.owner() == user
    assert firstuser.ensure(path, now) is None
    assert User.objects.count() == 1


def test_the_file_has_three_lines_that_only_its_owner_reads(tmp_path, now):
    path = tmp_path / "first-login.txt"
    told = firstuser.ensure(path, now)
    assert path.read_text() == f"user: admin\npassword: {told.password}\napi_key: {told.api_key}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_database_of_the_installation_opens_with_the_same_login(tmp_path, now):
    path = tmp_path / "first-login.txt"
    told = firstuser.ensure(path, now)
    User.objects.all().delete()
    assert firstuser.ensure(path, now) == told
    assert User.objects.get().check_password(told.password)


@pytest.mark.parametrize("content", ["", "user: admin\n", "password: \nuser: x\napi_key: y\n", "junk\x00"])
def test_a_spoilt_file_is_replaced(tmp_path, now, content):
    path = tmp_path / "first-login.txt"
    path.write_text(content)
    told = firstuser.ensure(path, now)
    assert firstuser.read(path) == told
    assert len(told.password) >= 20 and len(told.api_key) > 40


def test_a_database_belongs_to_one_mode_and_market(now):
    installation.stamp("practice", "practice exchange, synthetic", now)
    installation.stamp("practice", "practice exchange, synthetic", now)
    assert Installation.objects.count() == 1
    for mode, venue in (("testnet", "binanceusdm demo"), ("practice", "practice exchange, recorded:x")):
        with pytest.raises(installation.WrongDatabase, match="belongs to QT_MODE=practice on practice exchange"):
            installation.stamp(mode, venue, now)
