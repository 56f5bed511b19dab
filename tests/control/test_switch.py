import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command

from monitoring.control import audit
from monitoring.control.actions import BadRequest, Stale, set_switch
from monitoring.control.permissions import ADMIN, OPERATOR, RISK_OFFICER, VIEWER, NotAllowed, machine
from monitoring.models import AuditEntry
from trading.models import SwitchChange

pytestmark = pytest.mark.django_db


def test_a_stop_takes_one_click_and_leaves_a_row_and_an_audit_row(user, now):
    done = set_switch("halted", "", user("olga", OPERATOR), now)
    assert (done.changed, done.was, done.state, done.by) == (True, "active", "halted", "olga")
    assert SwitchChange.objects.latest().state == "halted"
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.action, entry.before, entry.after) == (
        "olga",
        "switch",
        {"state": "active"},
        {"state": "halted"},
    )
    assert audit.verify().ok


def test_asking_again_changes_nothing(user, now):
    olga = user("olga", OPERATOR)
    set_switch("reducing", "news", olga, now)
    again = set_switch("reducing", "other words", olga, now)
    assert (again.changed, again.reason, again.by) == (False, "news", "olga")
    assert SwitchChange.objects.count() == AuditEntry.objects.count() == 1


def test_back_to_trading_needs_a_reason_and_a_risk_officer(user, now):
    set_switch("halted", "news", machine("test"), now)
    with pytest.raises(NotAllowed, match="risk officer"):
        set_switch("active", "all fine", user("olga", OPERATOR, ADMIN), now)
    rita = user("rita", RISK_OFFICER)
    with pytest.raises(BadRequest, match="needs a reason"):
        set_switch("reducing", "  ", rita, now)
    assert set_switch("active", "all fine", rita, now).state == "active"


def test_a_release_holds_only_for_the_halt_that_was_seen(user, now):
    rita = user("rita", RISK_OFFICER)
    first = set_switch("halted", "a release", rita, now)
    assert set_switch("active", "it is out", rita, now, first.change).changed
    second = set_switch("halted", "smoke", rita, now)
    for state in ("active", "reducing"):
        with pytest.raises(Stale, match="rita has moved the switch to halted meanwhile"):
            set_switch(state, "it is out", rita, now, first.change)
    assert SwitchChange.objects.latest().pk == second.change and AuditEntry.objects.count() == 3
    assert set_switch("active", "no fire", rita, now, str(second.change)).state == "active"


def test_a_state_that_was_seen_is_enough_and_another_is_not(user, now):
    rita = user("rita", RISK_OFFICER)
    set_switch("halted", "news", rita, now)
    with pytest.raises(Stale):
        set_switch("active", "over", rita, now, "reducing")
    assert set_switch("active", "over", rita, now, "halted").changed


@pytest.mark.parametrize("shown", [0, 7, "active", "nonsense"])
def test_a_stop_is_never_too_late(user, now, shown):
    olga = user("olga", OPERATOR)
    set_switch("reducing", "news", olga, now)
    assert set_switch("halted", "", olga, now, shown).changed
    assert not set_switch("halted", "", olga, now, shown).changed


def test_who_may_not_release_is_told_so_and_not_that_the_page_is_old(user, now):
    set_switch("halted", "news", machine("test"), now)
    with pytest.raises(NotAllowed):
        set_switch("active", "over", user("olga", OPERATOR), now, 0)


@pytest.mark.parametrize("roles", [(), (VIEWER,)])
def test_whoever_only_looks_moves_nothing(user, now, roles):
    with pytest.raises(NotAllowed):
        set_switch("halted", "news", user("vera", *roles), now)
    assert not SwitchChange.objects.exists()


def test_nobody_and_the_inactive_have_no_role(user, now):
    gone = user("gone", *[OPERATOR, RISK_OFFICER])
    gone.is_active = False
    for who in (AnonymousUser(), gone, None, "admin"):
        with pytest.raises(NotAllowed):
            set_switch("halted", "news", who, now)


@pytest.mark.parametrize(
    ("state", "reason", "field"),
    [
        ("on", "x", "state"),
        ("HALTED", "x", "state"),
        (None, "x", "state"),
        ("halted", "x" * 501, "reason"),
        ("halted", "nul \x00", "reason"),
        ("halted", "\ud800", "reason"),
        ("halted", 7, "reason"),
    ],
)
def test_a_request_without_sense_names_its_field(now, state, reason, field):
    with pytest.raises(BadRequest) as refused:
        set_switch(state, reason, machine("test"), now)
    assert refused.value.field == field


def test_the_command_says_what_it_did(user, capsys):
    user("rita", RISK_OFFICER)
    call_command("switch", "reducing", "--reason", "news at 14", "--as", "rita")
    assert "switch: active -> reducing by rita (news at 14)" in capsys.readouterr().out
    call_command("switch", "reducing", "--reason", "again")
    assert "already" in capsys.readouterr().out
    call_command("switch", "active", "--reason", "over")
    assert SwitchChange.objects.latest().by.startswith("command line (")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["halted", "--reason", " "], "blank"),
        (["halted", "--reason", "x", "--as", "nobody"], "no user 'nobody'"),
        (["halted"], "--reason"),
        (["off", "--reason", "x"], "invalid choice"),
    ],
)
def test_the_command_refuses_with_a_sentence(db, arguments, says):
    with pytest.raises(CommandError, match=says):
        call_command("switch", *arguments)
    assert not SwitchChange.objects.exists()


def test_the_command_has_the_rights_of_the_user_it_acts_as(user):
    user("vera", VIEWER)
    with pytest.raises(CommandError, match="vera may not do switch.stop"):
        call_command("switch", "halted", "--reason", "x", "--as", "vera")
