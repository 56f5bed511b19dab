"""Settings that are fine alone and wrong together: each in one sentence that names them and says what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from quantum.channels import parse, quiet_hours, zone_problem

if TYPE_CHECKING:
    from quantum.config import Config

RELAY_HOSTS = frozenset({"fapi.binance.com"})
DEMO_HOSTS = frozenset({"demo-fapi.binance.com"})
LOOPBACK = frozenset({"127.0.0.1", "localhost"})  # where the practice exchange listens
BEYOND = 1.25  # what the gates' sizing never goes below
SYMBOL = re.compile(r"[A-Z0-9]+(/[A-Z0-9]+:[A-Z0-9]+)?")


def contradictions(config: Config) -> list[str]:
    """Every sentence about settings that are fine alone and wrong together."""
    return [*modes(config), *keys(config), *risks(config), *places(config), *alerts(config)]


def modes(config: Config) -> Iterator[str]:
    """The table of modes: what the three flags of the earlier system may say in each."""
    mode, paper = config.mode, config.QT_PAPER_TRADING
    if config.practising and paper is False:
        yield f"QT_PAPER_TRADING=false contradicts QT_MODE={mode}, which trades no money: unset it, or set it to true."
    if mode == "testnet" and paper is True:
        yield "QT_PAPER_TRADING=true contradicts QT_MODE=testnet: unset it, or choose QT_MODE=practice."
    if mode != "live":
        return
    yield "QT_MODE=live: arming is not built yet, so live trading can't start. Choose QT_MODE=practice."
    for name, must in (("STAGING_MODE", False), ("QT_PAPER_TRADING", False), ("QT_ENABLE_EXECUTION", True)):
        if (given := getattr(config, name)) is not must:
            yield f"{name}={spoken(given)} contradicts QT_MODE=live: it must be {spoken(must)}, explicitly."


def spoken(flag: bool | None) -> str:
    return "(unset)" if flag is None else str(flag).lower()


def keys(config: Config) -> Iterator[str]:
    have = {
        name: bool(getattr(config, name) or getattr(config, f"{name}_FILE")) for name in ("QT_API_KEY", "QT_API_SECRET")
    }
    if not config.practising:
        for name, there in have.items():
            if not there:
                yield f"QT_MODE={config.mode} needs {name} (or {name}_FILE): the venue's own key."
    elif len(set(have.values())) == 2:
        one, other = sorted(have, key=have.__getitem__, reverse=True)
        yield f"{one} is set but {other} is not: set both, or none."
    if config.QT_SECRET_KEY and len(config.QT_SECRET_KEY) < 50:
        yield "QT_SECRET_KEY must have at least 50 characters; unset, one is made and kept in the var folder."


def risks(config: Config) -> Iterator[str]:
    if config.QT_BACKSTOP_ATR < BEYOND * config.QT_STOP_ATR:
        yield (
            f"QT_BACKSTOP_ATR={config.QT_BACKSTOP_ATR:g} must lie beyond QT_STOP_ATR={config.QT_STOP_ATR:g}, at least "
            f"{BEYOND:g} times as far: the backstop is for when the working stop could not fill."
        )
    if config.QT_MARGIN_MODE == "cross":
        yield "QT_MARGIN_MODE=cross: how far liquidation is can't be told there yet. Choose isolated."
    if config.QT_RISK_PER_TRADE > config.QT_MAX_OPEN_RISK:
        yield (
            f"QT_RISK_PER_TRADE={config.QT_RISK_PER_TRADE:g} is more than "
            f"QT_MAX_OPEN_RISK={config.QT_MAX_OPEN_RISK:g}: no trade could ever be opened."
        )


def alerts(config: Config) -> Iterator[str]:
    for problem in parse(config.QT_ALERT_URLS, config.alert_hosts)[1]:
        yield f"QT_ALERT_URLS: {problem}."
    try:
        quiet_hours(config.QT_ALERT_QUIET_HOURS)
    except ValueError as error:
        yield f"QT_ALERT_QUIET_HOURS={config.QT_ALERT_QUIET_HOURS!r} {error}."
    if problem := zone_problem(config.QT_ALERT_TIMEZONE):
        yield f"QT_ALERT_TIMEZONE={config.QT_ALERT_TIMEZONE!r} {problem}."


def places(config: Config) -> Iterator[str]:
    """Addresses, files and symbols that can be judged without a network."""
    yield from address(
        "DATABASE_URL", config.DATABASE_URL, ("postgres", "postgresql"), "postgres://user@host:5432/name"
    )
    if config.DATABASE_URL and not urlsplit(config.DATABASE_URL).path.strip("/"):
        yield "DATABASE_URL names no database: postgres://user@host:5432/name."
    yield from address("REDIS_URL", config.REDIS_URL, ("redis", "rediss"), "redis://host:6379/0")
    if not re.fullmatch(r"/?\d*", redis_database(config.REDIS_URL)):
        yield "REDIS_URL must end in the number of a database: redis://host:6379/0."
    yield from practice_places(config)
    yield from testnet_place(config)
    yield from relay_place(config)
    if config.QT_SYMBOLS and not config.symbols:
        yield f"QT_SYMBOLS={config.QT_SYMBOLS} names no symbol: unset it to trade all of them."
    if wrong := [symbol for symbol in config.symbols if not SYMBOL.fullmatch(symbol)]:
        yield f"QT_SYMBOLS has {', '.join(map(repr, wrong[:5]))}: write BTC/USDT:USDT or BTCUSDT, with commas between."
    there = next(path for path in (config.var, *config.var.parents) if path.exists())
    if not there.is_dir():
        yield f"QT_VAR={config.QT_VAR}: {there} is a file; it must be a folder, or not exist yet."
    elif not os.access(there, os.W_OK | os.X_OK):
        yield f"QT_VAR={config.QT_VAR}: this user may not write to {there}."


def practice_places(config: Config) -> Iterator[str]:
    if not config.practising:
        if config.QT_PRACTICE_DATA:
            yield f"QT_PRACTICE_DATA is set, but QT_MODE={config.mode} plays no recorded market: unset it."
        return
    try:
        url = urlsplit(config.QT_PRACTICE_URL)
        port = url.port
    except ValueError:
        yield f"QT_PRACTICE_URL={config.QT_PRACTICE_URL} has no usable port: http://127.0.0.1:8100."
        return
    more = url.path.strip("/") or url.query or url.fragment or url.username or url.password
    if url.scheme != "http" or url.hostname not in LOOPBACK or not port or more:
        yield f"QT_PRACTICE_URL={shown(url)} must be http, on this machine, with a port: http://127.0.0.1:8100."
    elif port == config.PORT:
        yield f"PORT={config.PORT} is the practice exchange's port too (QT_PRACTICE_URL): change one of them."
    if config.QT_PRACTICE_DATA and not config.practice_data.exists():
        yield f"QT_PRACTICE_DATA={config.QT_PRACTICE_DATA}: there is no such folder or file."


def testnet_place(config: Config) -> Iterator[str]:
    """The demo environment, or a practice exchange of this machine in its place; never anywhere else."""
    if not config.QT_TESTNET_URL:
        return
    try:
        url = urlsplit(config.QT_TESTNET_URL)
        port = url.port
    except ValueError:
        yield f"QT_TESTNET_URL={config.QT_TESTNET_URL} has no usable port: http://127.0.0.1:8200."
        return
    more = url.path.strip("/") or url.query or url.fragment or url.username or url.password
    local = url.scheme == "http" and url.hostname in LOOPBACK and bool(port)
    demo = url.scheme == "https" and url.hostname in DEMO_HOSTS and port in (None, 443)
    if more or not (local or demo):
        yield (
            f"QT_TESTNET_URL={shown(url)} must be a practice exchange on this machine, with a port "
            f"(http://127.0.0.1:8200), or {' or '.join(f'https://{host}' for host in sorted(DEMO_HOSTS))}."
        )
    elif local and port == config.PORT:
        yield f"PORT={config.PORT} is the port of QT_TESTNET_URL too: change one of them."
    elif local and config.practising and url.netloc == urlsplit(config.QT_PRACTICE_URL).netloc:
        yield f"QT_TESTNET_URL={shown(url)} is this house's own practice exchange: start a second one on another port."


def relay_place(config: Config) -> Iterator[str]:
    """The venue itself, or a second practice exchange of this machine in its place; never anywhere else."""
    try:
        url = urlsplit(config.QT_RELAY_URL)
        port = url.port
    except ValueError:
        yield f"QT_RELAY_URL={config.QT_RELAY_URL} has no usable port: http://127.0.0.1:8200."
        return
    more = url.path.strip("/") or url.query or url.fragment or url.username or url.password
    local = url.scheme == "http" and url.hostname in LOOPBACK and bool(port)
    official = url.scheme == "https" and url.hostname in RELAY_HOSTS and port in (None, 443)
    if more or not (local or official):
        yield (
            f"QT_RELAY_URL={shown(url)} must be {' or '.join(f'https://{host}' for host in sorted(RELAY_HOSTS))}, "
            "or a practice exchange on this machine, with a port (http://127.0.0.1:8200)."
        )
    elif local and (port == config.PORT or url.netloc == urlsplit(config.QT_PRACTICE_URL).netloc):
        yield f"QT_RELAY_URL={shown(url)} is an address of this house itself: relay from a second practice exchange."
    if config.mode != "paper":
        return
    if config.QT_PRACTICE_DATA:
        yield "QT_PRACTICE_DATA is set, but QT_MODE=paper relays a venue's prices: unset it, or choose practice."
    if config.QT_PRACTICE_SPEED != 1:
        yield f"QT_PRACTICE_SPEED={config.QT_PRACTICE_SPEED}: a relayed market goes as it goes. Unset it."


def shown(url: SplitResult) -> str:
    """An address without a password that may be in it."""
    return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()


def address(name: str, value: str, schemes: tuple[str, ...], example: str) -> Iterator[str]:
    """A URL's scheme, host and port; the URL itself may hold a password and is not shown."""
    if not value:
        return
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield f"{name} must look like {example}; leave it unset for the embedded one."


def redis_database(value: str) -> str:
    """The path of a URL; nothing where it is none, which `address` tells."""
    try:
        return urlsplit(value).path
    except ValueError:
        return ""
