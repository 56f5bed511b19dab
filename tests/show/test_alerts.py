"""The alerts' page and API."""

import pytest

from monitoring.control import alerts as control
from monitoring.control.actions import Stale
from monitoring.models import Alert, AlertDelivery, AuditEntry
from monitoring.watch.alerts import minutes, outbox
from monitoring.watch.alerts.modules import Notifier
from monitoring.watch.alerts.routing import Habits
from monitoring.watch.alerts.sources import Wanted
from quantum.config import load
from tests.show import factories as make

pytestmark = pytest.mark.django_db
URL = "jsons://bob:hunter2hunter2@hooks.example.com/q"


@pytest.fixture
def channel(settings):
    settings.QUANTUM = load({"QT_ALERT_URLS": URL, "QT_ALERT_QUIET_HOURS": "22:00-07:00"})
    return settings.QUANTUM.alert_channels[0].name


def page_of(now):
    params = {"incident": "STREAM_SILENT", "seconds": 42.0, "limit": 20.0}
    return Wanted("incident:STREAM_SILENT", "page", "INCIDENT", "operator", "/incidents/", now, params)


def test_without_an_address_the_page_says_so(client, now):
    client.force_login(make.user())
    text = client.get("/alerts/").content.decode()
    assert "Nobody is told when something breaks" in text
    assert "QT_ALERT_URLS" in text
    assert "Nothing had to be told yet" in text


def test_the_page_shows_what_was_told_and_no_secret(client, now, channel):
    client.force_login(make.user())
    outbox.settle([page_of(now)], [channel], Habits(), now)
    outbox.deliver([channel], lambda name, due: "503 Service Unavailable", now, lambda: now)
    minutes.mark(now)
    text = client.get("/alerts/").content.decode()
    assert "Alerts do not arrive everywhere" in text
    assert "503 Service Unavailable" in text
    assert "silent" in text
    assert channel in text
    assert "operator" in text
    assert "Alarm" in text
    assert "hunter2" not in text


def test_a_test_message_goes_to_every_address_and_is_no_alarm(now, channel, settings):
    user = make.user()
    row = control.send_test(user, now)
    with pytest.raises(Stale):
        control.send_test(user, now)
    sent = []
    Notifier(lambda name, due: sent.append(name) or "", lambda: now).tick(now)
    assert sent == [channel]
    row.refresh_from_db()
    assert row.resolved_at
    assert AlertDelivery.objects.get(alert=row).sent_at
    assert AuditEntry.objects.filter(action="alert.test").count() == 1


def test_without_an_address_there_is_nothing_to_test(now):
    with pytest.raises(Stale, match="QT_ALERT_URLS"):
        control.send_test(make.user(), now)


def test_the_api_lists_them(client, now, channel):
    client.force_login(make.user())
    outbox.settle([page_of(now)], [channel], Habits(), now)
    (one,) = client.get("/api/v1/alerts?open=true").json()["items"]
    assert (one["severity"], one["owner"], one["deliveries"][0]["channel"]) == ("page", "operator", channel)
    assert client.get("/api/v1/alerts?open=maybe").status_code == 400
    assert client.get("/api/v1/alerts?open=false").json()["items"] == []


def test_alerts_cost_the_same_queries_however_many_there_are(client, now, channel, django_assert_max_num_queries):
    client.force_login(make.user())
    wanted = [page_of(now)] + [Wanted(f"test:{n}", "ticket", "TEST", "risk", "/", now) for n in range(40)]
    outbox.settle(wanted, [channel], Habits(), now)
    client.get("/alerts/")
    with django_assert_max_num_queries(32):
        client.get("/alerts/")
    assert Alert.objects.count() == 41
