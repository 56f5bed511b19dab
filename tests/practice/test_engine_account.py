"""Fees, margin, leverage, funding and liquidation."""

from decimal import Decimal

import pytest

from tests.practice.asking import algo_order, ask, isolate, limit_order, market_order, position, send, wallet
from tests.practice.hand_market import EIGHT_HOURS, START, Clock, HandMarket, exchange
from trading.practice.exchange import Exchange
from trading.practice.margin import bankruptcy_price, liquidation_price, maintenance
from trading.practice.rules import Bracket


def on(*points, **options) -> tuple[Exchange, Clock]:
    clock = Clock()
    return exchange(HandMarket(BTCUSDT=points), clock=clock, **options), clock


def test_the_wallet_is_the_first_deposit_plus_the_journal():
    x, clock = on((0, 50_000), (1000, 51_000))
    market_order(x, "BUY", "0.01")
    clock.now = START + 1000
    market_order(x, "SELL", "0.01")
    journal = ask(x, "GET", "/fapi/v1/income")
    kinds = ["TRANSFER", "COMMISSION", "COMMISSION", "REALIZED_PNL"]
    assert [i["incomeType"] for i in journal] == kinds
    assert sum(Decimal(i["income"]) for i in journal) == Decimal(wallet(x))
    assert ask(x, "GET", "/fapi/v1/income", incomeType="REALIZED_PNL")[0]["income"] == "9.94700000"


def test_taking_costs_five_and_making_two_basis_points():
    x, clock = on((0, 50_000), (1000, 49_000))
    taken = market_order(x, "BUY", "0.01")
    limit_order(x, "BUY", "0.01", "49500")
    clock.now = START + 1000
    first, second = ask(x, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert Decimal(first["commission"]) == Decimal(taken["cumQuote"]) * Decimal("0.0005")
    assert second["commission"] == "0.09900000"


def test_isolated_margin_is_the_notional_over_the_leverage():
    x, _ = on((0, 50_000))
    isolate(x, 5)
    market_order(x, "BUY", "0.01")
    p = position(x)
    assert Decimal(p["isolatedWallet"]) == pytest.approx(Decimal(p["entryPrice"]) * Decimal("0.01") / 5)
    balance = ask(x, "GET", "/fapi/v3/balance")[0]
    assert Decimal(balance["crossWalletBalance"]) == Decimal(balance["balance"]) - Decimal(p["isolatedWallet"])


def test_closing_half_realises_half_and_frees_half_of_the_margin():
    x, clock = on((0, 50_000), (1000, 52_000))
    isolate(x)
    market_order(x, "BUY", "0.02")
    before = Decimal(position(x)["isolatedWallet"])
    clock.now = START + 1000
    market_order(x, "SELL", "0.01")
    assert Decimal(position(x)["isolatedWallet"]) == pytest.approx(before / 2)
    assert position(x)["entryPrice"] == "50002.6000000000"


def test_funding_is_paid_at_eight_and_by_longs_when_the_rate_is_positive():
    x, clock = on((0, 50_000))
    isolate(x)
    market_order(x, "BUY", "0.01")
    before = Decimal(wallet(x))
    clock.now = START - START % EIGHT_HOURS + EIGHT_HOURS - 1
    assert Decimal(wallet(x)) == before
    clock.now += 1
    assert Decimal(wallet(x)) == before - Decimal("0.05")
    (row,) = ask(x, "GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    assert (row["income"], row["time"]) == ("-0.05000000", clock.now)
    clock.now += 2 * EIGHT_HOURS
    assert Decimal(wallet(x)) == before - Decimal("0.15")


def test_a_short_receives_what_a_long_pays():
    x, clock = on((0, 50_000))
    market_order(x, "SELL", "0.01")
    before = Decimal(wallet(x))
    clock.now += EIGHT_HOURS
    assert Decimal(wallet(x)) == before + Decimal("0.05")


def test_an_isolated_position_is_liquidated_and_loses_its_margin_at_most():
    x, clock = on((0, 50_000), (1000, 41_000), (2000, 39_000), (3000, 50_000))
    isolate(x, 5)
    market_order(x, "BUY", "0.1")
    stop = algo_order(x, "SELL", "STOP_MARKET", "35000", closePosition="true")
    limit = limit_order(x, "SELL", "0.1", "60000")
    margin, before = Decimal(position(x)["isolatedWallet"]), Decimal(wallet(x))
    messages: list[dict] = []
    x.listeners.append(messages.append)
    clock.now = START + 3000
    assert Decimal(position(x)["positionAmt"]) == 0
    loss = before - Decimal(wallet(x))
    assert margin * Decimal("0.97") < loss <= margin
    fill = x.ledger.fills()[-1]
    assert fill.client_id.startswith("autoclose-")
    assert fill.time == START + 2000
    assert ask(x, "GET", "/fapi/v1/algoOrder", algoId=stop["algoId"])["algoStatus"] == "EXPIRED"
    assert ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=limit["orderId"])["status"] == "EXPIRED"
    assert [m["o"]["ot"] for m in messages if m.get("o", {}).get("x") == "CALCULATED"] == ["LIQUIDATION"]


@pytest.mark.parametrize("jump", [39_000, 20_000, 100])
def test_a_crossed_account_that_a_jump_ruins_owes_nothing(jump):
    x, clock = on((0, 50_000), (1000, jump), (2000, 50_000))
    market_order(x, "BUY", "1")
    clock.now = START + 2000
    assert Decimal(position(x)["positionAmt"]) == 0
    assert 0 <= Decimal(wallet(x)) < 100
    assert sum(i.amount for i in x.ledger.income(limit=1000)) == Decimal(wallet(x))


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_the_liquidation_price_that_is_shown_is_the_one_that_binds(side):
    x, _ = on((0, 50_000))
    isolate(x, 10)
    market_order(x, side, "0.1")
    limit = Decimal(position(x)["liquidationPrice"])
    sign = 1 if side == "BUY" else -1
    for step, flat in ((Decimal(1), False), (Decimal(-1), True)):
        clock = Clock()
        market = HandMarket(BTCUSDT=[(0, 50_000), (1000, limit + sign * step)])
        y = exchange(market, clock=clock)
        isolate(y, 10)
        market_order(y, side, "0.1")
        clock.now = START + 1000
        assert (Decimal(position(y)["positionAmt"]) == 0) is flat


def test_a_cross_position_stands_on_the_whole_wallet():
    x, clock = on((0, 50_000), (1000, 30_000), (2000, 1_000))
    market_order(x, "BUY", "0.3")
    clock.now = START + 1000
    assert position(x)["positionAmt"] == "0.3"
    clock.now = START + 2000
    assert Decimal(position(x)["positionAmt"]) == 0
    assert Decimal(wallet(x)) > -10


@pytest.mark.parametrize("sign", [1, -1])
def test_at_the_liquidation_price_collateral_and_profit_equal_the_maintenance_margin(sign):
    brackets = (
        Bracket(Decimal(0), Decimal(50_000), Decimal("0.004"), Decimal(0), 125),
        Bracket(Decimal(50_000), Decimal(10**9), Decimal("0.005"), Decimal(50), 100),
    )
    for quantity in (Decimal("0.5"), Decimal(3)):
        amount, entry, collateral = sign * quantity, Decimal(50_000), quantity * 5_000
        price = liquidation_price(amount, entry, collateral, brackets)
        equity = collateral + amount * (price - entry)
        assert equity == pytest.approx(maintenance(quantity * price, brackets), abs=Decimal("1e-9"))
        assert (bankruptcy_price(amount, entry, collateral) - price) * sign < 0


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/fapi/v1/leverage", {"leverage": 0}, -4028),
        ("/fapi/v1/leverage", {"leverage": 999}, -4028),
        ("/fapi/v1/leverage", {"leverage": 2}, -4161),
        ("/fapi/v1/leverage", {"leverage": "x"}, -1100),
        ("/fapi/v1/leverage", {}, -1102),
        ("/fapi/v1/marginType", {"marginType": "ISOLATED"}, -4046),
        ("/fapi/v1/marginType", {"marginType": "CROSSED"}, -4048),
        ("/fapi/v1/marginType", {"marginType": "both"}, -1130),
        ("/fapi/v1/positionSide/dual", {"dualSidePosition": "false"}, -4059),
    ],
)
def test_what_the_settings_refuse(path, params, code):
    x, _ = on((0, 50_000))
    isolate(x, 3)
    market_order(x, "BUY", "0.01")
    answer = send(x, "POST", path, symbol="BTCUSDT", **params)
    assert (answer.status, answer.body["code"]) == (400, code)


def test_the_margin_type_does_not_change_under_open_orders():
    x, _ = on((0, 50_000))
    limit_order(x, "BUY", "0.01", "45000")
    assert send(x, "POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED").body["code"] == -4047


def test_an_order_beyond_the_leverages_largest_position_is_refused():
    x, _ = on((0, 50_000), balance="100000000")
    ask(x, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=x.engine.rules["BTCUSDT"].max_leverage)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "100"}
    assert send(x, "POST", "/fapi/v1/order", **order).body["code"] == -2027


def test_the_account_adds_up():
    x, clock = on((0, 50_000), (1000, 50_500))
    isolate(x)
    market_order(x, "BUY", "0.01")
    limit_order(x, "BUY", "0.01", "48000")
    clock.now = START + 1000
    account = ask(x, "GET", "/fapi/v3/account")
    number = {k: Decimal(v) for k, v in account.items() if isinstance(v, str)}
    assert number["totalMarginBalance"] == number["totalWalletBalance"] + number["totalUnrealizedProfit"]
    held = number["totalCrossWalletBalance"] - number["availableBalance"]
    assert held == number["totalOpenOrderInitialMargin"] == 160
    assert [p["symbol"] for p in account["positions"]] == ["BTCUSDT"]
    assert len(ask(x, "GET", "/fapi/v2/account")["positions"]) == 1
