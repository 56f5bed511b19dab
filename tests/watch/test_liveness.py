"""Liveness is a pure function of silence."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch.liveness import liveness

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("silence", "answer"),
    [(None, "never"), (0, "up"), (10, "up"), (15, "up"), (16, "late"), (35, "late"), (36, "down"), (10_000, "down")],
)
def test_silence_alone_tells_whether_a_module_lives(silence, answer):
    last = None if silence is None else NOW - timedelta(seconds=silence)
    assert liveness(last, timedelta(seconds=10), NOW) == answer
