"""Tuned limits: what wins, what is cut, and that the stages obey."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.control import actions
from monitoring.control.permissions import machine
from monitoring.watch.effective import CLAMP, DATABASE, DEFAULT, ENVIRONMENT, GROUPS, effective, group_of
from quantum.config import Config, load
from trading import tuning
from trading.gates import policy
from trading.gates import rows as gate_rows
from trading.gates.desk import SETTING
from trading.models import TunedSetting
from trading.positions import rows as position_rows

FIRST = load({})


def tune(**values: str) -> None:
    for name, value in values.items():
        TunedSetting.objects.create(name=name, value=value, changed_by="rita", changed_at=timezone.now())


def test_a_row_wins_and_a_blank_one_does_not():
    now = tuning.overlay(FIRST, {"QT_MAX_POSITIONS": "3", "QT_MAX_CORRELATION": ""})
    assert (now.QT_MAX_POSITIONS, now.QT_MAX_CORRELATION) == (3, FIRST.QT_MAX_CORRELATION)
    assert isinstance(now.QT_MAX_POSITIONS, int)


def test_what_can_not_be_tuned_is_not():
    assert tuning.overlay(FIRST, {"QT_MODE": "live"}) == FIRST


@pytest.mark.parametrize(
    ("environment", "tuned", "expected"),
    [
        ({}, {"QT_MAX_POSITIONS": "400"}, {"QT_MAX_POSITIONS": 100}),
        ({"QT_MAX_OPEN_RISK": "0.01"}, {"QT_RISK_PER_TRADE": "0.02"}, {"QT_RISK_PER_TRADE": 0.01}),
        ({}, {"QT_RISK_PER_TRADE": "0.02", "QT_MAX_OPEN_RISK": "0.015"}, {"QT_RISK_PER_TRADE": 0.015}),
        ({"QT_STOP_ATR": "2.4", "QT_BACKSTOP_ATR": "4"}, {"QT_BACKSTOP_ATR": "2.5"}, {"QT_BACKSTOP_ATR": 3.0}),
    ],
)
def test_what_the_environment_has_made_impossible_is_cut(environment, tuned, expected):
    now = tuning.overlay(load(environment), tuned)
    assert {name: getattr(now, name) for name in expected} == expected


@pytest.mark.parametrize("name", sorted(tuning.TUNABLE))
def test_every_tunable_limit_has_a_range_that_holds_its_default(name):
    allowed = tuning.range_of(FIRST, name)
    assert allowed.low is not None and allowed.high is not None
    assert allowed.holds(tuning.first_value(FIRST, name))
    assert not allowed.holds(allowed.high + 1)


@pytest.mark.django_db
def test_the_gates_and_the_keeper_obey():
    tune(QT_MAX_POSITIONS="2", QT_COOLDOWN_SECONDS="7", QT_POLICY_MIN_CONF_RANGING="0.5", QT_TRAIL_DISTANCE="2.0")
    with CaptureQueriesContext(connection) as seen:
        config = tuning.effective()
        limits, minima = gate_rows.limits(config), gate_rows.configured(config)
    assert len(seen) == 1
    assert (limits.max_positions, limits.cooldown) == (2, timedelta(seconds=7))
    assert minima[policy.Regime.RANGING] == 0.5
    assert position_rows.rules().trail.distance == Decimal("2.0")


@pytest.mark.django_db
def test_every_limit_that_the_gates_name_as_tunable_reaches_them():
    """A tuned row that no gate reads would be a lie on the settings page."""
    plain = gate_rows.limits(FIRST)
    for field, name in SETTING.items():
        if name in tuning.TUNABLE:
            allowed = tuning.range_of(FIRST, name)
            other = allowed.high if allowed.high != tuning.first_value(FIRST, name) else allowed.low
            if name == "QT_RISK_PER_TRADE":
                other = 0.01
            changed = gate_rows.limits(tuning.overlay(FIRST, {name: str(other)}))
            assert getattr(changed, field) != getattr(plain, field), name


@pytest.mark.django_db
def test_each_source_is_told(settings):
    settings.QUANTUM = load({"QT_MAX_OPEN_RISK": "0.01"})
    tune(QT_MAX_POSITIONS="2", QT_RISK_PER_TRADE="0.02")
    told = {one.name: one for one in effective()}
    assert (told["QT_MAX_POSITIONS"].source, told["QT_MAX_POSITIONS"].value) == (DATABASE, 2)
    assert (told["QT_RISK_PER_TRADE"].source, told["QT_RISK_PER_TRADE"].value) == (CLAMP, 0.01)
    assert told["QT_MAX_OPEN_RISK"].source == ENVIRONMENT
    assert told["QT_MAX_LEVERAGE"].source == DEFAULT


def test_every_setting_has_a_group():
    assert {group_of(name) for name in Config.model_fields} == set(GROUPS)
    strays = [n for n in Config.model_fields if not any(n.startswith(s) for starts in GROUPS.values() for s in starts)]
    assert strays == []


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["abc", "nan", "inf", "-inf", "1e400", "-1", "0", "3.5", "1,5"])
@pytest.mark.parametrize("name", ["QT_MAX_POSITIONS", "QT_RISK_PER_TRADE", "QT_TRAIL_DISTANCE", "QT_MAX_DATA_AGE"])
def test_a_row_that_is_no_number_stops_neither_exits_nor_gates(name, text):
    tune(**{name: text})
    config = tuning.effective()
    assert tuning.range_of(config, name).holds(tuning.first_value(config, name))
    assert position_rows.rules().escalate > timedelta(0)
    assert gate_rows.limits().max_positions > 0
    assert all(one.value is not None for one in effective() if one.tunable)


@pytest.mark.django_db
def test_a_row_that_is_no_number_can_be_taken_back():
    tune(QT_MAX_POSITIONS="many", QT_MAX_CORRELATION="nan")
    told = {one.name: one for one in effective()}
    assert (told["QT_MAX_POSITIONS"].source, told["QT_MAX_POSITIONS"].value) == (CLAMP, FIRST.QT_MAX_POSITIONS)
    actions.tune({"QT_MAX_POSITIONS": None}, "", machine("test"), timezone.now())
    assert TunedSetting.objects.get(name="QT_MAX_POSITIONS").value == ""
