"""Burn rates over synthetic minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch.alerts.burn import OBJECTIVE, PAGE, TICKET, Law, Minute, State, burning, rate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def broken(*ago: int, state: State = State.BROKEN) -> list[Minute]:
    return [Minute(NOW - MINUTE * n, state) for n in ago]


def severities(minutes: list[Minute], now: datetime = NOW) -> list[str]:
    return [one.rule.severity for one in burning(Law.PROTECTED, minutes, now)]


def test_a_clean_hour_tells_nobody():
    assert severities([]) == []
    assert severities(broken(*range(60), state=State.KEPT)) == []


def test_a_law_that_breaks_is_a_page_within_two_minutes():
    began = NOW
    lost: list[Minute] = []
    for passed in range(1, 10):
        lost.append(Minute(began + MINUTE * (passed - 1), State.BROKEN))
        if PAGE in severities(lost, began + MINUTE * passed):
            break
    assert passed <= 2


def test_at_just_14_4_times_the_budget_it_is_a_page():
    budget = (1 - OBJECTIVE) * 60  # minutes of an hour that may be lost
    assert rate(broken(0), timedelta(hours=1), NOW)[0] == pytest.approx(1 / budget)
    assert rate(broken(0), timedelta(hours=1), NOW)[0] >= 14.4


def test_what_is_over_pages_nobody_after_five_minutes():
    assert PAGE in severities(broken(0))
    assert PAGE not in severities(broken(10))


def test_a_slow_burn_is_a_ticket():
    spread = [300, 900, 1500, 2100, 3000]  # five minutes in three days, one of them in the last six hours
    assert severities(broken(*spread)) == [TICKET]


def test_a_slower_one_than_the_budget_is_nothing():
    assert severities(broken(300, 2000)) == []


def test_not_known_is_lost():
    assert severities(broken(0, 1, state=State.UNKNOWN)) == severities(broken(0, 1)) != []
