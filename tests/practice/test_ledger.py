"""Nothing that was answered is ever lost: restarts, kills, failures half-way."""

from __future__ import annotations

import signal
import threading
from decimal import Decimal

import pytest

from tests.practice.asking import algo_order, ask, isolate, limit_order, market_order, position, send, wallet
from tests.practice.hand_market import EIGHT_HOURS, START, Clock, HandMarket, exchange
from tests.practice.running import Running
from trading.practice.ledger import Changes, Ledger, LedgerError

PATH = [(0, 50_000), (60_000, 50_500), (120_000, 46_000), (180_000, 47_000)]


def seen(x) -> dict:
    """All that a client can see of an account."""
    return {
        "account": ask(x, "GET", "/fapi/v2/account"),
        "orders": ask(x, "GET", "/fapi/v1/openOrders"),
        "algos": ask(x, "GET", "/fapi/v1/openAlgoOrders"),
        "history": ask(x, "GET", "/fapi/v1/allOrders", symbol="BTCUSDT"),
        "fills": ask(x, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT"),
        "income": ask(x, "GET", "/fapi/v1/income"),
        "config": ask(x, "GET", "/fapi/v1/symbolConfig"),
    }


def traded(ledger: Ledger, clock: Clock):
    x = exchange(HandMarket(BTCUSDT=PATH), ledger, clock)
    isolate(x)
    market_order(x, "BUY", "0.01")
    limit_order(x, "SELL", "0.005", "51000", reduceOnly="true")
    algo_order(x, "SELL", "STOP", "49000", quantity="0.01", price="46600", reduceOnly="true", clientAlgoId="stop")
    algo_order(x, "SELL", "STOP_MARKET", "45000", closePosition="true")
    return x


def test_a_restart_restores_account_orders_positions_and_fills(tmp_path):
    clock = Clock()
    x = traded(Ledger(tmp_path / "l.sqlite3"), clock)
    before = seen(x)
    x.ledger.close()
    assert seen(exchange(HandMarket(BTCUSDT=PATH), Ledger(tmp_path / "l.sqlite3"), clock)) == before


def test_what_the_market_did_meanwhile_happens_at_the_restart_in_the_order_of_the_path(tmp_path):
    clock, awake = Clock(), Clock()
    x = traded(Ledger(tmp_path / "l.sqlite3"), clock)
    y = traded(Ledger(), awake)
    x.ledger.close()
    clock.now = START + 2 * EIGHT_HOURS
    for awake.now in range(START, clock.now + 1, 20_000):
        y.advance(awake.now)
    x = exchange(HandMarket(BTCUSDT=PATH), Ledger(tmp_path / "l.sqlite3"), clock)
    assert seen(x) == seen(y)
    assert [f["time"] - START for f in seen(x)["fills"]] == [0, 180_000]
    assert Decimal(position(x)["positionAmt"]) == 0


def test_a_triggered_stop_whose_order_still_rests_survives_a_restart(tmp_path):
    clock = Clock()
    x = traded(Ledger(tmp_path / "l.sqlite3"), clock)
    clock.now = START + 130_000
    x.advance(clock.now)
    x.ledger.close()
    x = exchange(HandMarket(BTCUSDT=PATH), Ledger(tmp_path / "l.sqlite3"), clock)
    clock.now = START + 200_000
    assert ask(x, "GET", "/fapi/v1/algoOrder", clientAlgoId="stop")["algoStatus"] == "FINISHED"


def test_fresh_begins_anew(tmp_path):
    traded(Ledger(tmp_path / "l.sqlite3"), Clock()).ledger.close()
    x = exchange(HandMarket(BTCUSDT=PATH), Ledger(tmp_path / "l.sqlite3", fresh=True))
    assert wallet(x) == "10000.00000000"
    assert seen(x)["history"] == []


def test_a_ledger_of_another_market_is_refused_while_it_holds_positions_there(tmp_path):
    traded(Ledger(tmp_path / "l.sqlite3"), Clock()).ledger.close()
    with pytest.raises(LedgerError, match="BTCUSDT"):
        exchange(HandMarket(ETHUSDT=[(0, 3000)]), Ledger(tmp_path / "l.sqlite3"))


def test_a_file_that_is_no_ledger_is_refused_by_name(tmp_path):
    (tmp_path / "l.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerError, match="l.sqlite3"):
        Ledger(tmp_path / "l.sqlite3")


class Failing(Ledger):
    """A disk that is full."""

    full = False

    def write(self, changes: Changes, meta: dict) -> None:
        if self.full:
            raise OSError("no space left on device")
        super().write(changes, meta)


def test_what_could_not_be_written_did_not_happen():
    ledger = Failing()
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]), ledger)
    market_order(x, "BUY", "0.01")
    before = seen(x)
    messages: list[dict] = []
    x.listeners.append(messages.append)
    ledger.full = True
    with pytest.raises(OSError, match="no space"):
        send(x, "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    ledger.full = False
    assert messages == []
    assert seen(x) == before
    assert market_order(x, "BUY", "0.01")["status"] == "FILLED"


@pytest.mark.slow
def test_a_kill_while_orders_are_placed_loses_nothing(tmp_path):
    answered: list[dict] = []
    x = Running(tmp_path, "--symbols", "BTCUSDT,ETHUSDT")

    def trade() -> None:
        number = 0
        while True:
            number += 1
            order = {
                "symbol": "BTCUSDT",
                "quantity": "0.001",
                "newClientOrderId": f"n{number}",
                "newOrderRespType": "RESULT",
            }
            order |= {"type": "MARKET", "side": "BUY" if number % 3 else "SELL"}
            try:
                status, body = x.signed("POST", "/fapi/v1/order", **order)
            except OSError:
                return
            assert status == 200
            answered.append(body)
            if len(answered) == 60:
                enough.set()

    enough = threading.Event()
    trader = threading.Thread(target=trade)
    trader.start()
    assert enough.wait(30)
    assert x.end(signal.SIGKILL)[0] == -signal.SIGKILL
    trader.join()
    with Running(tmp_path, "--symbols", "BTCUSDT,ETHUSDT") as again:
        fills = {f["client_order_id"]: f for f in again.state()["fills"]}
        for order in answered:
            assert fills[order["clientOrderId"]]["order_id"] == order["orderId"]
            assert Decimal(fills[order["clientOrderId"]]["price"]) == Decimal(order["avgPrice"])
        assert len(fills) - len(answered) in (0, 1)
        signs = {"BUY": 1, "SELL": -1}
        held = sum(signs[f["side"]] * Decimal(f["quantity"]) for f in fills.values())
        (p,) = again.state()["positions"]
        assert Decimal(p["positionAmt"]) == held
        journal = again.signed("GET", "/fapi/v1/income", limit=1000)[1]
        assert sum(Decimal(i["income"]) for i in journal) == Decimal(again.state()["balances"][0]["balance"])
