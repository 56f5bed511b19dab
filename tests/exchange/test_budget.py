import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from trading.exchange.budget import Budget
from trading.exchange.connection import Connection
from trading.exchange.errors import NotAccepted, Silenced
from trading.exchange.gateway import connect
from trading.exchange.venue import OrderRequest, OrderType, Permit


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


# -- what changes while a request waits

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Waiting:
    """A venue whose budget is spent, and a clock that goes on while somebody waits for it."""

    def __init__(self):
        self.at, self.sent, self.meanwhile, self.status = START, [], lambda: None, 200
        self.gateway = connect(CONNECTION, self.answer, clock=lambda: self.at)
        self.gateway.client.rest = self.rest
        self.spend()

    def spend(self):
        self.gateway.client.budget = Budget(limit=100)
        self.gateway.client.budget.wait(100, now=time.monotonic(), first=True)

    def rest(self, seconds):
        self.at += timedelta(seconds=seconds)
        self.meanwhile()

    def answer(self, method, url, headers, body):
        self.sent.append(method)
        return self.status, {"Retry-After": "7"}, '{"dualSidePosition": false}'

    def place(self, latest=None, reduce_only=False):
        request = OrderRequest("qt-1", "BTC/USDT:USDT", "buy", OrderType.MARKET, quantity=1, reduce_only=reduce_only)
        return self.gateway.place(request, Permit(1, "qt-1"), latest)

    def hear(self, status):
        """Another thread gets this answer while we wait."""
        self.meanwhile = lambda: None
        self.status, self.gateway.client.budget = status, None
        with pytest.raises(Silenced):
            self.gateway.one_way()
        self.sent.clear()
        self.status = 200
        self.spend()


@pytest.mark.parametrize("reduce_only", [False, True])
def test_an_order_that_waited_for_the_budget_too_long_is_not_sent(reduce_only):
    waiting = Waiting()
    with pytest.raises(NotAccepted, match="waited too long, nothing was sent"):
        waiting.place(START + timedelta(seconds=5), reduce_only)
    assert waiting.sent == []
    assert timedelta(seconds=5) < waiting.at - START <= timedelta(seconds=6)


def test_an_order_that_waited_for_another_request_too_long_is_not_sent():
    sent = []
    gateway = connect(CONNECTION, lambda *request: (sent.append(request), (200, {}, "{}"))[1])
    request = OrderRequest("qt-1", "BTC/USDT:USDT", "buy", OrderType.MARKET, quantity=1)
    held, enough = threading.Event(), threading.Event()

    def other():
        with gateway._lock:
            held.set()
            enough.wait(5)

    threading.Thread(target=other, daemon=True).start()
    assert held.wait(5)
    threading.Timer(0.3, enough.set).start()
    with pytest.raises(NotAccepted, match="nothing was sent"):
        gateway.place(request, Permit(1, "qt-1"), datetime.now(UTC) + timedelta(seconds=0.1))
    assert sent == []


@pytest.mark.parametrize(("status", "urgent"), [(429, False), (418, False), (418, True)])
def test_who_waited_while_the_venue_asked_for_silence_obeys_it(status, urgent):
    waiting = Waiting()
    waiting.meanwhile = lambda: waiting.hear(status)
    with pytest.raises(Silenced) as no:
        if urgent:
            with waiting.gateway.urgently():
                waiting.gateway.one_way()
        else:
            waiting.gateway.one_way()
    assert no.value.banned is (status == 418)
    assert waiting.sent == []


def test_what_reduces_risk_goes_on_waiting_within_a_silence_and_leaves():
    waiting = Waiting()

    def heard():
        waiting.hear(429)
        waiting.meanwhile = lambda: setattr(waiting.gateway.client, "budget", Budget(limit=100))

    waiting.meanwhile = heard
    waiting.gateway.client.rest = lambda seconds: (waiting.rest(seconds), free(waiting))[0]
    with waiting.gateway.urgently():
        assert waiting.gateway.one_way()
    assert waiting.sent == ["GET"]


def free(waiting):
    """What was spent a minute ago counts no more."""
    budget = waiting.gateway.client.budget
    budget.spent.clear()
    budget.total = 0.0
