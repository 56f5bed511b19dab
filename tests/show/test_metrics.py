"""/metrics as Prometheus reads it."""

import re

import pytest
from django.test import Client

from monitoring.control import apikeys
from monitoring.models import HealthScore, Incident
from monitoring.show.api.metrics import escaped, family
from tests.show import factories as make

pytestmark = pytest.mark.django_db
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
    assert not {"quantum_score", "quantum_account_equity_usdt", "quantum_candle_age_seconds"} & set(told)
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


def test_it_needs_a_key(client, db):
    assert client.get("/metrics").status_code == 401
    assert client.post("/metrics").status_code == 405


def test_a_label_is_written_as_the_format_wants():
    assert escaped('a"b\\c\nd') == 'a\\"b\\\\c\\nd'
    assert family("x", "gauge", "About.", None) == ""
    assert family("x", "gauge", "About.", 2) == "# HELP x About.\n# TYPE x gauge\nx 2\n"
