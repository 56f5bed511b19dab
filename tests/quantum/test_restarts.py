from quantum.restarts import Budget


def test_each_death_waits_longer_and_the_fifth_within_a_minute_is_the_last():
    budget, deaths, waits = Budget(), [], []
    for now in (0, 1, 3, 6, 11):
        deaths.append(now)
        waits.append(budget.wait(deaths, now))
    assert waits == [0.5, 1, 2, 4, None]


def test_old_deaths_are_forgiven():
    assert Budget().wait([0, 1, 2, 3, 100], 100) == 0.5
    assert Budget().wait([0, 41, 42, 43, 100], 100) == 4
    assert Budget().wait([41, 42, 43, 44, 100], 100) is None
