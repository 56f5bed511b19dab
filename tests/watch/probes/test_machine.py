"""The errors of the last hour: counted as far back as it reaches, and not known where that is not wholly read."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch.probes import State, answers, machine
from monitoring.watch.probes.facts import Machine
from tests.watch.probes.builders import healthy

NOW = datetime.now(UTC)
FRAME = '  File "/srv/quantum/.venv/lib/python3.13/site-packages/ccxt/base/exchange.py", line 600, in fetch\n    x\n'
TRACEBACK = "Traceback (most recent call last):\n" + FRAME * 50 + "ccxt.base.errors.NetworkError: no answer\n"


def line(minutes: float, level: str = "INFO", text: str = "trading.x: it was done") -> str:
    at = NOW - timedelta(minutes=minutes)
    return f"{at:%Y-%m-%d %H:%M:%S},123 {level:7} {text}\n"


def log(tmp_path, text: str, older: str = "") -> machine.LogFile:
    path = tmp_path / "worker.log"
    path.write_text(text)
    if older:
        path.with_suffix(".log.1").write_text(older)
    return machine.log(path, NOW)


def quiet(*logs: machine.LogFile) -> tuple[State, str]:
    said = answers(healthy(machine=Machine(10**11, 10**12, logs)))["logging.quiet"]
    return said.state, said.code


def test_errors_with_long_tracebacks_are_all_counted(tmp_path):
    assert 5_000 < len(TRACEBACK) < 6_000
    seen = log(tmp_path, line(120) + "".join(line(59 - n, "ERROR") + TRACEBACK for n in range(25)))
    assert (seen.errors, seen.whole) == (25, True)
    assert quiet(seen) == (State.FAIL, "errors-many")


def test_older_errors_are_of_another_hour(tmp_path):
    many = "".join(line(200 - n, "ERROR") + TRACEBACK for n in range(130))
    seen = log(tmp_path, many + line(1, "CRITICAL"))
    assert (seen.errors, seen.whole) == (1, True)
    assert quiet(seen) == (State.OK, "errors-few")


def test_of_an_hour_that_was_not_wholly_read_nobody_says_that_it_was_quiet(tmp_path):
    much = "".join(line(30 - n / 1000) for n in range(30_000))
    calm = log(tmp_path, line(50, "ERROR") * 30 + much)
    assert len(much) < 2_000_000 and calm.whole and calm.errors == 30
    loud = log(tmp_path, line(50, "ERROR") * 30 + much * 2)
    assert not loud.whole and quiet(loud) == (State.UNKNOWN, "errors-unread")
    both = log(tmp_path, much * 2 + line(1, "ERROR") * 21)
    assert not both.whole and quiet(both) == (State.FAIL, "errors-many")


def test_what_was_cut_off_within_the_hour_counts(tmp_path):
    seen = log(tmp_path, line(1, "ERROR"), older=line(90) + line(40, "ERROR") * 20)
    assert (seen.errors, seen.whole) == (21, True)


def test_an_error_is_counted_once_whatever_it_names(tmp_path):
    text = line(3, "ERROR", "trading.x: CRITICAL and ERROR") + line(2, "INFO", "trading.x: no ERROR") + "ERROR\n"
    text += "2026-02-30 25:61:61,123 ERROR x: y\n" + line(1, "CRITICAL").rstrip()
    assert log(tmp_path, text).errors == 2


def test_a_flood_is_no_work(tmp_path):
    assert log(tmp_path, line(10, "ERROR") * 40_000).errors == machine.COUNTED


@pytest.mark.parametrize("there", [True, False])
def test_what_can_not_be_read_is_not_known_to_be_quiet(tmp_path, there):
    path = tmp_path / "worker.log"
    if there:
        path.mkdir()
    seen = machine.log(path, NOW)
    assert not seen.writable and quiet(seen) == (State.UNKNOWN, "errors-unread")
