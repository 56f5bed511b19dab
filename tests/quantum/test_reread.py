"""What the next start would say, while this process runs on."""

from functools import partial

from quantum.config import read
from quantum.reread import Waiting, reread


def house(tmp_path, text):
    path = tmp_path / "env"
    path.write_text(text)
    environ = {"QT_ENV_FILE": str(path), "QT_VAR": str(tmp_path)}
    return read(environ), partial(read, environ), path


def test_a_file_that_did_not_change_says_nothing(tmp_path):
    running, again, _ = house(tmp_path, "QT_MAX_POSITIONS=4\n")
    assert reread(running, again).refusals == reread(running, again).waiting == ()


def test_a_flag_that_contradicts_the_mode_would_refuse_the_next_start(tmp_path):
    running, again, path = house(tmp_path, "")
    path.write_text("QT_PAPER_TRADING=false\n")
    found = reread(running, again)
    assert found.waiting == ()
    assert [line[:50] for line in found.refusals] == ["QT_PAPER_TRADING=false contradicts QT_MODE=practic"]


def test_a_value_that_waits_for_a_restart_is_told_with_both_numbers(tmp_path):
    running, again, path = house(tmp_path, "QT_MAX_POSITIONS=4\n")
    path.write_text("QT_MAX_POSITIONS=8\nQT_ENABLE_EXECUTION=false\n")
    found = reread(running, again).waiting
    assert set(found) == {Waiting("QT_MAX_POSITIONS", "4", "8"), Waiting("QT_ENABLE_EXECUTION", "not set", "false")}


def test_a_secret_that_changed_is_named_and_not_shown(tmp_path):
    running, again, path = house(tmp_path, "")
    path.write_text("QT_API_KEY=abcdef\nQT_API_SECRET=ghijkl\n")
    assert "abcdef" not in repr(reread(running, again)) and len(reread(running, again).waiting) == 2
