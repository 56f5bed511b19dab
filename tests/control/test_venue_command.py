"""`manage.py venue`: the whole way from the command line, against a second practice exchange."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.models import AuditEntry
from quantum.config import load
from tests.practice.running import Running
from trading.exchange import rows
from trading.models import PreflightRun

pytestmark = pytest.mark.django_db


def said(*words):
    out = StringIO()
    call_command("venue", *words, stdout=out)
    return out.getvalue()


def test_status_check_start_stop(settings, tmp_path):
    with Running(tmp_path) as second:
        keys = {"QT_API_KEY": "practice", "QT_API_SECRET": "practice"}
        settings.QUANTUM = load({"QT_MODE": "testnet", "QT_TESTNET_URL": second.url} | keys)
        assert "has not been checked" in said("status")
        with pytest.raises(CommandError, match="have not passed"):
            call_command("venue", "start", "--reason", "early")
        told = said("check", "--reason", "a new key")
        assert told.count("Passed") == 11 and "All checks have passed" in told
        assert "nobody has pressed start" in said("status")
        with pytest.raises(CommandError, match="needs a reason"):
            call_command("venue", "start")
        assert "started by command line" in said("start", "--reason", "a rehearsal")
        assert "Entries are allowed" in said("status") and rows.waiting() == {}
        assert "no new entries" in said("stop")
        with pytest.raises(CommandError, match="in 1?[0-9] s"):
            call_command("venue", "check")
    told = [e.action for e in AuditEntry.objects.order_by("seq")]
    assert told == ["venue.check.request", "venue.check", "venue.start", "venue.stop"]
    assert AuditEntry.objects.get(action="venue.check.request").reason == "a new key"


def test_a_failed_round_is_told_with_what_to_do_and_fails(settings):
    settings.QUANTUM = load(
        {"QT_MODE": "testnet", "QT_TESTNET_URL": "http://127.0.0.1:9", "QT_API_KEY": "k", "QT_API_SECRET": "s"}
    )
    out = StringIO()
    with pytest.raises(CommandError, match="Not all checks have passed"):
        call_command("venue", "check", stdout=out)
    assert "Nobody answered" in out.getvalue() and "Check the network" in out.getvalue()
    assert PreflightRun.objects.get().finished_at <= timezone.now()
    assert "10 of 11 checks have not passed" in said("status")
