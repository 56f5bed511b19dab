"""What the command line says where the settings contradict each other."""

import json
import os
import subprocess
import sys

import pytest

from quantum.config import BASE


@pytest.fixture
def manage(tmp_path):
    def run(*arguments: str) -> subprocess.CompletedProcess:
        known = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
        given = {"QT_ENV_FILE": "/dev/null", "QT_VAR": str(tmp_path), "QT_PAPER_TRADING": "false"}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=BASE, env=known | given | {"QT_MAX_POSITIONS": "-1"},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    return run


REASONS = ("QT_MAX_POSITIONS must be greater", "QT_PAPER_TRADING=false contradicts QT_MODE=practice")


def test_the_doctor_names_a_refused_start_and_every_contradiction_with_what_to_do(manage):
    done = manage("doctor")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("START_REFUSED: Quantum can't start with these settings:\n")
    assert all(reason in done.stderr for reason in REASONS) and "unset it, or set it to true." in done.stderr
    assert "Traceback" not in done.stderr


def test_whoever_reads_the_doctors_json_gets_json_from_a_refused_start_too(manage):
    done = manage("doctor", "--json")
    told = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode == 2
    assert [one["code"] for one in told["problems"]] == ["START_REFUSED"] * 2
    assert all(reason in one["cause"] for reason, one in zip(REASONS, told["problems"], strict=True))


def test_another_command_says_the_reasons_and_leaves_stdout_alone(manage):
    done = manage("check")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Quantum can't start with these settings:\n  - ")
