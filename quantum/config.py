"""The one reader of the environment: every setting, its range, and the table of modes.

`load(environ)` returns a frozen `Config` or raises `ConfigError` with *all* problems at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE = Path(__file__).resolve().parent.parent

TIMEFRAMES = {"1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14400}


class Mode(StrEnum):
    PRACTICE = "practice"
    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"


class ConfigError(ValueError):
    """All that is wrong with the settings, one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


Share = Annotated[float, Field(ge=0, le=1)]


class Config(BaseSettings):
    """Every setting with its default and range. Durations are seconds, shares are fractions of 1."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=True)

    QT_MODE: Mode = Mode.PRACTICE
    QT_PAPER_TRADING: bool | None = None
    STAGING_MODE: bool | None = None
    QT_ENABLE_EXECUTION: bool | None = None
    QT_CONTINUOUS_LEARNING: bool = False

    QT_SYMBOLS: str = ""
    QT_TIMEFRAME: Literal["", "1m", "3m", "5m", "15m", "30m", "1h", "4h"] = ""
    QT_MAX_DATA_AGE: float | None = Field(None, ge=1, le=86_400)

    QT_PRACTICE_DATA: str = ""
    QT_PRACTICE_URL: str = "http://127.0.0.1:8100"
    QT_PRACTICE_SPEED: int = Field(1, ge=1, le=1000)
    QT_PRACTICE_SEED: int = Field(7, ge=0, le=2**31 - 1)

    QT_CONFIDENCE_THRESHOLD: Share = 0
    QT_POLICY_MIN_CONF_TRENDING: float = Field(0.32, ge=0.20, le=0.50)
    QT_POLICY_MIN_CONF_RANGING: float = Field(0.40, ge=0.25, le=0.55)
    QT_POLICY_MIN_CONF_NORMAL: float = Field(0.38, ge=0.22, le=0.52)
    QT_COOLDOWN_SECONDS: int = Field(120, ge=0, le=86_400)
    QT_MAX_POSITIONS: int = Field(6, ge=1, le=100)
    QT_MAX_CORRELATION: float = Field(0.7, ge=0, le=1)
    QT_RISK_PER_TRADE: float = Field(0.005, gt=0, le=0.05)
    QT_MAX_OPEN_RISK: float = Field(0.03, gt=0, le=0.5)
    QT_MAX_DAILY_LOSS: float = Field(0.03, gt=0, le=0.5)
    QT_MAX_LEVERAGE: int = Field(3, ge=1, le=20)
    QT_MARGIN_MODE: Literal["isolated", "cross"] = "isolated"

    QT_STOP_PLAN: Literal["stop_limit", "stop_market"] = "stop_limit"
    QT_STOP_ESCALATE_SECONDS: float = Field(2, ge=0.5, le=60)
    QT_STOP_ATR: float = Field(1.5, ge=0.5, le=10)
    QT_BACKSTOP_ATR: float = Field(2.5, ge=1, le=20)
    QT_MIN_STOP_COSTS: float = Field(3, ge=1, le=20)
    QT_TARGET_R: float = Field(2.5, ge=0.5, le=20)
    QT_HORIZON_BARS: int = Field(48, ge=4, le=1000)
    QT_TRAILING_MIN_PROFIT: float = Field(0.005, ge=0, le=0.5)
    QT_TRAIL_DISTANCE: float = Field(1, gt=0, le=10)

    QT_MODEL_SUPERVISOR_INTERVAL: int = Field(300, ge=5, le=86_400)
    QT_BIAS_THRESHOLD: float = Field(0.65, ge=0.5, le=1)
    QT_PORTFOLIO_BALANCER_INTERVAL: int = Field(60, ge=5, le=86_400)
    QT_POSITION_MONITOR_INTERVAL: int = Field(10, ge=1, le=600)
    QT_TRAILING_CHECK_INTERVAL: int = Field(10, ge=1, le=600)
    QT_CRITICAL_CHECK_INTERVAL: int = Field(5, ge=1, le=600)

    QT_API_KEY: str = ""
    QT_API_SECRET: str = ""
    QT_API_KEY_FILE: str = ""
    QT_API_SECRET_FILE: str = ""
    QT_VAR: str = ""
    QT_SECRET_KEY: str = ""

    DATABASE_URL: str = ""
    REDIS_URL: str = ""
    PORT: int = Field(8000, ge=1, le=65_535)

    # -- what the rest of the house asks ------------------------------------------------------------------------------
    @property
    def mode(self) -> str:
        return self.QT_MODE.value

    @property
    def practising(self) -> bool:
        """Orders go to the practice exchange."""
        return self.QT_MODE in (Mode.PRACTICE, Mode.PAPER)

    @property
    def execution_enabled(self) -> bool:
        return self.QT_ENABLE_EXECUTION is not False

    @property
    def timeframe(self) -> str:
        return self.QT_TIMEFRAME or ("1m" if self.QT_MODE is Mode.PRACTICE else "1h")

    @property
    def bar(self) -> timedelta:
        return timedelta(seconds=TIMEFRAMES[self.timeframe])

    @property
    def max_data_age(self) -> timedelta:
        """How long after its close a candle may still be decided on; default: one and a half bars."""
        return timedelta(seconds=self.QT_MAX_DATA_AGE) if self.QT_MAX_DATA_AGE else self.bar * 1.5

    @property
    def var(self) -> Path:
        return Path(self.QT_VAR) if self.QT_VAR else BASE / "var"

    @property
    def data_source(self) -> str:
        """What the market data is, in one word; a model never votes on another source."""
        if self.QT_MODE is Mode.PRACTICE:
            return f"recorded:{Path(self.QT_PRACTICE_DATA).name}" if self.QT_PRACTICE_DATA else "synthetic"
        return "binanceusdm"

    @property
    def risk_per_trade(self) -> Decimal:
        return Decimal(str(self.QT_RISK_PER_TRADE))

    @property
    def fingerprint(self) -> str:
        """Short hash over every setting but the secrets and addresses; `config_hash` in the API."""
        secret = {"QT_API_KEY", "QT_API_SECRET", "QT_SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PORT", "QT_VAR"}
        values = {k: str(v) for k, v in self.model_dump().items() if k not in secret}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def load(environ: Mapping[str, str]) -> Config:
    """Parse and check all settings; raise `ConfigError` listing every problem."""
    given = {k: v.strip() for k, v in environ.items() if v.strip() != ""}
    problems: list[str] = []
    try:
        config = Config.model_validate({k: v for k, v in given.items() if k in Config.model_fields})
    except ValidationError as error:
        problems += [f"{e['loc'][0]}: {e['msg']} (given: {e['input']!r})" for e in error.errors()]
        raise ConfigError(problems) from None
    if config.QT_MODE is Mode.LIVE:
        problems.append("QT_MODE=live: arming is not built yet, so live trading can't start.")
    if problems:
        raise ConfigError(problems)
    return config
