import pytest

from quantum import childlogs
from quantum.childlogs import ChildLog, errors

STAMP = "2026-03-02 12:00:00,123"
TRACEBACK = ["Traceback (most recent call last):", '  File "x.py", line 1, in <module>', "KeyError: 'a'"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([f"{STAMP} WARNING django.request: Not Found: /x", "hello", ""], []),
        ([f"{STAMP} ERROR   trading.runtime: Data Feed failed"], ["trading.runtime: Data Feed failed"]),
        (
            [f"{STAMP} ERROR   trading.runtime: Data Feed failed", *TRACEBACK, "", *TRACEBACK[:2], "my.Own: no answer"],
            ["trading.runtime: Data Feed failed (my.Own: no answer)"],
        ),
        (TRACEBACK, ["KeyError: 'a'"]),
        (["CommandError: perp.parquet: no column close"], ["CommandError: perp.parquet: no column close"]),
        (["Quantum can't start with these settings:", "  - PORT"], ["Quantum can't start with these settings:"]),
        ([f"{STAMP} INFO    x: fine", f"{STAMP} CRITICAL x: bad"], ["x: bad"]),
    ],
)
def test_an_error_is_told_in_one_line(lines, told):
    assert list(errors(lines)) == told


def log_of(tmp_path) -> ChildLog:
    return ChildLog(tmp_path / "log" / "web.log")


def write(log: ChildLog, text: str) -> None:
    with log.path.open("a") as file:
        file.write(text)


def test_only_whole_and_new_lines_are_read(tmp_path):
    log = log_of(tmp_path)
    write(log, "CommandError: one\nCommandEr")
    assert log.news(0) == ["CommandError: one"]
    write(log, "ror: two\n")
    assert log.news(1) == ["CommandError: two"]
    assert ChildLog(log.path).news(0) == []


def test_the_same_error_is_told_once_a_minute(tmp_path):
    log, told = log_of(tmp_path), []
    for now in (0, 10, 59, 60):
        write(log, f"{STAMP} ERROR   x: again\n")
        told.append(len(log.news(now)))
    assert told == [1, 0, 0, 1]


def test_a_large_file_is_moved_aside_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(childlogs, "LIMIT", 100)
    log = log_of(tmp_path)
    write(log, "x" * 99 + "\n" + "CommandError: late\n")
    log.news(0)
    write(log, "CommandError: fresh\n")
    assert log.news(1) == ["CommandError: fresh"]
    assert log.path.stat().st_size < 100 < log.path.with_suffix(".log.1").stat().st_size


def test_a_file_that_somebody_cut_is_read_from_its_beginning(tmp_path):
    log = log_of(tmp_path)
    write(log, "x\n" * 50)
    log.news(0)
    log.path.write_text("CommandError: new\n")
    assert log.news(1) == ["CommandError: new"]


def test_a_file_that_is_gone_tells_nothing_and_stops_nobody(tmp_path):
    log = log_of(tmp_path)
    log.path.unlink()
    assert log.news(0) == []
    assert "can't be read" in log.tail()[0]


def test_a_file_is_cut_even_where_there_is_no_room_for_a_copy(tmp_path, monkeypatch):
    """What must stay bounded is the file that grows."""
    monkeypatch.setattr(childlogs, "LIMIT", 100)
    log = log_of(tmp_path)
    log.path.with_suffix(".log.1").symlink_to("/dev/full")
    write(log, "x" * 200 + "\n")
    log.news(0)
    assert log.path.stat().st_size == 0
    write(log, "CommandError: fresh\n")
    assert log.news(1) == ["CommandError: fresh"]
