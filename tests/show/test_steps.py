"""The first ten minutes: lines are ticked by what happened."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from monitoring.control import actions
from monitoring.models import Incident
from monitoring.show.steps import checklist
from tests.show import factories as make
from trading.models import Decision, PreflightRun

pytestmark = pytest.mark.django_db


def done(user):
    return [step.name for step in checklist(user).steps if step.done_at]


def test_nothing_is_ticked_in_a_fresh_house(reader):
    assert done(User.objects.get()) == []
    assert "The first ten minutes" in reader.get("/").content.decode()


def test_each_line_is_ticked_by_what_happened(reader, now):
    user = User.objects.get()
    make.no_trades(now)
    rejected = Decision.objects.filter(outcome="rejected").latest("id")
    reader.get(f"/decisions/{rejected.pk}/")
    assert done(user) == ["rejection"]
    actions.set_switch("reducing", "trying it", user, now)
    assert done(user) == ["rejection", "pause"]
    seen = {"first_seen": now, "last_seen": now, "key": "FEED:x", "code": "X", "subsystem": "feed", "severity": "high"}
    Incident.objects.create(**seen)
    assert "heal" not in done(user)
    Incident.objects.update(verified=True, closed_at=now + timedelta(seconds=30))
    assert "heal" in done(user)
    PreflightRun.objects.create(
        mode="testnet",
        venue="v",
        account="a",
        full=True,
        requested_by="u",
        requested_at=now,
        finished_at=now,
        passed=True,
    )
    assert done(user) == ["rejection", "pause", "heal", "testnet"]


def test_it_can_be_put_away_for_good(reader):
    assert reader.post("/first-steps/", {"away": "1"}).status_code == 302
    assert checklist(User.objects.get()) is None
    assert "The first ten minutes" not in reader.get("/").content.decode()


def test_a_stop_is_seen_where_the_exchange_has_shown_one(reader, now):
    user = User.objects.get()
    reader.get("/positions/")
    assert done(user) == []
    position = make.position("SOL/USDT:USDT", now)
    make.guard(position, "stop", "27.65", now - timedelta(minutes=5))  # too long ago
    reader.get("/positions/")
    assert done(user) == []
    other = make.position("BTC/USDT:USDT", now)
    make.guard(other, "stop", "29942", now)
    reader.get("/positions/")
    assert done(user) == ["stop"]


def test_what_comes_next_leads_somewhere(reader, now):
    make.no_trades(now)
    page = reader.get("/").content.decode()
    assert "0 of 5 done, next: Read a rejection" in page
    line = checklist(User.objects.get()).next
    assert reader.get(line.href).status_code == 200
    assert 'href="/incidents/#try"' in page and 'href="/replay/?play=198"' in page
