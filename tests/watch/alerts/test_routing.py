"""When something is told: pages at once, tickets together, quiet hours by a clock of people."""

from datetime import UTC, datetime, time, timedelta

import pytest

from monitoring.watch.alerts.routing import LONGEST_PAUSE, Habits, Quiet, due, pause

NIGHT = Quiet(time(22), time(7), "Europe/Oslo")
HABITS = Habits(timedelta(hours=1), NIGHT)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_page_waits_for_nothing():
    assert due("page", at("2026-01-10T23:30"), HABITS) == at("2026-01-10T23:30")


def test_a_ticket_waits_for_the_digest():
    assert due("ticket", at("2026-01-10T12:07"), HABITS) == at("2026-01-10T13:00")


def test_a_ticket_of_the_night_waits_for_the_morning_of_its_clock():
    assert due("ticket", at("2026-01-10T23:30"), HABITS) == at("2026-01-11T06:00")  # 07:00 in Oslo
    assert due("ticket", at("2026-07-10T23:30"), HABITS) == at("2026-07-11T05:00")


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_night_in_which_the_clocks_change_ends_at_seven(day):
    morning = due("ticket", at(f"{day}T01:10"), HABITS)
    assert f"{morning.astimezone(__import__('zoneinfo').ZoneInfo('Europe/Oslo')):%H:%M}" == "07:00"


def test_without_quiet_hours_and_digests_everything_is_told_at_once():
    assert due("ticket", at("2026-01-10T23:30"), Habits(timedelta(0))) == at("2026-01-10T23:30")


def test_pauses_grow_and_end():
    pauses = [pause(n) for n in range(1, 40)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=5)
    assert pauses[-1] == LONGEST_PAUSE
