"""Queries of this stage: the limits in force, the switch, and the policy's versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
from django.db import IntegrityError, transaction

from trading import events, tuning
from trading.gates import policy
from trading.gates.desk import Limits, PolicyNow
from trading.models import PolicyVersion, SwitchChange

ATTEMPTS = 5  # another writer can take a version number at most this often


class Measured(Protocol):
    """What the policy needs of a bar's indicators, one number per symbol."""

    @property
    def adx(self) -> np.ndarray: ...
    @property
    def atr_share(self) -> np.ndarray: ...


def limits(config: Any = None) -> Limits:
    """The limits of a configuration; of the one in force where none is given (one query)."""
    config = config or tuning.effective()
    return Limits(
        confidence_threshold=config.QT_CONFIDENCE_THRESHOLD,
        cooldown=timedelta(seconds=config.QT_COOLDOWN_SECONDS),
        max_positions=config.QT_MAX_POSITIONS,
        max_correlation=config.QT_MAX_CORRELATION,
        risk_per_trade=Decimal(str(config.QT_RISK_PER_TRADE)),
        max_open_risk=Decimal(str(config.QT_MAX_OPEN_RISK)),
        max_daily_loss=Decimal(str(config.QT_MAX_DAILY_LOSS)),
        max_leverage=config.QT_MAX_LEVERAGE,
        max_data_age=config.max_data_age,
        stop_atr=config.QT_STOP_ATR,
        backstop_atr=config.QT_BACKSTOP_ATR,
        min_stop_costs=config.QT_MIN_STOP_COSTS,
        target_r=config.QT_TARGET_R,
        horizon_bars=config.QT_HORIZON_BARS,
        margin_mode=config.QT_MARGIN_MODE,
    )


def switch_state() -> str:
    """The newest change's state; active where nobody has ever touched it."""
    newest = SwitchChange.objects.order_by("-id").first()
    return newest.state if newest else SwitchChange.ACTIVE


def configured(config: Any = None) -> Mapping[policy.Regime, float]:
    """Minimum confidence by regime, as set; one query where no configuration is given."""
    config = config or tuning.effective()
    return {regime: getattr(config, policy.setting(regime)) for regime in policy.Regime}


def newest_policy() -> PolicyVersion | None:
    return PolicyVersion.objects.order_by("-version").first()


def current_policy() -> PolicyNow:
    """The policy in force; before the first one, nothing may enter."""
    row = newest_policy()
    if row is None:
        return PolicyNow(0, "", "", 1.0, 0.0, False, policy.setting("NORMAL"), "the market has not been measured yet")
    return policy_now(row)


def policy_now(row: PolicyVersion) -> PolicyNow:
    return PolicyNow(
        version=row.version,
        regime=row.regime,
        volatility=row.volatility,
        min_confidence=row.min_confidence,
        size_factor=row.size_factor,
        entries_allowed=row.entries_allowed,
        setting=policy.setting(row.regime),
        why=row.why,
    )


def terms(row: PolicyVersion) -> tuple[str, str, float, float, bool]:
    return row.regime, row.volatility, row.min_confidence, row.size_factor, row.entries_allowed


def store_policy(facts: policy.Facts, now: datetime, config: Any = None) -> PolicyVersion:
    """The version that these facts ask for: the newest one where its terms are the same, else a new row.

    Two writers can't both take a version number: the one that comes late looks again.
    """
    wanted = policy.policy(facts, configured(config))
    for _ in range(ATTEMPTS):
        newest = newest_policy()
        if newest is not None and terms(newest) == wanted.terms:
            return newest
        try:
            with transaction.atomic():
                row = new_version(wanted, (newest.version if newest else 0) + 1, now)
                events.changed("policy")
                return row
        except IntegrityError:
            continue
    raise RuntimeError(f"the policy's version was taken {ATTEMPTS} times by other writers")


def new_version(wanted: policy.Policy, version: int, now: datetime) -> PolicyVersion:
    return PolicyVersion.objects.create(
        version=version,
        regime=wanted.regime.value,
        volatility=wanted.volatility.value,
        min_confidence=wanted.min_confidence,
        size_factor=wanted.size_factor,
        entries_allowed=wanted.entries_allowed,
        since=now,
        why=wanted.why,
        facts=dict(wanted.facts),
    )


def policy_for(measured: Measured, now: datetime, config: Any = None) -> tuple[int | None, PolicyNow]:
    """Row id and policy for a bar's indicators; the one in force where nothing could be measured."""
    facts = policy.measure(measured.atr_share, measured.adx)
    row = store_policy(facts, now, config) if facts else newest_policy()
    return (row.pk, policy_now(row)) if row else (None, current_policy())
