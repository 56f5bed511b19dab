"""The pages: what they say, to whom, and in how many queries."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client

from monitoring.control import login as links
from monitoring.show import panels
from monitoring.show.scene import Scene
from tests.show import factories as make
from trading.models import SwitchChange

pytestmark = pytest.mark.django_db


def text(answer) -> str:
    """The page's words, tags taken out."""
    plain = re.sub(r"<[^>]+>", "", answer.content.decode()).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", plain)


def test_an_empty_house_says_no_data_and_never_zero(reader):
    page = text(reader.get("/"))
    assert "No market data yet." in page
    assert page.count("No data") >= 5
    assert "0 signals" not in page


def test_the_overview_tells_the_198(reader, now):
    make.no_trades(now)
    page = text(reader.get("/"))
    assert "198 signals in the last hour, 0 trades." in page
    assert "171 were rejected by COOLDOWN_ACTIVE" in page
    assert "Every signal is accounted for: 198 = 0 traded + 195 rejected + 1 failed + 2 pending" in page
    assert "Synthetic market with trends built in; profit here proves nothing." in page


def test_where_every_symbol_is_flat_the_nearest_to_a_signal_are_named(reader, now):
    flat = {"BTC/USDT:USDT": ["long", 0.212], "ETH/USDT:USDT": ["short", 0.25]}
    facts = {"highest": 0.25, "break_even": 2 / 7, "cost_r": 0.12, "flat": flat}
    make.cycle(now, signals=0, evaluated=2, flat=2, symbols=2, facts=facts)
    page = text(reader.get("/"))
    assert "Nearest to one in the newest bar" in page
    assert page.index("ETH/USDT") < page.index("BTC/USDT")
    assert "0.250, a signal needs 0.286, where an entry breaks even before costs." in page


def test_every_panel_carries_its_hook_and_its_moment(reader, now):
    make.holdings(now)
    make.no_trades(now)
    html = reader.get("/").content.decode()
    assert set(re.findall(r'data-panel="([a-z]+)"', html)) == set(panels.OVERVIEW)
    assert 'data-mode="practice"' in html
    assert 'data-switch="active"' in html
    for name in ("equity", "funnel", "positions", "decisions", "modules", "models", "account", "policy", "universe"):
        assert re.search(rf'data-panel="{name}".*?data-as-of="20', html, re.DOTALL), name


def test_the_overview_makes_a_fixed_number_of_queries(reader, now, django_assert_num_queries):
    make.holdings(now)
    make.no_trades(now)
    with django_assert_num_queries(89):
        reader.get("/")
    with django_assert_num_queries(68):  # the diagnosis is ten seconds old at most
        reader.get("/")


def test_positions_show_the_stop_the_exchange_confirmed_and_the_one_it_did_not(reader, now):
    make.holdings(now)
    page = text(reader.get("/"))
    assert "4 of 6 open; 3 stops confirmed, 1 not" in page
    assert "29,942.0verified" in page
    assert "Protection not confirmed:27.650verified" in page


def test_a_naked_position_is_the_headline(reader, now):
    make.running(now)
    make.position("BTC/USDT:USDT", now, unprotected_since=now - timedelta(seconds=9), protected_since=None)
    assert re.search(r"BTC/USDT has had no stop at the exchange for \d+ s\.", text(reader.get("/")))


def test_training_counts_down(reader, now):
    make.training(now)
    make.candles("BTC/USDT:USDT", now)
    html = reader.get("/").content.decode()
    assert re.search(r'Models are training: <span data-countdown="[^"]+">\d+', html)
    assert "Training: calibrating 3 of 4" in html


def test_a_switch_that_was_moved_shows_who_and_why(reader, now):
    make.running(now)
    make.switch("halted", now)
    page = reader.get("/")
    assert 'data-switch="halted"' in page.content.decode()
    assert "Trading is halted on purpose. mira switched to halted at" in text(page)


def test_what_the_venue_says_is_text_and_nothing_else(reader, now):
    make.running(now)
    s = make.signal(make.cycle(now, flat=11, signals=1), "BTC/USDT:USDT")
    make.decided(s, "failed", "EXCHANGE_REJECT", "Refused: <script>alert(1)</script>")
    make.beat("exchange", now, last_error='<img src=x onerror="1">', last_error_at=now)
    html = reader.get("/").content.decode()
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_panel_that_only_grew_older_needs_no_second_push(now):
    make.holdings(now)
    make.no_trades(now)
    later = now + timedelta(seconds=3)
    before, after = (panels.render(panels.OVERVIEW, at, Scene(at)) for at in (now, later))
    changed = {a.name for a, b in zip(before, after, strict=True) if a.substance != b.substance}
    assert changed <= {"ribbon", "scorecard", "tiles"}  # its clock; how long something has been wrong, in words


def test_newer_marks_of_the_stream_win_over_the_rows(now):
    make.holdings(now)
    scene = Scene(now, {"BTC/USDT:USDT": (Decimal("31000"), now)})
    assert scene.held[0].mark == Decimal("31000")
    old = Scene(now, {"BTC/USDT:USDT": (Decimal("31000"), now - timedelta(hours=1))})
    assert old.held[0].mark == Decimal("30318.4")


# -- decisions -------------------------------------------------------------------------------------------------------


def test_the_table_of_decisions_is_filtered_and_paged(reader, now):
    make.no_trades(now)
    page = reader.get("/decisions/?code=CORRELATION")
    assert page.content.decode().count('data-outcome="rejected"') == 6
    first = reader.get("/decisions/").content.decode()
    older = re.search(r'href="(\?cursor=\d+)" rel="next">Older', first).group(1)
    second = reader.get(f"/decisions/{older}").content.decode()
    assert not set(re.findall(r'data-key="(\d+)"', first)) & set(re.findall(r'data-key="(\d+)"', second))


def test_an_empty_field_of_the_form_asks_for_nothing(reader, now):
    make.no_trades(now)
    assert reader.get("/decisions/?symbol=&outcome=&code=").status_code == 200


@pytest.mark.parametrize(
    "query", ["cursor=x", "limit=0", "code=NOPE", "symbol=NOPEUSDT", "what=1", "cursor=1&cursor=2"]
)
def test_a_senseless_question_is_refused_on_a_page_that_names_the_field(reader, query):
    page = reader.get(f"/decisions/?{query}")
    assert page.status_code == 400
    assert query.split("=")[0] in text(page)


def test_a_decision_tells_every_gates_answer(reader, now):
    make.policy(now)
    s = make.signal(make.cycle(now, flat=11, signals=1), "LINK/USDT:USDT", confidence=0.61)
    d = make.rejected(s, make.cooldown(4301), make.correlated())
    html = reader.get(f"/decisions/{d.pk}/").content.decode()
    assert "LINK/USDT long was rejected by two gates." in html
    assert html.count("data-gate=") == len(make.NAMES)
    assert "LightGBM" in html
    assert 'data-way="out"' in html


@pytest.mark.parametrize("number", ["999999", "9999999999999999999999"])
def test_a_decision_that_is_not_there_is_said_to_be_not_there(reader, number):
    assert reader.get(f"/decisions/{number}/").status_code == 404


# -- coming in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/decisions/", "/decisions/1/"])
def test_whoever_is_not_logged_in_is_sent_to_the_login(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.url) == (302, f"/login/?next={path}")


def test_a_user_without_a_role_is_told_so(client):
    client.force_login(make.user("guest", roles=()))
    assert client.get("/").status_code == 403


def test_a_login_link_works_once(client, now):
    token = links.issue(make.user(), now)
    answer = client.post("/login/", {"token": token, "next": "/decisions/"})
    assert (answer.status_code, answer.url) == (302, "/decisions/")
    again = Client().post("/login/", {"token": token})
    assert again.status_code == 400
    assert "used already" in text(again)


def test_name_and_password_open_the_door_and_a_foreign_target_does_not_lead_away(client):
    make.user()
    answer = client.post(
        "/login/", {"username": "mira", "password": "a-long-password", "next": "https://evil.example/"}
    )
    assert (answer.status_code, answer.url) == (302, "/")


@pytest.mark.parametrize("name", ["mira", "nobody", "a\x00b", "x" * 500])
def test_a_wrong_login_says_the_same_whoever_it_was(client, name):
    make.user()
    answer = client.post("/login/", {"username": name, "password": "wrong"})
    assert answer.status_code == 400
    assert "That name and password don't go together." in text(answer).replace("&#x27;", "'")


def test_the_sixth_wrong_login_has_to_wait(client):
    make.user()
    for _ in range(5):
        client.post("/login/", {"username": "mira", "password": "wrong"})
    assert client.post("/login/", {"username": "mira", "password": "a-long-password"}).status_code == 429


def test_what_pages_keep_for_a_while_does_not_let_a_guesser_in_again(client):
    for _ in range(5):
        client.post("/login/", {"username": "mira", "password": "wrong"})
    for number in range(400):
        cache.set(f"answer:{number}", number, 60)
    assert client.post("/login/", {"username": "mira", "password": "wrong"}).status_code == 429


def test_the_login_needs_its_csrf_token():
    assert Client(enforce_csrf_checks=True).post("/login/", {"username": "mira"}).status_code == 403


def test_logging_out_is_a_post(reader):
    assert reader.get("/logout/").status_code == 405
    assert reader.post("/logout/").url == "/login/"
    assert reader.get("/").status_code == 302


# -- the switch ------------------------------------------------------------------------------------------------------

JSON = {"HTTP_ACCEPT": "application/json"}


def test_towards_halted_one_click_is_enough(reader):
    answer = reader.post("/switch/", {"state": "halted"}, **JSON)
    assert answer.json()["state"] == "halted"
    assert SwitchChange.objects.get().by == "mira"


def test_back_towards_trading_needs_a_reason(reader, now):
    make.switch("halted", now)
    answer = reader.post("/switch/", {"state": "active", "shown": "halted"}, **JSON)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["reason"])
    done = reader.post("/switch/", {"state": "active", "shown": "halted", "reason": "release is out"}, **JSON)
    newest = SwitchChange.objects.latest().pk
    assert done.json() == {"state": "active", "was": "halted", "changed": True, "by": "mira", "change": newest}


def test_without_scripts_a_page_asks_for_the_reason(reader, now):
    make.switch("halted", now)
    page = reader.post("/switch/", {"state": "active"})
    assert page.status_code == 400
    assert 'name="reason"' in page.content.decode()


def test_a_page_that_shows_an_old_state_can_loosen_nothing(reader, now):
    make.switch("halted", now)
    answer = reader.post("/switch/", {"state": "active", "shown": "reducing", "reason": "x"}, **JSON)
    assert answer.status_code == 409
    assert SwitchChange.objects.count() == 1


def seen_by(reader) -> str:
    return re.search(r'name="shown" value="(\d+)"', reader.get("/").content.decode())[1]


def test_a_page_of_the_halt_before_can_not_release_this_one(reader):
    assert seen_by(reader) == "0"
    reader.post("/switch/", {"state": "halted", "reason": "a release"}, **JSON)
    first = seen_by(reader)
    for state, reason in (("active", "it is out"), ("halted", "smoke")):
        reader.post("/switch/", {"state": state, "reason": reason}, **JSON)
    late = reader.post("/switch/", {"state": "active", "shown": first, "reason": "it is out"}, **JSON)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "stale")
    assert reader.post("/switch/", {"state": "active", "shown": first}).status_code == 409
    assert SwitchChange.objects.latest().reason == "smoke"
    page = reader.post("/switch/", {"state": "active", "shown": seen_by(reader)}).content.decode()
    again = {"state": "active", "shown": re.search(r'name="shown" value="(\d+)"', page)[1], "reason": "no fire"}
    assert reader.post("/switch/", again, **JSON).json()["state"] == "active"


def test_a_stop_from_an_old_page_is_taken(reader, now):
    make.switch("reducing", now)
    assert reader.post("/switch/", {"state": "halted", "shown": "0"}, **JSON).json()["state"] == "halted"


def test_a_viewer_moves_nothing(client):
    client.force_login(make.user("viewer", roles=("viewer",)))
    assert client.post("/switch/", {"state": "halted"}, **JSON).status_code == 403
    assert not SwitchChange.objects.exists()


def test_the_switch_is_no_get_and_needs_csrf(reader):
    assert reader.get("/switch/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = reader.cookies
    assert strict.post("/switch/", {"state": "halted"}).status_code == 403


@pytest.mark.parametrize("state", ["", "off", "HALTED", "a\x00", "x" * 1000])
def test_a_state_that_is_none_is_refused(reader, state):
    answer = reader.post("/switch/", {"state": state}, **JSON)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["state"])


# -- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/login/", "/decisions/", "/healthz", "/nowhere"])
def test_every_page_forbids_foreign_and_inline_scripts(reader, path):
    policy = reader.get(path)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self' ws://testserver" in policy


def test_our_pages_hold_no_inline_script(reader, now):
    make.no_trades(now)
    for path in ("/", "/login/", "/decisions/"):
        html = reader.get(path, follow=True).content.decode()
        assert not re.search(r"<script(?![^>]*(?:\bsrc=|type=\"application/json\"))", html)
        assert not re.search(r"\son[a-z]+=", html)
