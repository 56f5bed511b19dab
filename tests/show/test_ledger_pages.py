"""Positions, orders and trades: what the pages say, empty and full, filtered, and to senseless questions."""

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.show import charts, ledger, panels
from monitoring.show.results import by_day
from monitoring.show.scene import Scene
from monitoring.show.timeline import timeline
from tests.show import factories as make
from tests.show import ledgers
from tests.show.test_pages import text
from trading.models import AccountSnapshot, BalanceLook, Intent, Order, Position, Trade

pytestmark = pytest.mark.django_db
FIGURES = {"gross": "12345", "net": "1", "long": "1", "short": "0", "risk": "1", "leverage": 1.0, "risk_share": 0.01,
           "shares": {}, "herfindahl": None, "positions": 1}  # fmt: skip
PATHS = ("/positions/", "/orders/", "/trades/")
TEACHES = {
    "/positions/": "A position opens when a signal passes every gate and its entry fills.",
    "/orders/": "The first one is the entry of the first signal that passes every gate",
    "/trades/": "When the first position is closed, its result stands here",
}


@pytest.fixture
def house(db, now):
    return ledgers.books(now)


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_page_teaches_what_will_appear(reader, path):
    answer = reader.get(path)
    assert answer.status_code == 200
    assert TEACHES[path] in text(answer)
    assert "0.00 USDT" not in text(answer)


@pytest.mark.parametrize("path", [*PATHS, "/trades/1/", "/charts/positions/1/", "/charts/decisions/1/"])
def test_only_who_may_look_sees_them(client, path):
    assert client.get(path).url == f"/login/?next={path}"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/positions/?position=x", "position"),
        ("/positions/?position=0", "position"),
        ("/positions/?what=1", "what"),
        ("/orders/?status=broken", "status"),
        ("/orders/?kind=spell", "kind"),
        ("/orders/?symbol=NOPEUSDT", "symbol"),
        ("/orders/?since=yesterday", "since"),
        ("/orders/?cursor=-1", "cursor"),
        ("/trades/?side=up", "side"),
        ("/trades/?since=2026-02-02&until=2026-01-01", "since"),
        ("/trades/?side=long&side=short", "side"),
    ],
)
def test_a_senseless_question_names_its_field(reader, path, field):
    answer = reader.get(path)
    assert answer.status_code == 400
    assert field in text(answer)


@pytest.mark.parametrize(
    "path", ["/positions/?position=999", "/trades/999/", "/charts/positions/999/", "/charts/decisions/999/"]
)
def test_what_is_not_there_is_said_to_be_not_there(reader, path):
    assert reader.get(path).status_code == 404


# -- positions -------------------------------------------------------------------------------------------------------


def test_each_position_shows_what_protects_it_and_since_when(reader, house, now):
    page = text(reader.get("/positions/"))
    assert "4 of 6 positions are open, 1 stop is not confirmed." in page
    stop = Order.objects.get(intent__position=house[0], intent__kind="stop", status="new")
    assert f"order {stop.venue_order_id}" in page
    assert "liquidation 27,470.1" in page
    assert "At risk down to the stops" in page
    assert "Close this position" in page


def test_a_viewer_sees_no_control(client, house):
    client.force_login(make.user("vera", roles=("viewer",)))
    assert "Close this position" not in text(client.get("/positions/"))


def test_the_first_open_position_is_told_and_another_can_be_chosen(reader, house):
    html = reader.get("/positions/").content.decode()
    assert f'data-chosen="/charts/positions/{house[0].pk}/"' in html
    chosen = text(reader.get(f"/positions/?position={house[1].pk}"))
    assert "Funding\u22120.3561 USDT" in chosen
    assert "Entry filled1.85 at 1,926.4" in chosen


def test_a_story_begins_with_the_signal_and_tells_refusals(house):
    told = timeline(Position.objects.get(pk=house[2].pk))
    assert "Signal: short" in told[-1].what or "Entry wanted" in told[-1].what
    refused = next(e for e in told if "refused" in e.what)
    assert refused.shape == "fail"
    assert "The price is past the trigger already" in refused.also
    assert [e.at for e in told] == sorted((e.at for e in told), reverse=True)


def test_positions_make_a_fixed_number_of_queries(reader, house, django_assert_max_num_queries):
    with django_assert_max_num_queries(48):
        reader.get("/positions/")


# -- candles ---------------------------------------------------------------------------------------------------------


def chart(reader, path):
    answer = reader.get(path)
    assert answer.status_code == 200
    return json.loads(answer.content)


def test_a_position_is_drawn_with_its_entry_target_and_trailed_stop(reader, house):
    seen = chart(reader, f"/charts/positions/{house[0].pk}/")
    assert [e["text"] for e in seen["entries"]] == ["long 30,214.5"]
    assert [line["text"] for line in seen["lines"]] == ["target 30,895.7"]
    assert [price for _t, price in seen["stop"]] == [29880.0, 29905.5, 29921.0, 29942.0, 29942.0]
    assert seen["stop_now"] == 29942.0
    assert "now 30,318.4: +0.34" in seen["sentence"]
    assert seen["live"] == "BTC/USDT:USDT"


def test_missing_candles_leave_a_gap(reader, house):
    rows = chart(reader, f"/charts/positions/{house[2].pk}/")["candles"]
    assert sum(len(row) == 1 for row in rows) == 9
    assert {b[0] - a[0] for a, b in zip(rows, rows[1:], strict=False)} == {60}


def test_a_rejected_decision_shows_what_would_have_been_and_what_nobody_knew(reader, now):
    make.policy(now)
    ledgers.walk("LINK/USDT:USDT", now, 14.22)
    s = make.signal(make.cycle(now, 20, flat=11, signals=1), "LINK/USDT:USDT")
    d = make.rejected(s, make.cooldown(4301))
    seen = chart(reader, f"/charts/decisions/{d.pk}/")
    assert [line["text"].split(" 1")[0] for line in seen["lines"]] == ["would-be stop", "would-be target"]
    assert seen["decided"]["unknown_from"] == seen["decided"]["t"] + 60
    assert "The shaded part came after it: 20 candles." in seen["sentence"]
    assert seen["rejections"][0]["text"] == "Long rejected: COOLDOWN_ACTIVE"
    assert f'data-src="/charts/decisions/{d.pk}/"' in reader.get(f"/decisions/{d.pk}/").content.decode()


def test_the_candles_panel_offers_each_open_position_and_changes_with_its_stop(house, now):
    before = panels.one(panels.PANELS["candles"], Scene(now))
    assert before.html.count("data-show=") == 4
    Intent.objects.filter(position=house[0], kind="stop", order__status="new").update(trigger=Decimal("29950"))
    after = panels.one(panels.PANELS["candles"], Scene(now))
    assert re.search('data-version="([^"]*)"', before.html)[1] != re.search('data-version="([^"]*)"', after.html)[1]


# -- orders ----------------------------------------------------------------------------------------------------------


def test_orders_say_what_became_of_each_in_words(reader, house):
    page = text(reader.get("/orders/"))
    assert "8 orders rest at the exchange." in page
    assert "The exchange refused 1 order in the last hour." in page
    assert "The price is past the trigger already: it would trigger at once. \u22122021" in page
    assert "2 changes" in page


def test_an_unknown_outcome_is_in_the_headline(reader, house):
    Order.objects.filter(intent__kind="backstop", intent__position=house[0]).update(status="unknown")
    page = text(reader.get("/orders/"))
    assert "7 orders rest at the exchange; the outcome of 1 is unknown." in page
    assert "No answer came" in reader.get("/orders/").content.decode()


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("kind=stop", 7),
        ("status=refused", 1),
        ("symbol=ETHUSDT", 3),
        ("status=canceled&kind=stop", 3),
        ("kind=probe", 0),
        ("status=not_sent", 0),
    ],
)
def test_orders_are_filtered(reader, house, query, n):
    html = reader.get(f"/orders/?{query}").content.decode()
    assert len(re.findall(r'<tr data-key="\d+" data-status', html)) == n
    assert 'data-own="orders"' in html
    assert ('data-export="orders"' in html) == (query != "status=not_sent")


def test_an_intent_that_was_not_sent_is_shown_as_such(reader, house, now):
    from tests import builders

    builders.intent(decision=None, kind="exit", position=house[0], reason="time exit", requester="executor",
                    reduce_only=True, symbol=house[0].symbol, side="sell", created_at=now)  # fmt: skip
    page = text(reader.get("/orders/?status=not_sent"))
    assert "time exit; executor" in page
    assert "not sent" in page


def test_an_older_page_stands_still_and_leads_back(reader, house, monkeypatch):
    monkeypatch.setattr(ledger, "ROWS", 5)
    first = reader.get("/orders/").content.decode()
    older = re.search(r'href="(/orders/\?cursor=\d+)">Older', first)[1]
    second = reader.get(older).content.decode()
    assert 'data-own=""' in second
    assert "it stands still" in second
    keys = [set(re.findall(r'<tr data-key="(\d+)"', html)) for html in (first, second)]
    assert len(keys[0]) == len(keys[1]) == 5
    assert not keys[0] & keys[1]


@pytest.mark.parametrize(("path", "most"), [("/orders/", 30), ("/orders/?kind=stop", 30), ("/trades/", 32)])
def test_lists_make_no_query_for_each_row(reader, house, django_assert_max_num_queries, path, most):
    with django_assert_max_num_queries(most):
        reader.get(path)


# -- trades ----------------------------------------------------------------------------------------------------------


def test_trades_add_up_and_say_how_sure_that_is(reader, house):
    page = text(reader.get("/trades/"))
    n, net = Trade.objects.count(), sum(Trade.objects.values_list("net", flat=True))
    assert f"{n} closed trades, +{net:.2f} USDT after costs." in page
    assert re.search(r"\d+ % won; of many such trades, \d+ % to \d+ % would\.", page)
    assert "neither gain nor loss can be shown" in page
    assert "Deepest drawdown" in page


def test_a_filter_narrows_the_sums_the_charts_and_the_list_alike(reader, house):
    html = reader.get("/trades/?side=short").content.decode()
    n = Trade.objects.filter(side="short").count()
    assert f"{n} closed trades" in html
    assert 'data-name="equity"' not in html  # the account knows no side
    assert 'data-name="daily-profit"' in html
    assert html.count('data-own="trades"') == 3


def test_a_filter_that_nothing_fits_says_so(reader, house, now):
    page = text(reader.get("/trades/?since=2100-01-01"))
    assert "No trade is like that." in page


def test_a_trade_has_a_page_from_decision_to_result(reader, house):
    one = Trade.objects.order_by("pk").last()
    page = text(reader.get(f"/trades/{one.pk}/"))
    assert "LTC/USDT long from 100 to 107.6: +14.28 USDT, +2.10 R. Ended by: target." in page
    assert "Position closed" in page


def test_slippage_is_what_a_stop_filled_worse_than_its_trigger(house):
    p = house[0]
    Order.objects.filter(intent__position=p, intent__kind="stop", status="new").update(
        status="filled", filled=p.quantity, average_price=Decimal("29900")
    )
    trade = Trade(position=p, side="long", quantity=p.quantity, entry_price=p.entry_price)
    p.decision.signal.price = p.entry_price
    assert ledger.trade_lines([trade])[0].slippage == Decimal("5.040")  # (29,942 - 29,900) x 0.12


def test_slippage_that_nobody_can_know_is_not_0(reader, house):
    adopted = Trade.objects.order_by("-pk").first()
    Position.objects.filter(pk=adopted.position_id).update(decision=None)
    assert ledger.trade_lines([Trade.objects.get(pk=adopted.pk)])[0].slippage is None
    assert re.search(r"Slippage\s*No data", text(reader.get(f"/trades/{adopted.pk}/")))
    assert re.search(r'Slippage"><span class="muted">No data', reader.get("/trades/").content.decode())


def test_a_sum_over_a_position_without_a_price_is_no_data(reader, house, now):
    Position.objects.exclude(status=Position.CLOSED).update(mark_price=None, mark_at=None)
    page = text(reader.get("/positions/"))
    assert re.search(r"Worth\s*No data\s*Profit or loss so far\s*No data\s*At risk down to the stops\s*\d", page)


def test_a_naked_short_without_a_liquidation_price_is_not_without_risk(reader, house):
    short = next(p for p in house if p.side == "short")
    Order.objects.filter(intent__position=short, intent__kind="stop").update(status="canceled")
    Position.objects.filter(pk=short.pk).update(liquidation_price=None)
    assert re.search(r"At risk down to the stops\s*No data", text(reader.get("/positions/")))


def test_the_exposure_is_as_old_as_its_oldest_price(house, now):
    Position.objects.filter(pk=house[0].pk).update(mark_at=now - timedelta(minutes=9))
    drawn = panels.render(["exposure"], now, Scene(now))[0]
    assert drawn.as_of == now - timedelta(minutes=9)
    assert 'data-age="stale"' in drawn.html


def test_the_balance_of_what_was_held_is_not_told_of_nothing(reader, house, now):
    BalanceLook.objects.create(at=now, asked_by="beat", equity=Decimal(1), mode="practice", figures=FIGURES, pairs=[])
    assert "12,345" in text(reader.get("/positions/"))
    Position.objects.update(status=Position.CLOSED, quantity=0, close_reason="manual", closed_at=now)
    assert "12,345" not in text(reader.get("/positions/"))


def test_a_day_of_which_trades_were_left_out_is_no_bar(house, now, monkeypatch):
    days = dict(by_day(ledger.sums(Trade.objects.all())))
    monkeypatch.setattr(ledger, "MOST_TRADES", 40)
    told = dict(by_day(ledger.whole_days(ledger.sums(Trade.objects.all()))))
    assert len(told) > 1
    assert told == {day: days[day] for day in told}


def test_the_overviews_line_ends_at_the_equity_beside_it(db, now):
    now = now.replace(hour=20)
    for k in range(300):
        make.snapshot(now - timedelta(minutes=300 - k), 1000)
    make.snapshot(now, 900)
    assert Scene(now).spark.points.split()[-1].endswith(",44.0")  # the bottom


def test_the_accounts_line_is_thinned_and_keeps_its_ends(db, now):
    AccountSnapshot.objects.bulk_create(
        AccountSnapshot(at=now - timedelta(minutes=2000 - k), equity=1000 + k, balance=1, available=1, margin_used=0,
                        unrealized=0, mode=make.MODE)
        for k in range(2000)
    )  # fmt: skip
    line = ledger.account_line(now - timedelta(days=30), now + timedelta(hours=1))
    assert len(line) <= 335
    assert (line[0][1], line[-1][1]) == (1000, 2999)


def test_no_fall_of_the_account_is_lost_between_two_points(db, now):
    dip, began = 1333, now - timedelta(hours=20)
    AccountSnapshot.objects.bulk_create(
        AccountSnapshot(at=began + timedelta(seconds=10 * k), equity=700 if k == dip else 1000 + k / 100, balance=1,
                        available=1, margin_used=0, unrealized=0, mode=make.MODE)
        for k in range(7000)
    )  # fmt: skip
    line = ledger.account_line(now - timedelta(days=30), now + timedelta(hours=1))
    assert (len(line) <= 335, line[0][0], line[-1][0]) == (True, began, began + timedelta(seconds=69990))
    assert min(line, key=lambda point: point[1]) == (began + timedelta(seconds=10 * dip), Decimal(700))
    figure = charts.equity(line)
    assert "Deepest drawdown 30.9" in figure.sentence  # of 1,013.32, or of a stretch before
    assert None not in figure.traces[0]["y"]


def test_panels_of_the_books_only_age_between_two_looks(house, now):
    names = ("orders", "trades", "results", "closed", "performance", "outstanding", "candles")
    before, after = (panels.render(names, at, Scene(at)) for at in (now, now + timedelta(seconds=3)))
    assert {a.name for a, b in zip(before, after, strict=True) if a.substance != b.substance} == set()
