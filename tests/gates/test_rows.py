"""Limits, switch and policy versions, as stored."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection

from quantum.config import load
from trading.forecast.features import Indicators
from trading.gates import rows
from trading.gates.desk import SETTING, Limits
from trading.gates.policy import Facts
from trading.models import PolicyVersion, SwitchChange

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRENDING, RANGING = Facts(30.0, 0.01, 20), Facts(12.0, 0.01, 20)


def indicators(adx: float, atr_share: float) -> Indicators:
    one = np.array([1.0])
    return Indicators(close=one, atr14=one, ema200=one, adx=one * adx, atr_share=one * atr_share)


def test_the_defaults_of_limits_and_of_the_configuration_are_the_same(settings):
    settings.QUANTUM = load({})
    assert rows.limits(settings.QUANTUM) == Limits()


def test_every_limit_comes_from_its_setting(settings):
    given = {
        "QT_CONFIDENCE_THRESHOLD": "0.5",
        "QT_COOLDOWN_SECONDS": "7",
        "QT_MAX_POSITIONS": "2",
        "QT_MAX_CORRELATION": "0.3",
        "QT_RISK_PER_TRADE": "0.001",
        "QT_MAX_OPEN_RISK": "0.01",
        "QT_MAX_DAILY_LOSS": "0.02",
        "QT_MAX_LEVERAGE": "2",
        "QT_MAX_DATA_AGE": "33",
        "QT_STOP_ATR": "2",
        "QT_BACKSTOP_ATR": "4",
        "QT_MIN_STOP_COSTS": "5",
        "QT_TARGET_R": "2",
        "QT_HORIZON_BARS": "24",
        "QT_MARGIN_MODE": "cross",
    }
    assert set(given) == set(SETTING.values())
    # cross margin is refused at the start, so it is set behind the configuration's back
    settings.QUANTUM = load(given | {"QT_MARGIN_MODE": "isolated"}).model_copy(update={"QT_MARGIN_MODE": "cross"})
    limits = rows.limits(settings.QUANTUM)
    assert all(getattr(limits, field) != getattr(Limits(), field) for field in SETTING)
    assert (limits.cooldown, limits.max_data_age) == (timedelta(seconds=7), timedelta(seconds=33))
    assert limits.risk_per_trade == Decimal("0.001")


@pytest.mark.django_db
def test_the_switch_is_active_until_somebody_turns_it_and_then_what_was_said_last():
    assert rows.switch_state() == "active"
    for state in ("halted", "active", "reducing"):
        SwitchChange.objects.create(state=state, at=NOW, by="j.berg", reason="test")
        assert rows.switch_state() == state


@pytest.mark.django_db
def test_before_the_market_was_measured_nothing_may_enter():
    policy = rows.current_policy()
    assert (policy.version, policy.entries_allowed) == (0, False)


@pytest.mark.django_db
def test_a_policy_is_a_new_version_only_where_its_terms_change():
    first = rows.store_policy(TRENDING, NOW)
    assert rows.store_policy(Facts(41.0, 0.012, 19), NOW + timedelta(minutes=1)) == first
    second = rows.store_policy(RANGING, NOW + timedelta(minutes=2))
    assert (first.version, second.version, PolicyVersion.objects.count()) == (1, 2, 2)
    assert second.facts == {"adx": 12.0, "atr_share": 0.01, "symbols": 20}
    assert rows.store_policy(TRENDING, NOW + timedelta(minutes=3)).version == 3


@pytest.mark.django_db
def test_the_policy_in_force_names_the_setting_of_its_regime():
    rows.store_policy(RANGING, NOW)
    policy = rows.current_policy()
    assert (policy.min_confidence, policy.size_factor, policy.setting) == (0.40, 0.7, "QT_POLICY_MIN_CONF_RANGING")
    assert policy.entries_allowed and policy.why.startswith("Ranging: trend strength 12")


@pytest.mark.django_db
def test_a_changed_setting_is_a_new_version(settings):
    settings.QUANTUM = load({})
    rows.store_policy(RANGING, NOW)
    settings.QUANTUM = load({"QT_POLICY_MIN_CONF_RANGING": "0.5"})
    row = rows.store_policy(RANGING, NOW)
    assert (row.version, row.min_confidence) == (2, 0.5)


@pytest.mark.django_db
def test_a_bars_indicators_give_the_policy_and_its_row():
    pk, policy = rows.policy_for(indicators(adx=30, atr_share=0.04), NOW)
    assert (policy.volatility, policy.entries_allowed, policy.min_confidence) == ("EXTREME", False, 0.39)
    assert PolicyVersion.objects.get(pk=pk).version == policy.version == 1


@pytest.mark.django_db
def test_a_bar_that_cannot_be_measured_leaves_the_policy_in_force():
    nothing = indicators(adx=float("nan"), atr_share=float("nan"))
    assert rows.policy_for(nothing, NOW)[0] is None
    row = rows.store_policy(TRENDING, NOW)
    assert rows.policy_for(nothing, NOW) == (row.pk, rows.current_policy())


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_version():
    def store(_):
        try:
            return rows.store_policy(TRENDING, NOW).version
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(store, range(8))) == {1}
    assert PolicyVersion.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_writers_who_disagree_leave_a_gapless_history():
    def store(i):
        try:
            return rows.store_policy((TRENDING, RANGING)[i % 2], NOW).version
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(store, range(9)))
    versions = list(PolicyVersion.objects.order_by("version").values_list("version", "regime"))
    assert [v for v, _ in versions] == list(range(1, len(versions) + 1))
    assert all(a[1] != b[1] for a, b in zip(versions, versions[1:], strict=False))
