"""Our books against the venue's income, to the cent: what agrees, what is put right, what is explained, what is not."""

from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from tests.positions.conftest import HOUR, START, SYMBOL, Killed, Venue
from trading.exchange.errors import Unreachable
from trading.exchange.venue import Side
from trading.models import (
    DailyMoney,
    Fill,
    FundingPayment,
    IncomeEntry,
    Installation,
    Position,
    SwitchChange,
    Trade,
    VenueLook,
)
from trading.positions import accounting, amends, books, reckoning, store

pytestmark = pytest.mark.django_db
TODAY = START.date()


@pytest.fixture
def kept(venue: Venue) -> Venue:
    """Books that begin just before the first trade."""
    Installation.objects.create(mode="practice", venue="here", created_at=venue.clock())
    return venue


def reconcile(venue, gateway=None):
    return reckoning.reconcile(gateway or venue.gateway, venue.clock, "practice")


def watch(venue):
    """The account's own look, which books funding."""
    accounting.account(venue.gateway, venue.clock, "practice")


def round_trip(venue, r=3.0, **options):
    position = venue.enter(Side.LONG, **options)
    venue.drive(venue.at(position, r), symbol=position.symbol)
    venue.sweep()
    position.refresh_from_db()
    return position


def next_day(venue, minutes=11):
    """Midnight, and what the venue needs to tell all of the day."""
    midnight = (venue.clock() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    venue.wait((midnight - venue.clock()).total_seconds() + minutes * 60)


def day_of(venue, day=TODAY):
    return DailyMoney.objects.get(day=day)


def amounts(row):
    return {(line["kind"], line["symbol"]): Decimal(line["difference"]) for line in row.lines}


def by_hand(venue, side, quantity, symbol="BTCUSDT"):
    """A trade that somebody else makes on this account."""
    params = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": quantity}
    return venue.gateway._ask("fapiPrivatePostOrder", params, lambda raw: raw["orderId"], write=True)


# -- days ------------------------------------------------------------------------------------------------------------


def test_before_anything_is_kept_there_is_nothing_to_reconcile(venue):
    report = reconcile(venue)
    assert (report.examined, report.idle_reason) == (0, reckoning.NOTHING_YET)
    assert not DailyMoney.objects.exists()


def test_a_day_that_is_not_over_is_unknown_and_its_numbers_agree(kept):
    round_trip(kept)
    kept.wait(180)
    reconcile(kept)
    row = day_of(kept)
    assert (row.state, row.settled) == ("unknown", False)
    assert row.worst < Decimal("0.000001") and row.ours != 0
    assert row.compared_until == kept.clock() - reckoning.LAG


def test_a_day_that_is_over_and_was_read_wholly_is_ok_to_the_cent(kept):
    round_trip(kept)
    round_trip(kept, r=-1.5, symbol="ETH/USDT:USDT", quantity="0.5")
    next_day(kept)
    watch(kept)
    reconcile(kept)
    row = day_of(kept)
    assert (row.state, row.settled, row.notes) == ("ok", True, [])
    results = sum(Trade.objects.values_list("gross", flat=True)) - sum(Trade.objects.values_list("fees", flat=True))
    assert abs(row.ours - results) < Decimal("0.000001")
    assert {line["kind"] for line in row.lines} == {"REALIZED_PNL", "COMMISSION", "TRADES"}
    assert DailyMoney.objects.get(day=TODAY + timedelta(days=1)).state == "unknown"


def test_at_once_after_midnight_a_day_is_not_believed_yet(kept):
    round_trip(kept)
    next_day(kept, minutes=3)
    reconcile(kept)
    assert day_of(kept).state == "unknown"
    kept.wait(8 * 60)
    reconcile(kept)
    assert day_of(kept).state == "ok"


def test_made_again_it_changes_nothing_and_stores_nothing_twice(kept):
    round_trip(kept)
    next_day(kept)
    reconcile(kept)
    before = list(IncomeEntry.objects.values()), DailyMoney.objects.values("state", "ours", "lines").get(day=TODAY)
    report = reconcile(kept)
    assert report.actions == 0
    assert (list(IncomeEntry.objects.values()),
            DailyMoney.objects.values("state", "ours", "lines").get(day=TODAY)) == before  # fmt: skip


def test_after_days_without_us_every_day_between_is_read_and_settled(kept):
    held = kept.enter(Side.LONG)
    reconcile(kept)
    price = float(kept.price())
    kept.market.drive("BTCUSDT", [(0, price), (6 * 24 * HOUR, price)], kept.clock.ms())
    kept.wait(5 * 24 * HOUR)
    reconcile(kept)
    states = dict(DailyMoney.objects.order_by("day").values_list("day", "state"))
    assert len(states) == 6 and list(states.values()) == ["ok"] * 5 + ["unknown"]
    assert FundingPayment.objects.filter(position=held).count() == 15
    funding = [line for row in DailyMoney.objects.all() for line in row.lines if line["kind"] == "FUNDING_FEE"]
    assert len(funding) == 6


def test_a_close_that_happened_while_we_were_away_is_pending_until_its_keeper_has_looked(kept):
    position = kept.enter(Side.LONG)
    reconcile(kept)
    kept.wait(60)
    kept.drive(kept.at(position, 3))
    next_day(kept)
    reconcile(kept)
    row = day_of(kept)
    assert (row.state, row.worst < books.CENT) == ("unknown", True)
    assert {note["code"] for note in row.notes} == {"pending"}
    kept.sweep()
    reconcile(kept)
    assert (day_of(kept).state, day_of(kept).notes) == ("ok", [])


def test_a_reading_that_fails_changes_nothing_and_the_next_one_goes_on(kept):
    round_trip(kept)
    reconcile(kept)
    until = day_of(kept).read_until
    next_day(kept)
    kept.fault("http_status", status=503, method="GET", path="/fapi/v1/income", times=None)
    with pytest.raises(Unreachable):
        reconcile(kept)
    assert day_of(kept).read_until == until and day_of(kept).state == "unknown"
    kept.wait(2 * HOUR)
    reconcile(kept)
    assert day_of(kept).state == "ok"


def test_what_was_there_before_our_books_began_is_no_part_of_them(venue):
    by_hand(venue, "BUY", "0.05")
    by_hand(venue, "SELL", "0.05")
    venue.wait(60)
    Installation.objects.create(mode="practice", venue="here", created_at=venue.clock())
    round_trip(venue)
    next_day(venue)
    reconcile(venue)
    assert day_of(venue).state == "ok" and day_of(venue).notes == []
    assert IncomeEntry.objects.count() == 3


# -- differences -------------------------------------------------------------------------------------------------------


def test_a_missing_fill_is_a_difference_with_its_kind_symbol_and_both_numbers(kept):
    position = round_trip(kept)
    fill = Fill.objects.filter(position=position, side="buy").get()
    Fill.objects.filter(pk=fill.pk).update(fee=fill.fee + Decimal("0.02"))
    next_day(kept)
    reconcile(kept)
    row = day_of(kept)
    assert (row.state, row.worst) == ("fail", Decimal("0.02"))
    first = row.lines[0]
    assert (first["kind"], first["symbol"]) == ("COMMISSION", SYMBOL)
    assert Decimal(first["theirs"]) - Decimal(first["ours"]) == Decimal("0.02")


def test_less_than_a_cent_is_no_difference(kept):
    position = round_trip(kept)
    fill = Fill.objects.filter(position=position, side="buy").get()
    Fill.objects.filter(pk=fill.pk).update(fee=fill.fee + Decimal("0.0099"))
    Trade.objects.filter(position=position).update(fees=Decimal(0))
    next_day(kept)
    reconcile(kept)
    assert amounts(day_of(kept))["COMMISSION", SYMBOL] == Decimal("0.0099")


def test_two_differences_that_cancel_out_are_seen(kept):
    for symbol, by in ((SYMBOL, 1), ("ETH/USDT:USDT", -1)):
        position = round_trip(kept, symbol=symbol, quantity="0.5" if by < 0 else "0.05")
        fill = Fill.objects.filter(position=position, side="buy").get()
        Fill.objects.filter(pk=fill.pk).update(fee=fill.fee + by)
        Trade.objects.filter(position=position).update(fees=Trade.objects.get(position=position).fees + by)
    next_day(kept)
    reconcile(kept)
    row = day_of(kept)
    assert row.state == "fail" and abs(row.difference) < Decimal("0.01") and row.worst == 1


def test_a_difference_of_the_running_day_is_told_before_it_is_over(kept):
    position = round_trip(kept)
    Fill.objects.filter(position=position, side="buy").update(price=position.entry_price - 100)
    kept.wait(180)
    reconcile(kept)
    assert day_of(kept).state == "fail" and not day_of(kept).settled


def test_a_trade_that_is_not_the_sum_of_its_fills_is_a_difference(kept):
    position = round_trip(kept)
    Trade.objects.filter(position=position).update(gross=Decimal(1))
    next_day(kept)
    reconcile(kept)
    row = day_of(kept)
    assert row.state == "fail" and row.lines[0]["kind"] == books.TRADES


def test_a_difference_that_was_put_right_is_over_at_the_next_round(kept):
    position = round_trip(kept)
    fee = Fill.objects.get(position=position, side="buy").fee
    Fill.objects.filter(position=position, side="buy").update(fee=fee + 1)
    next_day(kept)
    reconcile(kept)
    Fill.objects.filter(position=position, side="buy").update(fee=fee)
    kept.wait(3 * 24 * HOUR)
    reconcile(kept)
    assert day_of(kept).state == "ok"


# -- told late, and put right ------------------------------------------------------------------------------------------


def test_funding_that_nobody_booked_is_booked_to_the_position_that_paid_it(kept):
    held = kept.enter(Side.LONG)
    next_day(kept)
    reconcile(kept)
    assert FundingPayment.objects.filter(position=held).exists()
    held.refresh_from_db()
    assert held.funding == sum(FundingPayment.objects.values_list("amount", flat=True)) != 0
    assert day_of(kept).state == "ok"


def test_fills_that_came_after_an_outside_close_replace_the_price_it_was_booked_at(kept):
    position = kept.enter(Side.LONG)
    kept.wait(60)
    by_hand(kept, "SELL", "0.05")
    kept.rewrite = lambda method, path, body: [] if path.endswith("userTrades") else body
    for _ in range(3):
        kept.wait(3)
        kept.sweep()
    trade = Trade.objects.get(position=position)
    assert trade.close_reason == "external" and not Fill.objects.filter(position=position, side="sell").exists()
    guessed = trade.gross
    kept.rewrite = lambda method, path, body: body
    next_day(kept)
    reconcile(kept)
    trade.refresh_from_db()
    fill = Fill.objects.get(position=position, side="sell")
    assert (trade.exit_price, trade.gross) == (
        fill.price,
        (fill.price - position.entry_price) * position.opened_quantity,
    )
    assert trade.gross != guessed or fill.price == position.entry_price
    assert trade.net == trade.gross - trade.fees + trade.funding
    assert day_of(kept).state == "ok"


def test_what_a_liquidation_cost_is_booked_to_its_trade(kept):
    position = kept.enter(Side.LONG)
    kept.exchange.engine.algos.clear()
    limit = kept.exchange.engine.liquidation_price(kept.exchange.engine.account.position("BTCUSDT"))
    kept.drive(float(limit) * 0.999)
    kept.sweep()
    next_day(kept)
    reconcile(kept)
    charge = IncomeEntry.objects.get(kind="INSURANCE_CLEAR").amount
    trade = Trade.objects.get(position=position)
    fees = sum(Fill.objects.filter(position=position).values_list("fee", flat=True))
    assert charge < 0 and trade.fees == fees - charge and trade.close_reason == "liquidation"
    assert Position.objects.get(pk=position.pk).fees == trade.fees
    assert day_of(kept).state == "ok"
    assert amounts(day_of(kept))["INSURANCE_CLEAR", SYMBOL] == 0


# -- explained ---------------------------------------------------------------------------------------------------------


def test_other_peoples_trades_on_the_account_are_explained_and_asked_about_once(kept):
    round_trip(kept)
    kept.wait(60)
    by_hand(kept, "BUY", "1", "ETHUSDT")
    kept.wait(60)
    by_hand(kept, "SELL", "1", "ETHUSDT")
    next_day(kept)
    reconcile(kept)
    row = day_of(kept)
    assert row.state == "ok" and row.explained != 0
    assert {note["code"] for note in row.notes} == {"external"}
    assert {note["symbol"] for note in row.notes} == {"ETH/USDT:USDT"}
    assert row.explained == sum(Decimal(note["amount"]) for note in row.notes)
    DailyMoney.objects.filter(pk=row.pk).update(state="unknown")
    asked = kept.exchange.requests["GET /fapi/v1/userTrades"]
    reconcile(kept)
    assert kept.exchange.requests["GET /fapi/v1/userTrades"] == asked


def test_a_fill_of_our_own_order_that_is_in_no_book_is_never_explained_away(kept):
    position = round_trip(kept)
    Fill.objects.filter(position=position).delete()
    Trade.objects.filter(position=position).delete()
    Position.objects.filter(pk=position.pk).update(closed_at=kept.clock() - timedelta(days=9))
    next_day(kept)
    reconcile(kept)
    row = day_of(kept)
    assert row.state == "fail" and row.explained == 0


def test_money_that_was_moved_is_no_result(kept):
    kept.exchange.engine.earn("", "TRANSFER", Decimal(-500), "out")
    kept.exchange.engine.commit()
    round_trip(kept)
    next_day(kept)
    reconcile(kept)
    row = day_of(kept)
    assert row.state == "ok"
    assert [(n["code"], n["amount"]) for n in row.notes] == [("moved", "-500")]
    assert "TRANSFER" not in {line["kind"] for line in row.lines if line["kind"] in books.COMPARED}


# -- what is there now -------------------------------------------------------------------------------------------------


def test_what_is_held_and_ordered_is_set_beside_the_journal(kept):
    kept.enter(Side.LONG)
    reconcile(kept)
    look = VenueLook.objects.latest()
    assert look.agrees and look.at.tzinfo == UTC
    assert [(p["symbol"], p["ours"], p["theirs"]) for p in look.positions] == [(SYMBOL, "0.05", "0.05")]
    assert sorted(o["kind"] for o in look.orders) == ["backstop", "stop", "target"]


def test_a_stop_that_is_gone_and_a_position_of_somebody_else_are_named(kept):
    kept.enter(Side.LONG)
    kept.exchange.cancel_by_hand(kept.stops()[0].algo_id)
    by_hand(kept, "BUY", "1", "ETHUSDT")
    reconcile(kept)
    look = VenueLook.objects.latest()
    assert not look.agrees
    assert {(p["symbol"], p["state"]) for p in look.positions} == {(SYMBOL, "agrees"), ("ETH/USDT:USDT", "external")}
    assert [o["state"] for o in look.orders].count("missing") == 1


def test_the_charge_of_a_liquidation_and_the_halt_for_it_are_stored_together(kept, monkeypatch):
    """Killed between the two, the next round would find nothing new, and entries would go on."""
    position = round_trip(kept)
    IncomeEntry.objects.create(
        income_id="c1", kind=books.CLEARANCE, symbol=SYMBOL, asset="USDT", amount=Decimal("-1.5"),
        at=position.closed_at, read_at=kept.clock(), mode="practice",
    )  # fmt: skip

    def die(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(amends.store, "halt_entries", die)
        with pytest.raises(Killed):
            amends.charges(START, kept.clock())
    assert amends.charges(START, kept.clock()) == 1
    assert SwitchChange.objects.latest("id").state == SwitchChange.HALTED


def test_a_booked_liquidation_and_the_halt_for_it_are_stored_together(kept, monkeypatch):
    position = kept.enter()

    def die(*_):
        raise Killed

    monkeypatch.setattr(store, "close_reason", lambda position: "liquidation")
    with monkeypatch.context() as patched:
        patched.setattr(store, "halt_entries", die)
        kept.drive(kept.at(position, 3))
        with pytest.raises(Killed):
            kept.sweep()
    kept.sweep()
    assert SwitchChange.objects.latest("id").state == SwitchChange.HALTED
