"""Faults of the user-data stream and of sockets: events twice or out of order, connections that end."""

from __future__ import annotations

import pytest

from trading.practice.fault_events import Scrambler, dropped
from trading.practice.faults import Desk


def told(n: int, execution: str = "TRADE", symbol: str = "BTCUSDT") -> dict:
    return {"e": "ORDER_TRADE_UPDATE", "o": {"s": symbol, "x": execution, "t": n}}


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def scrambler(desk):
    return Scrambler(desk)


def numbers(messages) -> list[int]:
    return [m["o"]["t"] for m in messages]


def test_events_pass_as_they_come_without_a_fault(scrambler):
    assert scrambler.pass_on(told(1), 0) == [told(1)]


def test_a_fill_is_told_twice_and_nothing_else_is(desk, scrambler):
    desk.add({"kind": "duplicate_fill_event", "times": 1, "match": {"symbol": "BTCUSDT"}}, 0)
    assert numbers(scrambler.pass_on(told(1, "NEW"), 0)) == [1]
    assert numbers(scrambler.pass_on(told(2, symbol="ETHUSDT"), 0)) == [2]
    assert scrambler.pass_on({"e": "ACCOUNT_UPDATE"}, 0) == [{"e": "ACCOUNT_UPDATE"}]
    assert numbers(scrambler.pass_on(told(3), 0)) == [3, 3]
    assert numbers(scrambler.pass_on(told(4), 0)) == [4]


def test_events_leave_in_the_opposite_order_once_their_company_is_complete(desk, scrambler):
    desk.add({"kind": "reorder_events", "times": 1, "params": {"count": 3}}, 0)
    assert scrambler.pass_on(told(1), 0) == scrambler.pass_on(told(2), 0) == []
    assert numbers(scrambler.pass_on(told(3), 0)) == [3, 2, 1]
    assert numbers(scrambler.pass_on(told(4), 0)) == [4]


def test_an_event_without_company_leaves_late(desk, scrambler):
    desk.add({"kind": "reorder_events", "params": {"seconds": 5}}, 0)
    scrambler.pass_on(told(1), 1000)
    assert scrambler.overdue(5_999) == []
    assert numbers(scrambler.overdue(6_000)) == [1]
    assert scrambler.overdue(7_000) == []


def test_no_event_is_lost_when_the_fault_ends(desk, scrambler):
    desk.add({"kind": "reorder_events"}, 0)
    scrambler.pass_on(told(1), 0)
    desk.end(1)
    assert numbers(scrambler.pass_on(told(2), 0) + scrambler.overdue(0)) == [2, 1]


def test_sockets_are_dropped_once_all_together(desk):
    sockets = [("a", True, []), ("b", False, ["btcusdt@kline_1m"])]
    assert dropped(desk, sockets, 0) == []
    desk.add({"kind": "drop_stream"}, 0)
    assert dropped(desk, [], 0) == []
    assert dropped(desk, sockets, 0) == ["a", "b"]
    assert dropped(desk, sockets, 0) == []


@pytest.mark.parametrize(("stream", "ended"), [("user", ["a"]), ("kline", ["b"]), ("markPrice", [])])
def test_only_the_named_stream_is_dropped(desk, stream, ended):
    desk.add({"kind": "drop_stream", "seconds": 5, "params": {"stream": stream}}, 0)
    sockets = [("a", True, ["private"]), ("b", False, ["btcusdt@kline_1m"])]
    for now in (0, 4_999):
        assert dropped(desk, sockets, now) == ended
    assert dropped(desk, sockets, 5_000) == []
