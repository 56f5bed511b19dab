"""The one reader of the environment: every setting, its range, and the table of modes.

`load(environ)` returns a frozen `Config` or raises `ConfigError` with *all* problems at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from quantum.channels import Channel, parse
from quantum.contradictions import contradictions
from quantum.legacy import stranger

BASE = Path(__file__).resolve().parent.parent

SECRETS = frozenset({"QT_API_KEY", "QT_API_SECRET", "QT_ALERT_URLS", "QT_SECRET_KEY", "DATABASE_URL", "REDIS_URL"})
READ_FROM_FILES = ("QT_API_KEY", "QT_API_SECRET", "QT_ALERT_URLS")  # each where NAME_FILE says
PLACES = frozenset(
    {
        "PORT",
        "QT_LOG_FORMAT",
        "QT_VAR",
        "QT_ENV_FILE",
        "QT_PRACTICE_URL",
        "QT_TESTNET_URL",
        "QT_RELAY_URL",
        "QT_API_KEY_FILE",
        "QT_API_SECRET_FILE",
        "QT_ALERT_URLS_FILE",
        "QT_ALERT_OWN_HOSTS",
    }
)
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

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what `load` was given: it alone knows the environment and the file."""
        return (init_settings,)

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
    QT_TESTNET_URL: str = ""
    QT_RELAY_URL: str = "https://fapi.binance.com"

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
    QT_SUPERVISOR_MODE: Literal["observe", "advise", "enforce"] = "advise"
    QT_PORTFOLIO_BALANCER_INTERVAL: int = Field(60, ge=5, le=86_400)
    QT_POSITION_MONITOR_INTERVAL: int = Field(10, ge=1, le=600)
    QT_TRAILING_CHECK_INTERVAL: int = Field(10, ge=1, le=600)
    QT_CRITICAL_CHECK_INTERVAL: int = Field(5, ge=1, le=600)
    QT_FIRE_DRILL_INTERVAL: int = Field(0, ge=0, le=2_592_000)

    QT_ALERT_URLS: str = Field("", repr=False)
    QT_ALERT_URLS_FILE: str = ""
    QT_ALERT_OWN_HOSTS: str = ""
    QT_ALERT_QUIET_HOURS: str = ""
    QT_ALERT_TIMEZONE: str = "UTC"
    QT_ALERT_DIGEST_MINUTES: int = Field(60, ge=0, le=1440)

    QT_API_KEY: str = Field("", repr=False)
    QT_API_SECRET: str = Field("", repr=False)
    QT_API_KEY_FILE: str = ""
    QT_API_SECRET_FILE: str = ""
    QT_VAR: str = ""
    QT_ENV_FILE: str = ".env"
    QT_SECRET_KEY: str = Field("", repr=False)
    QT_LOG_FORMAT: Literal["text", "json"] = "text"

    DATABASE_URL: str = Field("", repr=False)
    REDIS_URL: str = Field("", repr=False)
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
        return self.QT_TIMEFRAME or self.usual_timeframe

    @property
    def usual_timeframe(self) -> str:
        return "1m" if self.QT_MODE is Mode.PRACTICE else "1h"

    @property
    def bar(self) -> timedelta:
        return timedelta(seconds=TIMEFRAMES[self.timeframe])

    @property
    def max_data_age(self) -> timedelta:
        """How long after its close a candle may still be decided on; default: one and a half bars."""
        return timedelta(seconds=self.QT_MAX_DATA_AGE) if self.QT_MAX_DATA_AGE else self.bar * 1.5

    @property
    def var(self) -> Path:
        return BASE / (self.QT_VAR or "var")

    @property
    def market(self) -> str:
        """Which practice market this is: another one has other prices at the same times, so nothing may mix."""
        source = self.data_source if self.QT_PRACTICE_DATA else f"synthetic, seed {self.QT_PRACTICE_SEED}"
        if self.relay_url:
            source = f"{self.relayed} relayed"
        return f"{source}, {self.timeframe} candles"

    @property
    def database_name(self) -> str:
        """One database per mode, and one per market of the practice exchange that is not the default one."""
        parts: list[str] = [self.mode]
        if self.relay_url:
            if self.data_source == "stand-in":
                parts.append(f"stand-in-{urlsplit(self.relay_url).port}")
            if self.timeframe != self.usual_timeframe:
                parts.append(self.timeframe)
        elif self.practising:
            if self.QT_PRACTICE_DATA:
                parts.append(re.sub(r"[^A-Za-z0-9_.-]", "_", Path(self.QT_PRACTICE_DATA).name))
            elif self.QT_PRACTICE_SEED != 7:
                parts.append(f"seed-{self.QT_PRACTICE_SEED}")
            if self.timeframe != self.usual_timeframe:
                parts.append(self.timeframe)
        elif self.QT_MODE is Mode.TESTNET and self.stand_in_url:
            parts.append(f"stand-in-{urlsplit(self.stand_in_url).port}")
        return "-".join(parts)

    @property
    def venue(self) -> str:
        """Where orders go and prices come from, for the stamp on the database."""
        if self.practising:
            return f"the practice exchange ({self.market})"
        return self.testnet_venue if self.QT_MODE is Mode.TESTNET else "binanceusdm"

    @property
    def testnet_venue(self) -> str:
        """What testnet mode trades on, whichever mode this is."""
        return f"the stand-in at {urlsplit(self.stand_in_url).netloc}" if self.stand_in_url else "binanceusdm demo"

    @property
    def stand_in_url(self) -> str:
        """A practice exchange in the place of the venue's demo environment; empty: the demo environment itself."""
        return self.QT_TESTNET_URL.rstrip("/") if self.QT_TESTNET_URL.startswith("http://") else ""

    @property
    def relay_url(self) -> str:
        """Whose public data the practice exchange relays; empty where it plays a market of its own."""
        return self.QT_RELAY_URL.rstrip("/") if self.QT_MODE is Mode.PAPER else ""

    @property
    def relayed(self) -> str:
        """The relayed venue, in one word or address."""
        local = self.relay_url.startswith("http://")
        return f"the stand-in at {urlsplit(self.relay_url).netloc}" if local else "binanceusdm"

    @property
    def must_be_started(self) -> bool:
        """Entries wait for checks that passed and for a person who pressed start."""
        return not self.practising

    @property
    def symbols(self) -> tuple[str, ...]:
        """QT_SYMBOLS as given, in order; empty means all that the venue trades."""
        return tuple(part.strip() for part in self.QT_SYMBOLS.split(",") if part.strip())

    @property
    def practice_data(self) -> Path:
        return BASE / self.QT_PRACTICE_DATA

    @property
    def practice_port(self) -> int:
        return urlsplit(self.QT_PRACTICE_URL).port or 80

    @property
    def namespace(self) -> str:
        """Prefix of everything in Redis: two installations never share a queue, even on one Redis."""
        name = urlsplit(self.DATABASE_URL).path.strip("/")
        if not name:
            name = hashlib.sha256(str(self.var / self.database_name).encode()).hexdigest()[:8]
        return f"quantum-{self.mode}-{name}"

    @property
    def data_source(self) -> str:
        """What the market data is, in one word; a model never votes on another source."""
        if self.QT_MODE is Mode.PRACTICE:
            return f"recorded:{Path(self.QT_PRACTICE_DATA).name}" if self.QT_PRACTICE_DATA else "synthetic"
        if self.QT_MODE is Mode.TESTNET:  # the demo environment has prices of its own, and so has a stand-in
            return "stand-in" if self.stand_in_url else "binanceusdm-demo"
        if self.relay_url.startswith("http://"):  # a practice exchange in the relayed venue's place
            return "stand-in"
        return "binanceusdm"

    @property
    def alert_hosts(self) -> frozenset[str]:
        """Hosts of our own that alerts may reach, private or without TLS."""
        return frozenset(part.strip().lower() for part in self.QT_ALERT_OWN_HOSTS.split(",") if part.strip())

    @property
    def alert_channels(self) -> tuple[Channel, ...]:
        return parse(self.QT_ALERT_URLS, self.alert_hosts)[0]

    @property
    def risk_per_trade(self) -> Decimal:
        return Decimal(str(self.QT_RISK_PER_TRADE))

    @property
    def fingerprint(self) -> str:
        """Short hash over every setting but the secrets and addresses; `config_hash` in the API."""
        values = {k: str(v) for k, v in self.model_dump().items() if k not in SECRETS | PLACES}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def read(environ: Mapping[str, str]) -> Config:
    """The settings of this installation: its `.env` file, and the environment, which wins."""
    named = environ.get("QT_ENV_FILE", "").strip()
    path = BASE / (named or ".env")
    values, problems = dotenv(path)
    if named and not path.exists():
        problems.append(f"QT_ENV_FILE={named}: there is no such file.")
    return load(environ, values, problems)


def read_again() -> Config:
    """What a start would read now; the file may have changed since this process began."""
    return read(os.environ)


def dotenv(path: Path) -> tuple[dict[str, str], list[str]]:
    """A `.env` file's settings, and what is wrong with it. No file is no settings."""
    values: dict[str, str] = {}
    problems: list[str] = []
    try:
        with path.open(encoding="utf-8") as file:
            lines = list(parse_stream(file))
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{path}: can't be read ({error})."]
    for line in lines:
        if line.error or (line.key and line.value is None):
            problems.append(f"{path}, line {line.original.line}: is not NAME=value.")
        elif line.key and line.value is not None:
            if values.get(line.key, line.value) != line.value:
                problems.append(f"{path}, line {line.original.line}: {line.key} was set to something else above.")
            if line.key == "QT_ENV_FILE" and BASE / line.value.strip() not in (BASE, BASE / ".env", path):
                problems.append(f"{path}, line {line.original.line}: QT_ENV_FILE counts in the environment alone.")
            values[line.key] = line.value
            if line.key not in Config.model_fields and not stranger(line.key, Config.model_fields):
                problems.append(f"{path}, line {line.original.line}: {line.key} is no setting of Quantum.")
    return values, problems


def load(
    environ: Mapping[str, str], file: Mapping[str, str] | None = None, problems: list[str] | None = None
) -> Config:
    """Parse and check all settings; raise `ConfigError` listing every problem. What is blank says nothing."""
    given = {name: value.strip() for source in (file or {}, environ) for name, value in source.items() if value.strip()}
    problems = list(problems or [])
    problems += [wrong for name in sorted(set(given) - set(Config.model_fields)) if (wrong := unknown(name))]
    ours = {name: value for name, value in given.items() if name in Config.model_fields}
    ours, unread = with_secret_files(ours)
    problems += unread
    try:
        config = Config.model_validate(ours)
    except ValidationError as error:
        broken = {str(e["loc"][0]): e for e in error.errors()}
        problems += [junk(name, e["msg"], ours.get(name, "")) for name, e in broken.items()]
        # judge the rest with the broken ones at their defaults, so that one start shows all that is wrong
        config = Config.model_validate({name: value for name, value in ours.items() if name not in broken})
        problems += [line for line in contradictions(config) if not any(name in line for name in broken)]
        raise ConfigError(problems) from None
    problems += contradictions(config)
    if problems:
        raise ConfigError(problems)
    return config


def unknown(name: str) -> str | None:
    return stranger(name, Config.model_fields)


def junk(name: str, message: str, value: str) -> str:
    """One broken value in words: the setting, what it must be, what it was."""
    must = message.replace("Input should be", "must be", 1).rstrip(".")
    if not must.startswith("must"):
        must = must[:1].lower() + must[1:]
    return f"{name} {must}; it was {shown(name, value)}."


def shown(name: str, value: str) -> str:
    return "not shown, being a secret" if name in SECRETS else repr(value[:80])


def with_secret_files(given: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Keys read from the files that `..._FILE` names, and what is wrong with them."""
    problems = []
    for name in READ_FROM_FILES:
        path = given.get(f"{name}_FILE")
        if not path:
            continue
        if name in given:
            problems.append(f"{name} and {name}_FILE are both set: keep one of them.")
            continue
        try:
            secret = (BASE / path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text"
            problems.append(f"{name}_FILE={path} can't be read: {reason}.")
            continue
        if secret:
            given = given | {name: secret}
        else:
            problems.append(
                f"{name}_FILE={path} is empty: it must hold the {'addresses' if 'URLS' in name else 'key'} alone."
            )
    return given, problems
