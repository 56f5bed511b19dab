"""What is not known is never drawn as a number, and what does not protect is never drawn as protection."""

from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.show import panels
from monitoring.show.held import badge, patch
from monitoring.show.panels.held import positions_at
from monitoring.show.scene import Scene, held
from tests.show import factories as make

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
LIMIT = timedelta(seconds=15)


def test_without_a_mark_there_is_no_profit_and_no_notional(reader, now):
    make.position(BTC, now, mark_price=None, mark_at=None)
    (row,) = reader.get("/api/v1/positions").json()["items"]
    assert [row[name] for name in ("mark_price", "unrealized_pnl", "notional", "r")] == [None] * 4


def test_a_patch_writes_no_exponents(db, now):
    one = held(make.position(BTC, now, entry_price=Decimal(100), r=Decimal(1)), {})
    assert patch(one, Decimal(100), now)["unrealized"] == "0"
    assert patch(one, Decimal("1.0E-7"), now)["mark"] == "0.0000001"


def test_a_missing_backstop_is_named_and_no_time_without_a_stop_is_made_up(db, now):
    make.guard(make.position(BTC, now), "stop", "95", now)
    (one,) = Scene(now).held
    shown = badge(one, one.backstop, LIMIT, now, "backstop")
    assert (shown.state, shown.price, shown.note) == ("fail", "no backstop", "none at the exchange")


def test_a_triggered_stop_is_not_drawn_as_protection(reader, now):
    make.guard(make.position(BTC, now), "stop", "95", now, status="triggered")
    (one,) = Scene(now).held
    assert badge(one, one.stop, LIMIT, now).state == "warn"
    (row,) = reader.get("/api/v1/positions").json()["items"]
    assert row["stop"]["triggered"] is True
    assert row["stop"]["client_order_id"].startswith("q-stop-")


def test_the_longest_gap_counts_the_one_that_is_open_now(db, now):
    make.position(BTC, now, seconds_unprotected=1, unprotected_since=now - timedelta(seconds=60))
    assert Scene(now).longest_gap == 61


def test_the_positions_are_as_old_as_the_oldest_mark(db, now):
    make.position(BTC, now)
    make.position(ETH, now, mark_at=now - timedelta(minutes=9))
    assert positions_at(Scene(now)) == now - timedelta(minutes=9)


def test_before_the_days_first_snapshot_today_is_not_known(reader, now):
    make.snapshot(now - timedelta(days=2), 10000)
    seen = Scene(now).account
    assert (seen.today, seen.today_share, seen.drawdown) == (None, None, None)
    assert reader.get("/api/v1/account").json()["drawdown"] is None
    assert '<dt>Today</dt><dd><span class="muted">No data</span>' in panels.render(["equity"], now)[0].html


def test_a_long_silent_symbol_has_an_old_candle_not_none(reader, now, django_assert_max_num_queries):
    make.universe(now, [BTC, ETH])
    make.candles(BTC, now, late=100)
    with django_assert_max_num_queries(3):
        closed = Scene(now).universe.closed
    first, second = reader.get("/api/v1/universe").json()["symbols"]
    assert first["age_s"] > 100 * 60 and second["last_candle_at"] is None
    assert set(closed) == {BTC}


def test_the_order_we_wanted_is_written_without_the_zeros_of_reckoning(reader, now):
    make.running(now)
    of = make.signal(make.cycle(now, flat=11, signals=1), BTC)
    wanted = {
        "symbol": BTC,
        "side": "long",
        "quantity": "0.0250000",
        "price": "30214.50",
        "r": "1E-7",
        "risk": "52.10000",
    }
    wanted |= {
        "notional": "755.36250000",
        "leverage": 3,
        "margin_mode": "isolated",
        "target_r": "2.5",
        "margin": "0E-8",
    }
    number = make.decided(of, "traded", ticket=wanted).pk
    told = reader.get(f"/api/v1/decisions/{number}").json()["ticket"]
    assert [told[k] for k in ("quantity", "price", "r", "risk", "margin")] == [
        "0.025",
        "30214.5",
        "0.0000001",
        "52.1",
        "0",
    ]
    page = reader.get(f"/decisions/{number}/").content.decode()
    assert "755.36 USDT, 3×, isolated" in page and "1E-7" not in page


def test_a_module_that_never_ticked_measured_nothing(reader, now):
    make.beat("executor", now, last_tick=None, last_work=None)
    items = {row["name"]: row for row in reader.get("/api/v1/modules").json()["items"]}
    row = items["executor"]
    assert row["liveness"] == "never"
    assert [row[name] for name in ("examined", "actions", "lag_s")] == [None] * 3


# -- doors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "onward", ["abc", "//evil.example/", "http://evil.example/", "javascript:alert(1)", "\x00", "/\r\nX: 1"]
)
def test_after_the_login_only_a_page_of_ours_follows(client, db, onward):
    make.user()
    answer = client.post("/login/", {"username": "mira", "password": "a-long-password", "next": onward})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/") and not answer["Location"].startswith("//")
    assert client.get("/login/", {"next": onward}).status_code == 302


def test_a_script_without_a_session_is_told_that_the_switch_was_not_moved(client, db):
    answer = client.post("/switch/", {"state": "halted"}, headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["error"]["message"]
    assert client.post("/switch/", {"state": "halted"})["Location"] == "/login/?next=/"
    assert client.get("/decisions/?code=X")["Location"].startswith("/login/?next=/decisions/")


def test_the_admin_has_no_second_door_without_a_limit(client, db):
    answer = client.post("/admin/login/", {"username": "mira", "password": "x"})
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/admin/")
    client.force_login(make.user())
    assert client.get("/admin/", follow=True).status_code == 403
    client.force_login(make.user("staff", is_staff=True))
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("digits", [25, 5000])
def test_a_huge_number_is_no_decision(reader, digits):
    assert reader.get(f"/decisions/{'9' * digits}/").status_code == 404
