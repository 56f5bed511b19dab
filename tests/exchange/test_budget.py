import threading
import time

import pytest

from trading.exchange.budget import Budget
from trading.exchange.gateway import Connection, connect


def test_requests_leave_at_once_until_the_budget_is_spent():
    budget = Budget(limit=100, reserved=0)
    assert [budget.wait(10, now=0.0, first=False) for _ in range(10)] == [0.0] * 10
    assert budget.wait(10, now=1.0, first=False) == 59.0
    assert budget.wait(10, now=60.0, first=False) == 0.0


def test_reads_leave_the_last_fifth_to_writes():
    budget = Budget(limit=100)
    assert budget.wait(80, now=0.0, first=False) == 0.0
    assert budget.wait(1, now=0.0, first=False) > 0
    assert budget.wait(20, now=0.0, first=True) == 0.0
    assert budget.wait(1, now=0.0, first=True) > 0


def test_a_request_dearer_than_the_budget_still_leaves_alone():
    assert Budget(limit=10).wait(40, now=0.0, first=False) == 0.0


CONNECTION = Connection(url="http://127.0.0.1:1", key="practice", secret="practice", mode="practice")


class Spent:
    """A venue that answers at once, and a client whose budget for plain reads is spent."""

    def __init__(self):
        self.gateway = connect(CONNECTION, self.answer)
        self.gateway.client.budget = Budget(limit=100)
        self.gateway.client.budget.wait(80, now=time.monotonic(), first=False)

    def answer(self, method, url, headers, body):
        return 200, {}, '{"dualSidePosition": false}' if "positionSide" in url else '{"orderId": 1}'


def test_a_read_that_waits_for_the_budget_lets_others_ask():
    gateway, waits, asked = Spent().gateway, threading.Event(), []
    rest = gateway.client.rest
    gateway.client.rest = lambda seconds: (waits.set(), rest(seconds))
    threading.Thread(target=gateway.one_way, daemon=True).start()  # 30, and none is left
    assert waits.wait(5)
    writes = threading.Thread(target=lambda: asked.append(gateway._ask("fapiPrivateDeleteOrder", {}, dict, write=True)))
    writes.start()
    writes.join(5)
    assert asked == [{"orderId": 1}]


def test_a_read_that_reduces_risk_waits_for_nothing_that_a_write_would_not():
    gateway = Spent().gateway
    gateway.client.rest = lambda seconds: pytest.fail("it waited")
    gateway.client.budget.limit = 120
    gateway.client.budget.wait(10, now=time.monotonic(), first=False)
    with gateway.urgently():
        assert gateway.one_way()
