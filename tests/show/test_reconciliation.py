"""The page about the money: what it says empty, agreeing, differing; what can be pressed; the same over HTTP."""

import html
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from monitoring.control import apikeys
from monitoring.show import panels
from monitoring.show.pages.reconciliation import SHOWS
from monitoring.show.scene import Scene
from tests import builders
from tests.show import factories as make
from tests.show.test_pages import text as written
from trading.models import CanaryRun, DailyMoney, IncomeEntry, VenueLook

pytestmark = pytest.mark.django_db
PATH = "/reconciliation/"


def text(answer):
    """The page's words, in one line."""
    return " ".join(html.unescape(written(answer)).split())


def day(now, back, state="ok", **changes):
    row = {
        "day": (now - timedelta(days=back)).date(), "state": state, "ours": Decimal("12.5"), "theirs": Decimal("12.5"),
        "lines": [line("REALIZED_PNL", "14", "14"), line("COMMISSION", "-1.5", "-1.5")], "since": now,
        "compared_until": now, "read_until": now, "settled": state != "unknown",
        "checked_at": now - timedelta(minutes=1), "mode": make.MODE,
    }  # fmt: skip
    return DailyMoney.objects.create(**row | changes)


def line(kind, ours, theirs, explained="0", symbol="BTC/USDT:USDT"):
    difference = Decimal(theirs) - Decimal(explained) - Decimal(ours)
    return {"kind": kind, "symbol": symbol, "ours": ours, "theirs": theirs, "explained": explained,
            "difference": str(difference)}  # fmt: skip


def week(now):
    day(now, 0, "unknown")
    for back in range(1, 8):
        day(now, back)


def differing(now):
    return day(now, 1, "fail", worst=Decimal("0.02"), lines=[line("COMMISSION", "-1.23", "-1.25")])


def looked(now, **changes):
    row = {"at": now, "agrees": True, "balance": 10_000, "mode": make.MODE}
    return VenueLook.objects.create(**row | changes)


def canary(now, outcome="ok", code="", **changes):
    steps = [
        {"step": "place", "outcome": outcome, "code": "ok" if outcome == "ok" else "refused", "took_ms": 31,
         "answer": None if outcome == "ok" else -4120, "facts": {"message": "Order type not supported (-4120)"},
         "calls": [{"endpoint": "fapiPrivatePostAlgoOrder", "code": 0 if outcome == "ok" else -4120, "took_ms": 29}]},
        {"step": "clean", "outcome": "ok", "code": "ok", "answer": None, "facts": {}, "took_ms": 5, "calls": []},
    ]  # fmt: skip
    row = {
        "requested_by": "beat", "started_at": now, "beat_at": now, "finished_at": now, "outcome": outcome, "code": code,
        "symbol": "ETH/USDT:USDT", "steps": steps, "client": "ccxt 4.5.90", "venue": "here", "mode": "practice",
    }  # fmt: skip
    return CanaryRun.objects.create(**row | changes)


def stopped(now, n, filled, type_="STOP"):
    for _ in range(n):
        position = builders.position(status="closed", quantity=0, closed_at=now, close_reason="stop")
        intent = builders.intent(kind="stop", position=position, side="sell", type=type_, reason="r", requester="q",
                                 reduce_only=True, trigger=100, price=95 if type_ == "STOP" else None)  # fmt: skip
        builders.order(intent=intent, status="filled", filled=1, average_price=filled, updated_at=now)


def test_an_empty_page_says_what_will_come(reader):
    page = text(reader.get(PATH))
    assert "Our books have not been compared with the exchange's yet." in page
    assert "The exchange's stops have not been checked yet." in page
    assert "0.00" not in page


def test_seven_days_that_agree_are_the_headline(reader, now):
    week(now)
    looked(now)
    canary(now)
    page = text(reader.get(PATH))
    assert "Our books and the exchange's agree to the cent for 7 days." in page
    assert "Positions and open orders are at the exchange as we have them." in page
    assert "not settled yet" in page and "ccxt 4.5.90" in page


def test_a_difference_is_named_with_what_to_do(reader, now):
    week(now)
    DailyMoney.objects.filter(day=(now - timedelta(days=1)).date()).delete()
    differing(now)
    answer = reader.get(PATH)
    page = text(answer)
    assert "0.02 USDT apart on" in page and "ours −1.23, the exchange's −1.25" in page
    assert "Press Reconcile now" in page
    assert 'data-tone="fail"' in answer.content.decode()


def test_a_broken_contract_is_named_with_its_code_and_what_to_do(reader, now):
    week(now)
    canary(now, "fail", "place -4120")
    page = text(reader.get(PATH))
    assert (
        "The exchange's stops failed their check" in page
        and "Place a stop: refused: Order type not supported (-4120)" in page
    )
    assert "fapiPrivatePostAlgoOrder" in page and "Order type not supported" in page
    assert "change log" in page


def test_what_is_not_ours_and_what_is_missing_is_listed(reader, now):
    looked(now, agrees=False, positions=[
        {"symbol": "ETH/USDT:USDT", "what": "long", "ours": "", "theirs": "1", "kind": "", "external": True,
         "state": "external"},
    ], orders=[
        {"symbol": "BTC/USDT:USDT", "what": "qt-s-1", "ours": "100", "theirs": "", "kind": "stop", "external": False,
         "state": "missing"},
    ])  # fmt: skip
    page = text(reader.get(PATH))
    assert "1 position or order differs. 1 is not ours." in page
    assert "not at the exchange" in page and "not ours" in page


def test_slippage_is_shown_by_plan_and_few_exits_compare_nothing(reader, now):
    stopped(now, 6, Decimal("99.9"))
    stopped(now, 2, Decimal("98"), "STOP_MARKET")
    page = text(reader.get(PATH))
    assert "Stop with a limit6+10.0+10.0+0.60" in page
    assert "fewer than 5: no comparison yet" in page


def test_who_may_not_tick_modules_has_nothing_to_press(client, now):
    week(now)
    client.force_login(make.user("vera", roles=("viewer",)))
    shown = client.get(PATH).content.decode()
    assert "Reconcile now" not in shown and "Check the stops now" not in shown
    client.force_login(make.user("olaf", roles=("operator",)))
    shown = client.get(PATH).content.decode()
    assert "Reconcile now" in shown and "Check the stops now" in shown


def test_only_who_may_look_sees_it(client):
    assert client.get(PATH).url == f"/login/?next={PATH}"


def test_the_panels_take_six_queries_whatever_is_stored(now):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            panels.render(SHOWS, now, Scene(now))
        return len(seen)

    first = queries()
    week(now)
    looked(now)
    for n in range(5):
        canary(now - timedelta(hours=n))
    stopped(now, 6, Decimal("99.9"))
    assert queries() == first == 5


@pytest.fixture
def api(now):
    return Client(headers={"Authorization": f"Bearer {apikeys.create(make.user(), now)[1]}"})


def test_the_same_over_http(api, now):
    week(now)
    looked(now)
    canary(now)
    stopped(now, 1, Decimal("99.9"))
    told = api.get("/api/v1/reconciliation").json()
    assert (told["verdict"]["state"], told["verdict"]["code"]) == ("ok", "books-agree")
    assert len(told["days"]) == 8 and told["days"][1]["ours"] == "12.5"
    assert told["there"]["agrees"] is True
    assert told["canary"]["state"] == "ok" and told["canary"]["runs"][0]["steps"][0]["calls"][0]["code"] == 0
    assert told["slippage"] == [{"plan": "stop_limit", "exits": 1, "median_bps": 10.0, "worst_bps": 10.0, "cost": "0.1",
                                 "enough": False}]  # fmt: skip


def test_without_data_the_answer_is_unknown_and_not_zero(api):
    told = api.get("/api/v1/reconciliation").json()
    assert (told["verdict"]["state"], told["days"], told["there"]) == ("unknown", [], None)
    assert told["canary"]["code"] == "stops-never-proven"


def test_senseless_questions_are_refused(api):
    assert api.get("/api/v1/reconciliation?what=1").status_code == 400
    assert api.post("/api/v1/reconciliation").status_code == 405


def test_income_can_be_exported(now, tmp_path):
    row = {"kind": "COMMISSION", "symbol": "BTC/USDT:USDT", "asset": "USDT", "amount": Decimal("-0.5"), "at": now}
    IncomeEntry.objects.create(income_id="COMMISSION-BTCUSDT-1", read_at=now, mode=make.MODE, **row)
    call_command("export", "income", str(tmp_path / "income.csv"))
    head, first = (tmp_path / "income.csv").read_text().splitlines()
    assert head.startswith("id,income_id,kind,symbol,asset,amount") and "COMMISSION,BTC/USDT:USDT,USDT,-0.5" in first
