"""The API's shapes, its doors, and how many questions each endpoint asks of the database."""

import threading
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.control import apikeys
from monitoring.models import RememberedAnswer
from monitoring.show.api import once as memory
from tests.show import factories as make
from trading.codes import Code
from trading.models import SwitchChange, Trade

pytestmark = pytest.mark.django_db
LISTS = ["signals", "decisions", "positions", "orders", "fills", "trades", "models", "modules", "rejection-codes"]
SINGLES = ["system", "cycle", "funnel", "account", "policy", "universe", "data-quality", "trades/stats"]


@pytest.fixture
def key(now):
    return apikeys.create(make.user(), now)[1]


@pytest.fixture
def api(key):
    return Client(headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def busy(now):
    make.holdings(now)
    make.no_trades(now)


def get(client, path, status=200):
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == status, answer.content
    return answer.json()


@pytest.mark.parametrize("path", LISTS + SINGLES)
def test_an_empty_house_answers_without_inventing_anything(api, path):
    assert "error" not in get(api, path)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_has_items_the_next_cursor_and_its_moment(api, busy, path):
    answer = get(api, path)
    assert {"items", "next", "as_of"} <= set(answer)
    assert answer["as_of"].endswith("Z")


QUERIES = {
    "signals": 1, "decisions": 1, "positions": 2, "orders": 1, "fills": 1, "trades": 1, "models": 2, "modules": 10,
    "processes": 10,
    "rejection-codes": 0, "system": 1, "cycle": 1, "funnel": 4, "account": 9, "policy": 1, "universe": 5,
    "data-quality": 5, "trades/stats": 2, "candles?symbol=BTCUSDT": 2,
}  # fmt: skip
DOOR = 2  # the key with its user, and the roles


@pytest.mark.parametrize(("path", "queries"), QUERIES.items())
def test_the_number_of_queries_is_fixed(api, busy, path, queries):
    get(api, path)  # notes when the key was used
    with CaptureQueriesContext(
        connection,
    ) as seen:
        get(api, path)
    assert len(seen) == queries + DOOR


def test_pages_follow_each_other_without_a_gap_or_a_repeat(api, busy):
    ids, cursor = [], ""
    while True:
        page = get(api, f"decisions?limit=90{cursor}")
        ids += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(ids) == 202
    assert ids == sorted(set(ids), reverse=True)


def test_filters_narrow_and_codes_count(api, busy):
    assert len(get(api, "decisions?code=CORRELATION")["items"]) == 6
    assert {row["outcome"] for row in get(api, "decisions?outcome=pending")["items"]} == {"pending"}
    rows = get(api, "signals?symbol=BTC/USDT:USDT&limit=5")["items"]
    assert {row["symbol"] for row in rows} == {"BTC/USDT:USDT"}
    assert get(api, "signals?symbol=BTC%2FUSDT%3AUSDT&limit=5")["items"] == rows
    assert get(api, "signals?symbol=btcusdt&limit=5")["items"] == rows


def test_since_and_until_cut_the_time(api, busy, now):
    moment = (now - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    late, early = get(api, f"decisions?since={moment}&limit=1000"), get(api, f"decisions?until={moment}&limit=1000")
    assert len(late["items"]) + len(early["items"]) == 202
    assert all(row["at"] >= moment for row in late["items"])


def test_the_funnel_is_the_contracts(api, busy):
    seen = get(api, "funnel?window=1h")
    assert (seen["signals"], seen["traded"], seen["failed"], seen["pending"], seen["rejected"]) == (198, 0, 1, 2, 195)
    assert seen["by_code"]["COOLDOWN_ACTIVE"] == 171
    assert {"code", "n", "sentence", "setting"} <= set(seen["dominant"])
    assert seen["law_holds"] is True


def test_a_decision_carries_its_signal_every_gate_and_the_numbers(api, busy):
    row = get(api, "decisions?code=CORRELATION&limit=1")["items"][0]
    full = get(api, f"decisions/{row['id']}")
    assert full["signal"]["votes"][0].keys() >= {"model", "version", "side", "probability"}
    assert len(full["gates"]) == len(make.NAMES)
    no = full["rejections"][0]
    assert (no["code"], no["limit"], no["setting"]) == ("CORRELATION", 0.7, "QT_MAX_CORRELATION")
    assert get(api, f"signals/{full['signal']['id']}")["confidence"] == full["confidence"]


def test_a_position_tells_what_protects_it(api, busy):
    btc = next(row for row in get(api, "positions")["items"] if row["symbol"] == "BTC/USDT:USDT")
    assert (btc["quantity"], btc["entry_price"], btc["mode"]) == ("0.12", "30214.5", "practice")
    assert btc["unrealized_pnl"] == "12.468"
    stop = btc["stop"]
    assert (stop["price"], stop["kind"], stop["reduce_only"], stop["matches_quantity"]) == ("29942", "STOP", True, True)
    assert 3 <= stop["verified_age_s"] < 60
    assert stop["seconds_unprotected"] == 0.9
    assert btc["backstop"]["price"] == "29760.4"
    assert [row["status"] for row in get(api, "positions?status=closed")["items"]] == ["closed"]


def test_orders_and_fills_carry_the_ids_that_the_venue_knows(api, busy):
    order = get(api, "orders?kind=entry&limit=1")["items"][0]
    assert order["client_order_id"].startswith("q-entry-")
    assert (order["status"], order["kind"], order["mode"]) == ("filled", "entry", "practice")
    fill = get(api, "fills?limit=1")["items"][0]
    assert fill["trade_id"] and fill["mode"] == "practice"


def test_money_is_text_and_unknown_money_is_null(api, now):
    assert set(get(api, "account").values()) == {None, "practice"}
    make.snapshot(now, 10427.88)
    account = get(api, "account")
    assert (account["equity"], account["balance"], account["realized_today"]) == ("10427.88", "10380.79", "0")
    assert account["daily_loss_limit"] == 0.03


def test_every_code_is_told_with_its_stage_sentence_and_fix(api):
    rows = get(api, "rejection-codes")["items"]
    assert {row["code"] for row in rows} == set(Code.__members__)
    assert all(row["stage"] and row["sentence"] and row["fix"] for row in rows)


def test_candles_come_newest_first_page_by_page(api, now):
    make.universe(now)
    make.candles("BTC/USDT:USDT", now, bars=5)
    first = get(api, "candles?symbol=BTCUSDT&limit=3")
    rest = get(api, f"candles?symbol=BTCUSDT&limit=3&cursor={first['next']}")
    times = [row["open_time"] for row in first["items"] + rest["items"]]
    assert times == sorted(set(times), reverse=True)
    assert (len(times), rest["next"]) == (5, None)


def test_modules_say_how_long_they_have_been_silent(api, now):
    make.beat("executor", now, ago=500)
    rows = {row["name"]: row for row in get(api, "modules")["items"]}
    assert (rows["executor"]["liveness"], rows["trailing"]["liveness"]) == ("down", "never")
    assert rows["executor"]["title"] == "Event Driven Executor"


def test_the_system_tells_mode_switch_and_build(api):
    system = get(api, "system")
    assert (system["mode"], system["armed"], system["switch"]) == ("practice", False, "active")
    assert system["venue_url"] == "http://127.0.0.1:8100"
    assert system["config_hash"] and system["build"] and system["started_at"].endswith("Z")


# -- doors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "wrong", "Bearer \u00e9\u00e9"]
)
def test_without_a_living_key_nothing_is_told(client, db, header):
    extra = {"HTTP_AUTHORIZATION": header} if header is not None else {}
    answer = client.get("/api/v1/system", **extra)
    assert answer.status_code == 401
    assert list(answer.json()["error"]["fields"]) == ["Authorization"]


def test_an_expired_or_revoked_key_is_no_key(api, key, now):
    from monitoring.models import ApiKey

    ApiKey.objects.update(revoked_at=now)
    assert get(api, "system", 401)["error"]["code"] == "unauthorized"
    ApiKey.objects.update(revoked_at=None, expires_at=now - timedelta(seconds=1))
    assert get(api, "system", 401)["error"]["code"] == "unauthorized"


def test_a_session_reads_and_writes_only_with_its_csrf_token(db):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make.user())
    assert browser.get("/api/v1/system").status_code == 200
    body = {"state": "halted"}
    without = browser.post("/api/v1/controls/switch", body, content_type="application/json")
    assert (without.status_code, without.json()["error"]["code"]) == (403, "csrf")
    browser.get("/")
    token = browser.cookies["csrftoken"].value
    done = browser.post(
        "/api/v1/controls/switch", body, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert done.status_code == 200


def test_a_key_has_its_users_role(now):
    viewer = apikeys.create(make.user("viewer", roles=("viewer",)), now)[1]
    guest = apikeys.create(make.user("guest", roles=()), now)[1]
    as_viewer, as_guest = (Client(headers={"Authorization": f"Bearer {k}"}) for k in (viewer, guest))
    assert as_viewer.get("/api/v1/system").status_code == 200
    halted = as_viewer.post("/api/v1/controls/switch", {"state": "halted"}, content_type="application/json")
    assert (halted.status_code, SwitchChange.objects.count()) == (403, 0)
    assert as_guest.get("/api/v1/system").status_code == 403


def test_the_documentation_is_served_from_here(client, db):
    assert client.get("/api/v1/openapi.json").json()["info"]["title"] == "Quantum"
    page = client.get("/api/v1/docs").content.decode()
    assert "cdn" not in page
    assert "/static/ninja/" in page


# -- controls --------------------------------------------------------------------------------------------------------


def post(client, path, body, **headers):
    return client.post(f"/api/v1/{path}", orjson.dumps(body), content_type="application/json", headers=headers)


def test_the_switch_moves_and_says_where_it_stands(api):
    assert post(api, "controls/switch", {"state": "halted"}).json()["state"] == "halted"
    again = post(api, "controls/switch", {"state": "halted", "reason": "still"}).json()
    assert (again["state"], again["changed"], SwitchChange.objects.count()) == ("halted", False, 1)
    refused = post(api, "controls/switch", {"state": "active"})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["reason"])
    assert post(api, "controls/switch", {"state": "active", "reason": "checked"}).json()["state"] == "active"


def test_a_retry_with_the_same_key_changes_nothing_more(api):
    first = post(api, "controls/switch", {"state": "halted"}, **{"Idempotency-Key": "a1"})
    post(api, "controls/switch", {"state": "active", "reason": "meanwhile"})
    second = post(api, "controls/switch", {"state": "halted"}, **{"Idempotency-Key": "a1"})
    assert second.json() == first.json()
    assert SwitchChange.objects.order_by("-id").first().state == "active"
    other = post(api, "controls/switch", {"state": "reducing"}, **{"Idempotency-Key": "a1"})
    assert (other.status_code, list(other.json()["error"]["fields"])) == (409, ["Idempotency-Key"])


def release(api, key="k1"):
    return post(api, "controls/switch", {"state": "active", "reason": "it is out"}, **{"Idempotency-Key": key})


def test_a_retry_repeats_nothing_though_the_web_process_has_forgotten_everything(api):
    post(api, "controls/switch", {"state": "halted", "reason": "a release"})
    first = release(api)
    post(api, "controls/switch", {"state": "halted", "reason": "smoke"})
    for room in caches:
        caches[room].clear()
    again = release(api)
    assert (again.status_code, again.content) == (200, first.content)
    assert SwitchChange.objects.latest().reason == "smoke"


def test_an_answer_is_remembered_for_a_day_by_user_path_and_key(api, now):
    assert release(api).status_code == 200
    row = RememberedAnswer.objects.get()
    assert (row.user.username, row.path, row.key, row.status) == ("mira", "/api/v1/controls/switch", "k1", 200)
    assert row.expires_at - row.made_at == timedelta(hours=24) and "it is out" not in row.digest
    other = make.user("otto")
    theirs = Client(headers={"Authorization": f"Bearer {apikeys.create(other, now)[1]}"})
    assert post(theirs, "controls/switch", {"state": "halted"}, **{"Idempotency-Key": "k1"}).json()["changed"]
    RememberedAnswer.objects.update(expires_at=now)
    assert release(api).json()["changed"] and RememberedAnswer.objects.get().user.username == "mira"


def test_an_action_whose_answer_can_not_be_kept_was_not_done(api, monkeypatch):
    post(api, "controls/switch", {"state": "halted"})
    api.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(memory, "remember", lambda *what: 1 / 0)
        assert release(api).status_code == 500
    assert SwitchChange.objects.latest().state == "halted" and not RememberedAnswer.objects.exists()
    assert release(api).json()["changed"]


@pytest.mark.django_db(transaction=True)
def test_five_at_once_with_one_key_are_one_action_and_one_answer(key):
    make.switch("halted", timezone.now())
    answers = []

    def ask():
        one = Client(headers={"Authorization": f"Bearer {key}"})
        answers.append(release(one).content)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 5 and len(set(answers)) == 1 and b'"changed":true' in answers[0]
    assert SwitchChange.objects.count() == 2 and RememberedAnswer.objects.count() == 1


def test_what_was_refused_is_not_remembered(api):
    post(api, "controls/switch", {"state": "halted"})
    key = {"Idempotency-Key": "k1"}
    assert post(api, "controls/switch", {"state": "active"}, **key).status_code == 400
    assert not RememberedAnswer.objects.exists() and release(api).json()["changed"]


def test_over_http_a_release_holds_only_for_the_halt_that_was_seen(api):
    first = post(api, "controls/switch", {"state": "halted", "reason": "a release"}).json()["change"]
    for state, reason in (("active", "it is out"), ("halted", "smoke")):
        post(api, "controls/switch", {"state": state, "reason": reason, "shown": first})
    late = post(api, "controls/switch", {"state": "active", "reason": "it is out", "shown": first})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "stale")
    assert post(api, "controls/switch", {"state": "reducing", "shown": first}).status_code == 409
    seen = get(api, "risk")["kill_switch"]["change"]
    done = post(api, "controls/switch", {"state": "active", "reason": "no fire", "shown": seen}).json()
    assert (done["state"], done["change"]) == ("active", SwitchChange.objects.latest().pk)


@pytest.mark.parametrize("shown", ["7", 1.5, True, -1, None, 2**63])
def test_what_is_no_number_of_a_change_is_named(api, shown):
    answer = post(api, "controls/switch", {"state": "halted", "shown": shown})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["shown"])


def test_the_missions_own_path_tells_the_command_to_use(client, db):
    answer = client.get("/api/universe/refresh")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "curl -X POST" in answer.json()["error"]["message"]
    assert client.post("/api/universe/refresh").status_code == 401


# -- health ----------------------------------------------------------------------------------------------------------


def test_the_web_process_is_healthy_while_it_reaches_the_database(client, db):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readiness_names_who_does_not_beat(client, now):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "executor" in answer.json()["failing"]
    make.running(now)
    told = client.get("/readyz").json()
    assert (told["failing"], told["processes"]) == ([], ["beat", "stream", "trainer", "web", "worker"])
    make.hearts(now)
    make.cycle(now)  # its newest bar is judged
    told = client.get("/readyz").json()
    assert told == {"status": "ok", "heartbeats": dict.fromkeys(("web", "worker", "trainer", "beat", "stream"), "up")}
    make.beat("position_monitor", now, ago=300)
    assert client.get("/readyz").json()["failing"] == ["position_monitor"]
    make.hearts(now, stream=40)
    assert client.get("/readyz").json()["heartbeats"]["stream"] == "down"


def test_sums_of_money_are_exact(reader, now):
    for _ in range(3):
        make.closed_trade(
            "LTC/USDT:USDT", now, "0.1", fees=Decimal("0.1"), gross=Decimal("0.3"), funding=Decimal("-0.1")
        )
    told = reader.get("/api/v1/trades/stats").json()
    assert [told[name] for name in ("net", "gross", "fees", "funding")] == ["0.3", "0.9", "0.3", "-0.3"]
    make.snapshot(now, 10000)
    Trade.objects.update(closed_at=now)
    assert reader.get("/api/v1/account").json()["realized_today"] == "0.3"
