"""Causes that can't come about: what the database or the files themselves refuse."""

import re
import subprocess
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from tests import builders as make
from tests.watch.diagnosis.house import NOW, closed
from trading.cycle import daily_pnl
from trading.models import Intent

ROOT = Path(__file__).resolve().parents[3]
MINE = (".py", ".toml", ".md", ".txt", ".html", ".js", ".css", ".json", ".yml", ".yaml", ".example", ".sh", "")
SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}"),
    re.compile(r"(?<![A-Za-z0-9/+_.-])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{64}"
               r"(?![A-Za-z0-9/+=_-])"),  # a key of the exchange: 64 letters and digits of both cases
)  # fmt: skip


def secrets_in(text: str) -> list[str]:
    return [found.group() for pattern in SECRETS for found in pattern.finditer(text)]


def files() -> list[Path]:
    """What is kept under version control; without one, what would be."""
    try:
        told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return [path for part in ("monitoring", "trading", "quantum", "ops", "docs", "templates", "tests")
                for path in (ROOT / part).rglob("*")]  # fmt: skip
    return [ROOT / name for name in told.decode().split("\0") if name]


def test_no_file_holds_what_looks_like_a_secret():
    mine = [path for path in files() if path.suffix in MINE and path.is_file() and "vendor" not in path.parts]
    assert len(mine) > 400
    found = {str(path.relative_to(ROOT)): secrets_in(path.read_text(errors="replace")) for path in mine}
    assert {name: keys for name, keys in found.items() if keys} == {}


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_" + "a1B2c3D4" * 4 + "wxyz",
        "api_key = '" + "aB3dE6gH" * 8 + "'",
    ],
)
def test_what_looks_like_a_secret_is_found(key):
    assert secrets_in(f"first line\nvalue: {key}\n")


def test_a_hash_is_no_secret():
    assert secrets_in("sha256 " + "0f3a" * 16) == []


@pytest.mark.django_db
def test_the_days_result_begins_anew_at_midnight():
    now = NOW.replace(hour=0, minute=0, second=20)
    closed(now, "SOL/USDT:USDT", "long", "-250.00", hours=0.2)
    assert daily_pnl(now - timedelta(minutes=1)) == Decimal("-250")
    assert daily_pnl(now) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Intent.STOP, Intent.BACKSTOP, Intent.TARGET, Intent.EXIT])
def test_no_order_but_an_entry_can_open_anything(kind):
    position = make.position()
    with pytest.raises(IntegrityError, match="what_is_no_entry_only_reduces"), transaction.atomic():
        make.intent(kind=kind, position=position, reason="r", requester="q", side="sell", reduce_only=False)
