"""The gateway against the practice exchange's engine: what goes out is taken, what comes back is exact."""

import json
import logging
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from trading import cycle
from trading.exchange import filters
from trading.exchange.connection import Connection
from trading.exchange.errors import Duplicate, Refused, Unreachable, VenueError, WouldTrigger
from trading.exchange.gateway import connect
from trading.exchange.venue import OrderRequest, OrderStatus, OrderType, Permit, Side

BTC = "BTC/USDT:USDT"


def permit(client_id: str) -> Permit:
    return Permit(1, client_id)


def send(venue, client_id: str, side: str, kind: OrderType, **rest):
    return venue.gateway.place(OrderRequest(client_id, BTC, side, kind, **rest), permit(client_id))


def enter(venue, quantity="0.010"):
    return send(venue, "qt-e-1", "buy", OrderType.MARKET, quantity=Decimal(quantity))


def below(venue, share: str) -> Decimal:
    rules = venue.gateway.filters()[BTC]
    return filters.down(venue.gateway.marks()[BTC].price * Decimal(share), rules.tick)


def test_the_rules_are_exact_and_only_of_perpetuals(venue):
    rules = venue.gateway.filters()
    assert set(rules) == {BTC, "ETH/USDT:USDT", "DOGE/USDT:USDT"}
    assert isinstance(rules[BTC].tick, Decimal)
    assert rules[BTC].trading
    assert rules[BTC].max_leverage >= 20
    assert 0 < rules[BTC].maintenance_rate < 1


def test_bars_are_closed_ones_oldest_first(venue):
    bars = venue.gateway.bars(BTC, "1m", limit=5)
    assert len(bars) == 5
    assert [b.open_time for b in bars] == sorted(b.open_time for b in bars)
    assert bars[-1].open_time + timedelta(minutes=1) <= venue.gateway.now()
    assert venue.gateway.bars(BTC, "1m", since=bars[2].open_time, limit=2) == bars[2:4]


def test_every_symbol_has_a_mark_in_one_request(venue):
    before = sum(venue.exchange.requests.values())
    marks = venue.gateway.marks()
    assert sum(venue.exchange.requests.values()) == before + 1
    assert set(marks) == set(venue.gateway.filters())
    assert all(m.price > 0 and m.next_funding_at > m.at for m in marks.values())


def test_an_entry_is_filled_and_seen_everywhere(venue):
    venue.gateway.set_leverage(BTC, 3)
    venue.gateway.set_margin_mode(BTC, "isolated")
    venue.gateway.set_margin_mode(BTC, "isolated")  # that it is so already is no error
    placed = enter(venue)
    assert (placed.status, placed.filled, placed.client_order_id) == (OrderStatus.FILLED, Decimal("0.010"), "qt-e-1")
    assert venue.gateway.order(BTC, "qt-e-1", conditional=False) == placed
    [position] = venue.gateway.positions()
    assert (position.symbol, position.side, position.quantity) == (BTC, Side.LONG, Decimal("0.010"))
    assert (position.leverage, position.margin_mode) == (3, "isolated")
    assert position.entry_price == placed.average_price
    fills = venue.gateway.fills(BTC, venue.gateway.now() - timedelta(minutes=1))
    assert sum(f.quantity for f in fills) == Decimal("0.010")
    assert all(f.venue_order_id == placed.venue_order_id and f.fee > 0 and f.side == "buy" for f in fills)
    account = venue.gateway.account()
    assert account.equity == account.balance + account.unrealized
    assert account.margin_used > 0
    assert venue.gateway.amounts() == {BTC: Decimal("0.010")}


def test_stops_live_in_the_other_book_and_both_are_read(venue):
    enter(venue)
    stop = send(
        venue,
        "qt-s-1",
        "sell",
        OrderType.STOP,
        quantity=Decimal("0.010"),
        price=below(venue, "0.96"),
        trigger=below(venue, "0.98"),
        reduce_only=True,
    )
    backstop = send(venue, "qt-b-1", "sell", OrderType.STOP_MARKET, trigger=below(venue, "0.95"), close_position=True)
    limit = send(venue, "qt-l-1", "buy", OrderType.LIMIT, quantity=Decimal("0.010"), price=below(venue, "0.97"))
    assert (stop.status, stop.reduce_only, stop.conditional) == (OrderStatus.NEW, True, True)
    assert (backstop.close_position, limit.conditional) == (True, False)
    open_orders = {o.client_order_id: o for o in venue.gateway.open_orders(BTC)}
    assert set(open_orders) == {"qt-s-1", "qt-b-1", "qt-l-1"}
    assert open_orders["qt-s-1"].trigger == stop.trigger
    assert venue.gateway.order(BTC, "qt-s-1", conditional=True) == open_orders["qt-s-1"]
    assert venue.gateway.order(BTC, "qt-s-1", conditional=False) is None
    assert venue.gateway.open_orders("ETH/USDT:USDT") == []


def test_a_triggered_stop_names_the_order_that_it_became(venue):
    enter(venue)
    trigger = below(venue, "0.98")
    send(venue, "qt-s-1", "sell", OrderType.STOP_MARKET, quantity=Decimal("0.010"), trigger=trigger, reduce_only=True)
    venue.exchange.market.drive("BTCUSDT", [[1, float(below(venue, "0.97"))]], venue.ms())
    venue.wait(120)
    stop = venue.gateway.order(BTC, "qt-s-1", conditional=True)
    assert stop.status is OrderStatus.FILLED
    assert stop.filled == Decimal("0.010")
    assert stop.average_price < trigger
    assert stop.spawned_id
    assert stop.spawned_id in {f.venue_order_id for f in venue.gateway.fills(BTC, venue.gateway.now() - timedelta(1))}
    assert venue.gateway.positions() == []


def test_an_order_that_is_not_there_is_none(venue):
    assert venue.gateway.order(BTC, "qt-e-9", conditional=False) is None
    assert venue.gateway.order(BTC, "qt-s-9", conditional=True) is None


def test_a_cancelled_order_is_gone_and_cannot_be_cancelled_again(venue):
    enter(venue)
    send(venue, "qt-s-1", "sell", OrderType.STOP_MARKET, trigger=below(venue, "0.95"), close_position=True)
    venue.gateway.cancel(BTC, "qt-s-1", permit("qt-s-1"), conditional=True)
    assert venue.gateway.open_orders() == []
    assert venue.gateway.order(BTC, "qt-s-1", conditional=True).status is OrderStatus.CANCELED
    with pytest.raises(Refused) as refusal:
        venue.gateway.cancel(BTC, "qt-s-1", permit("qt-s-1"), conditional=True)
    assert refusal.value.code in (-2011, -2013)
    send(venue, "qt-l-1", "buy", OrderType.LIMIT, quantity=Decimal("0.010"), price=below(venue, "0.97"))
    cancelled = venue.gateway.cancel(BTC, "qt-l-1", permit("qt-l-1"), conditional=False)
    assert cancelled.status is OrderStatus.CANCELED


def test_a_stop_behind_the_market_would_trigger(venue):
    enter(venue)
    with pytest.raises(WouldTrigger):
        send(venue, "qt-s-1", "sell", OrderType.STOP_MARKET, trigger=below(venue, "1.02"), close_position=True)


def test_a_client_id_of_an_open_order_is_a_duplicate(venue):
    price = below(venue, "0.97")
    send(venue, "qt-l-1", "buy", OrderType.LIMIT, quantity=Decimal("0.010"), price=price)
    with pytest.raises(Duplicate):
        send(venue, "qt-l-1", "buy", OrderType.LIMIT, quantity=Decimal("0.010"), price=price)


def test_too_much_is_refused_with_the_venues_code(venue):
    with pytest.raises(Refused) as refusal:
        enter(venue, quantity="3")
    assert refusal.value.code == -2019


def test_funding_is_read_by_symbol(venue):
    enter(venue)
    venue.wait(8 * 3600)
    [payment, *_] = venue.gateway.income(venue.gateway.now() - timedelta(days=1))
    assert (payment.symbol, payment.kind) == (BTC, "FUNDING_FEE")
    assert payment.amount != 0


def test_without_the_right_permit_nothing_is_sent(venue):
    request = OrderRequest("qt-e-1", BTC, "buy", OrderType.MARKET, quantity=Decimal("0.010"))
    before = sum(venue.exchange.requests.values())
    with pytest.raises(ValueError, match="permit"):
        venue.gateway.place(request, permit("qt-e-2"))
    assert sum(venue.exchange.requests.values()) == before


def test_we_are_in_one_way_mode(venue):
    assert venue.gateway.one_way() is True


def test_volumes_are_read_for_all(venue):
    assert all(v > 0 for v in venue.gateway.volumes().values())


@pytest.mark.parametrize(
    ("url", "mode"),
    [("https://fapi.binance.com", "practice"), ("", "practice"), ("http://127.0.0.1:8100", "live")],
)
def test_host_and_mode_must_belong_together(url, mode):
    with pytest.raises(ValueError, match="practice exchange's address|no connection for mode"):
        connect(Connection(url, "k", "s", mode))


def test_testnet_goes_to_the_demo_host():
    gateway = connect(Connection("", "k", "s", "testnet"))
    assert gateway.client.urls["api"]["fapiPrivate"].startswith("https://demo-fapi.binance.com/")


def test_testnet_goes_to_a_stand_in_of_this_machine_and_nowhere_else():
    gateway = connect(Connection("http://127.0.0.1:8200", "k", "s", "testnet"))
    assert gateway.client.urls["api"]["fapiPrivate"] == "http://127.0.0.1:8200/fapi/v1"
    with pytest.raises(ValueError, match="this machine"):
        connect(Connection("http://fapi.binance.com", "k", "s", "testnet"))


def test_the_account_tells_its_modes_and_what_the_key_may(venue):
    gateway = venue.gateway
    assert (gateway.one_way(), gateway.multi_assets(), gateway.may_trade()) == (True, False, True)
    assert gateway.may_withdraw() is False
    assert gateway.symbol_settings("BTC/USDT:USDT") == ("cross", 20)
    gateway.set_margin_mode("BTC/USDT:USDT", "isolated")
    gateway.set_leverage("BTC/USDT:USDT", 5)
    assert gateway.symbol_settings("BTC/USDT:USDT") == ("isolated", 5)


def test_the_demo_environment_does_not_tell_what_a_key_may():
    assert connect(Connection("", "k", "s", "testnet")).may_withdraw() is None


def test_patience_bounds_every_request():
    gateway = connect(Connection("http://127.0.0.1:8200", "k", "s", "testnet"), patience=1.5)
    with pytest.raises(Unreachable):
        gateway.set_clock()
    assert gateway.client.timeout == 1500


# -- the rules, where the venue does not give them

INFO, BRACKETS = "/fapi/v1/exchangeInfo", "/fapi/v1/leverageBracket"


class Rewriter:
    """Stands in the wire: `odd` maps a path to what becomes of its answer, status and body."""

    def __init__(self, venue) -> None:
        self.carry, self.odd, self.asked = venue.gateway.client.transport, {}, []
        venue.gateway.client.transport = self

    def __call__(self, method, url, headers, body):
        path = urlsplit(url).path
        self.asked.append(path)
        status, answered, raw = self.carry(method, url, headers, body)
        return self.odd[path](status, answered, raw) if path in self.odd else (status, answered, raw)

    def fail(self, path: str) -> None:
        self.odd[path] = lambda status, answered, raw: (503, {}, "")

    def change(self, name: str, change) -> None:
        """`change` is applied to this symbol's row of exchangeInfo."""

        def rewrite(status, answered, raw):
            said = json.loads(raw)
            for row in said["symbols"]:
                if row["symbol"] == name:
                    change(row)
            return status, answered, json.dumps(said)

        self.odd[INFO] = rewrite


@pytest.fixture
def wire_of(venue) -> Rewriter:
    return Rewriter(venue)


def without_lot_size(row) -> None:
    row["filters"] = [rule for rule in row["filters"] if rule["filterType"] != "LOT_SIZE"]


def without_a_tick(row) -> None:
    next(rule for rule in row["filters"] if rule["filterType"] == "PRICE_FILTER")["tickSize"] = "0"


@pytest.mark.parametrize("change", [without_lot_size, without_a_tick, lambda row: row.pop("filters")])
def test_a_row_that_cannot_be_read_costs_no_other_symbol_its_rules_and_is_told_once(venue, wire_of, caplog, change):
    wire_of.change("DOGEUSDT", change)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert set(venue.gateway.filters(fresh=True)) == {BTC, "ETH/USDT:USDT"}
    assert [record.getMessage() for record in caplog.records if "DOGEUSDT" in record.getMessage()] != []
    assert len([record for record in caplog.records if "DOGEUSDT" in record.getMessage()]) == 1


def test_a_symbol_whose_row_became_odd_can_be_left_and_not_entered(venue, wire_of):
    before = venue.gateway.filters()[BTC]
    wire_of.change("BTCUSDT", without_lot_size)
    after = venue.gateway.filters(fresh=True)[BTC]
    assert (after.tick, after.step, after.trading) == (before.tick, before.step, False)


def test_rules_that_nobody_can_read_any_more_serve_the_way_out_and_not_the_way_in(venue, wire_of, caplog):
    known = venue.gateway.filters()
    wire_of.fail(INFO)
    venue.wait(59)
    assert venue.gateway.filters(current=True) == known
    venue.wait(2)
    wire_of.asked.clear()
    for _ in range(3):
        assert venue.gateway.filters() == known
    assert wire_of.asked == [INFO], "the way out does not wait for the same answer again and again"
    assert "those of 61 s ago are used" in caplog.text
    for strict in ({"current": True}, {"fresh": True}):
        with pytest.raises(VenueError):
            venue.gateway.filters(**strict)
    assert cycle.ask_venue(venue.gateway).filters == {}
    del wire_of.odd[INFO]
    venue.wait(16)
    assert venue.gateway.filters() is not known
    assert venue.gateway.filters(current=True) == known


@pytest.mark.parametrize("answer", ['{"symbols": []}', '{"symbols": [{"symbol": "BTCUSDT"}, 7]}', "{}"])
def test_a_list_that_names_no_rule_is_not_believed(venue, wire_of, answer):
    known = venue.gateway.filters()
    wire_of.odd[INFO] = lambda *_: (200, {}, answer)
    venue.wait(61)
    found = venue.gateway.filters()
    assert {s: rule.step for s, rule in found.items() if s == BTC} == {BTC: known[BTC].step}
    if "BTCUSDT" not in answer:
        assert found is known


def test_the_way_out_needs_no_leverage_brackets_and_the_way_in_does(venue, wire_of):
    wire_of.fail(BRACKETS)
    assert venue.gateway.filters()[BTC].step > 0
    with pytest.raises(VenueError):
        venue.gateway.filters(current=True)
    del wire_of.odd[BRACKETS]
    assert venue.gateway.filters(current=True)[BTC].maintenance_rate > 0
    wire_of.odd[BRACKETS] = lambda *_: (200, {}, '[{"symbol": "BTCUSDT", "brackets": ["odd"]}, 7]')
    assert venue.gateway.filters(fresh=True)[BTC].trading is False
    assert venue.gateway.filters()["ETH/USDT:USDT"].trading is True


def test_where_no_rule_was_ever_read_there_is_none(venue, wire_of):
    wire_of.fail(INFO)
    with pytest.raises(VenueError):
        venue.gateway.filters()


def test_rules_that_the_venue_contradicts_are_read_anew_and_kept_where_they_cannot_be(venue, wire_of):
    known = venue.gateway.filters()
    wire_of.odd["/fapi/v1/order"] = lambda *_: (400, {}, '{"code": -4014, "msg": "Price not increased by tick size."}')
    wire_of.fail(INFO)
    wire_of.asked.clear()
    with pytest.raises(Refused):
        enter(venue)
    assert venue.gateway.filters() is known
    assert wire_of.asked[-1] == INFO
    with pytest.raises(VenueError):
        venue.gateway.filters(current=True)
