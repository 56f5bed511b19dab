"""What is left of the disk, and that a drill can pretend only in practice mode."""

import pytest

from monitoring.watch import room
from monitoring.watch.room import Room
from quantum.config import Mode

MB, GB = 10**6, 10**9


@pytest.mark.parametrize(
    ("free", "total", "short"),
    [
        (2 * GB, 500 * GB, False),
        (GB - 1, 500 * GB, True),
        (2_000_000, 20_000_000, False),
        (1_999_999, 20_000_000, True),
    ],
)
def test_a_tenth_must_be_left_but_never_more_than_a_gigabyte(free, total, short):
    assert Room(free, total).short is short


def test_where_nothing_is_known_nothing_is_short():
    assert not Room().short


@pytest.mark.parametrize(("mode", "short"), [("practice", True), ("paper", False)])
def test_a_drill_pretends_in_practice_mode_alone(tmp_path, settings, mode, short):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_MODE": Mode(mode)})
    (tmp_path / room.BALLAST).write_text(str(10**18))
    assert room.look(tmp_path).short is short
    (tmp_path / room.BALLAST).write_text("not a number")
    assert not room.look(tmp_path).short
