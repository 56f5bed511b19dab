from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from monitoring.control import actions, apikeys
from monitoring.control.permissions import OPERATOR, NotAllowed, machine
from monitoring.models import ApiKey, AuditEntry

pytestmark = pytest.mark.django_db


def test_a_key_finds_its_user_and_only_its_hash_is_stored(user, now):
    eva = user("eva")
    row, key = apikeys.create(eva, now)
    assert apikeys.lookup(key, now).user == eva
    assert key not in str(ApiKey.objects.values().get())
    assert key.startswith(row.prefix) and len(row.prefix) == 8


@pytest.mark.parametrize("key", ["", "x", "qt_wrong", "\x00", "\ud800", "å" * 10_000])
def test_a_wrong_key_finds_nobody(user, now, key):
    apikeys.create(user("eva"), now)
    assert apikeys.lookup(key, now) is None


def test_an_expired_a_revoked_and_an_orphaned_key_find_nobody(user, now):
    eva = user("eva")
    _, short = apikeys.create(eva, now, days=1)
    row, revoked = apikeys.create(eva, now)
    actions.revoke_key(row.pk, machine("test"), now)
    assert apikeys.lookup(short, now + timedelta(days=1)) is None
    assert apikeys.lookup(revoked, now) is None
    assert apikeys.lookup(short, now)
    eva.is_active = False
    eva.save()
    assert apikeys.lookup(short, now) is None


def test_its_last_use_is_kept_to_the_minute(user, now):
    row, key = apikeys.create(user("eva"), now)
    for seconds, kept in ((0, 0), (30, 0), (61, 61)):
        apikeys.lookup(key, now + timedelta(seconds=seconds))
        row.refresh_from_db()
        assert row.last_used_at == now + timedelta(seconds=kept)


def test_keys_are_made_by_admins_alone_and_audited(user, now):
    olga = user("olga", OPERATOR)
    with pytest.raises(NotAllowed):
        actions.create_key(olga, None, olga, now)
    row, key = actions.create_key(olga, 30, machine("test"), now)
    actions.revoke_key(row.pk, machine("test"), now)
    actions.revoke_key(row.pk, machine("test"), now)
    assert [entry.action for entry in AuditEntry.objects.all()] == ["apikey.create", "apikey.revoke"]
    assert key not in str(list(AuditEntry.objects.values()))


def test_why_a_key_was_ended_is_kept_in_one_tidy_line(user, now):
    row, _ = apikeys.create(user("eva"), now)
    with pytest.raises(actions.BadRequest, match="reason may have 500"):
        actions.revoke_key(row.pk, machine("test"), now, "x" * 501)
    actions.revoke_key(row.pk, machine("test"), now, " leaked\nin a chat ")
    assert AuditEntry.objects.get().reason == "leaked in a chat"


def test_the_command_shows_a_key_once(user, capsys):
    user("eva")
    call_command("apikey", "create", "--user", "eva", "--days", "7")
    key = capsys.readouterr().out.splitlines()[0].removeprefix("api_key: ")
    row = ApiKey.objects.get(digest=apikeys.digest(key))
    call_command("apikey", "list")
    listed = capsys.readouterr().out
    assert "eva" in listed and "living" in listed and key not in listed
    call_command("apikey", "revoke", str(row.pk))
    call_command("apikey", "list")
    assert "revoked" in capsys.readouterr().out


def test_the_command_keeps_why_a_key_was_made_and_ended(user):
    user("eva")
    call_command("apikey", "create", "--user", "eva", "--reason", "for the scraper")
    call_command("apikey", "revoke", str(ApiKey.objects.get().pk), "--reason", " leaked\nin a chat ")
    told = AuditEntry.objects.order_by("seq").values_list("action", "reason")
    assert list(told) == [("apikey.create", "for the scraper"), ("apikey.revoke", "leaked in a chat")]


def test_nobody_gets_a_key_that_opens_nothing(user, now):
    eva = user("eva")
    eva.is_active = False
    with pytest.raises(actions.BadRequest, match="eva is not active"):
        actions.create_key(eva, None, machine("test"), now)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "--user", "nobody"], "no user 'nobody'"),
        (["create", "--user", "eva", "--days", "0"], "days must be within"),
        (["create", "--user", "eva", "--days", "x"], "invalid int"),
        (["revoke", "99"], "no API key 99"),
        (["create", "--user", "eva", "--reason", "x" * 501], "reason may have 500"),
        ([], "required"),
    ],
)
def test_the_command_refuses_with_a_sentence(user, arguments, says):
    user("eva")
    with pytest.raises(CommandError, match=says):
        call_command("apikey", *arguments)
