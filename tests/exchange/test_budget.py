from trading.exchange.budget import Budget


def test_requests_leave_at_once_until_the_budget_is_spent():
    budget = Budget(limit=100, reserved=0)
    assert [budget.wait(10, now=0.0, write=False) for _ in range(10)] == [0.0] * 10
    assert budget.wait(10, now=1.0, write=False) == 59.0
    assert budget.wait(10, now=60.0, write=False) == 0.0


def test_reads_leave_the_last_fifth_to_writes():
    budget = Budget(limit=100)
    assert budget.wait(80, now=0.0, write=False) == 0.0
    assert budget.wait(1, now=0.0, write=False) > 0
    assert budget.wait(20, now=0.0, write=True) == 0.0
    assert budget.wait(1, now=0.0, write=True) > 0


def test_a_request_dearer_than_the_budget_still_leaves_alone():
    assert Budget(limit=10).wait(40, now=0.0, write=False) == 0.0
