"""The live channel: who may listen, what comes, and what happens to those who can't keep up."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from channels.db import database_sync_to_async
from channels.layers import channel_layers, get_channel_layer
from channels.testing import WebsocketCommunicator
from django.test import Client as Browser
from django.utils import timezone

from monitoring.control import apikeys
from monitoring.models import ApiKey
from monitoring.show import audience
from monitoring.show import hub as hubs
from quantum.asgi import application
from tests.show import factories as make
from trading.events import GROUP

pytestmark = pytest.mark.django_db(transaction=True)
HERE = b"http://testserver"
rows = database_sync_to_async


@pytest.fixture
def layer(settings, monkeypatch):
    """A bell of our own, and a hub that paints at once but looks again only when told."""
    monkeypatch.setattr(channel_layers, "backends", {})
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(hubs, "COALESCE", 0.01)
    monkeypatch.setattr(hubs, "REFRESH", 60)
    monkeypatch.setitem(hubs.panels.PANELS, "modules", replace(hubs.panels.PANELS["modules"], seldom=0))
    monkeypatch.setattr(hubs, "PING", 60)


@pytest.fixture
async def live(layer):
    """Opens sockets, and closes them and the hub afterwards."""
    opened = []

    def socket(**headers):
        pairs = {"host": b"testserver", "origin": HERE} | headers
        given = [(name.encode(), value) for name, value in pairs.items() if value is not None]
        one = WebsocketCommunicator(application, "/ws/live/", headers=given)
        opened.append(one)
        return one

    yield socket
    for one in opened:
        await one.disconnect()
    if hubs._hub is not None and hubs._hub.loop is asyncio.get_running_loop():
        await hubs._hub.stop()


def session_of(user) -> bytes:
    browser = Browser()
    browser.force_login(user)
    return f"sessionid={browser.cookies['sessionid'].value}".encode()


async def came_in(live, **headers):
    """A socket that was greeted."""
    cookie = await rows(lambda: session_of(make.user()))()
    one = live(cookie=cookie, **headers)
    assert (await one.connect())[0]
    assert (await hear(one))["type"] == "hello"
    return one


async def hear(one, timeout=5):
    return orjson.loads(await one.receive_from(timeout))


async def hear_panel(one, name):
    """The next whole panel of that name."""
    for _ in range(200):
        message = await hear(one)
        if message["type"] == "panel" and message["panel"] == name:
            return message
    raise AssertionError(f"no panel {name} came")


async def settled(one):
    """Every panel of the first look has come."""
    seen = {}
    while set(seen) != set(hubs.panels.PANELS):
        message = await hear(one)
        if message["type"] == "panel":
            seen[message["panel"]] = message
    return seen


async def closed_with(one):
    assert (await one.connect())[0]
    message = await one.receive_output(5)
    return message["type"], message.get("code")


# -- the door --------------------------------------------------------------------------------------------------------


async def test_whoever_is_not_logged_in_is_closed_with_4401(live):
    assert await closed_with(live()) == ("websocket.close", 4401)


@pytest.mark.parametrize(
    "origin",
    [b"http://evil.example", b"https://testserver", b"http://testserver:8001", b"null", b"http://testserver.evil", None,
     b"", b"http://[::1", b"testserver"],
)  # fmt: skip
async def test_another_origin_is_closed_with_4403_even_with_a_session(live, origin):
    cookie = await rows(lambda: session_of(make.user()))()
    assert await closed_with(live(cookie=cookie, origin=origin)) == ("websocket.close", 4403)


async def test_a_rebound_name_is_no_origin_of_ours(live):
    cookie = await rows(lambda: session_of(make.user()))()
    one = live(cookie=cookie, origin=b"http://evil.example", host=b"evil.example")
    assert await closed_with(one) == ("websocket.close", 4403)


async def test_a_user_without_a_role_is_closed_with_4403(live):
    cookie = await rows(lambda: session_of(make.user(roles=())))()
    assert await closed_with(live(cookie=cookie)) == ("websocket.close", 4403)


async def test_a_key_in_the_header_opens_without_an_origin(live):
    key = await rows(lambda: apikeys.create(make.user(), timezone.now())[1])()
    one = live(origin=None, authorization=f"Bearer {key}".encode())
    assert (await one.connect())[0]
    hello = await hear(one)
    assert (hello["type"], hello["mode"]) == ("hello", "practice")
    assert isinstance(hello["seq"], int) and hello["build"]


@pytest.mark.parametrize("authorization", [b"Bearer wrong", b"Bearer ", b"Basic x", b"\xff"])
async def test_a_wrong_key_is_closed_with_4401(live, authorization):
    one = live(origin=None, authorization=authorization)
    assert await closed_with(one) == ("websocket.close", 4401)


async def test_the_eleventh_socket_of_a_user_is_one_too_many(live):
    cookie = await rows(lambda: session_of(make.user()))()
    for _ in range(hubs.PER_USER):
        one = live(cookie=cookie)
        await one.connect()
        await hear(one)
    assert await closed_with(live(cookie=cookie)) == ("websocket.close", 4029)


async def test_no_other_address_takes_a_socket(layer):
    one = WebsocketCommunicator(application, "/ws/other/", headers=[(b"origin", HERE), (b"host", b"testserver")])
    assert (await one.connect())[0] is False
    root = WebsocketCommunicator(application, "/", headers=[(b"origin", HERE), (b"host", b"testserver")])
    assert (await root.connect())[0] is False


# -- what comes ------------------------------------------------------------------------------------------------------


async def test_a_nudge_brings_the_changed_panel_whole(live):
    one = await came_in(live)
    await settled(one)
    await rows(lambda: make.no_trades(timezone.now()))()
    await get_channel_layer().group_send(GROUP, {"type": "changed", "panels": ["funnel"]})
    message = await hear_panel(one, "funnel")
    assert {"type", "panel", "seq", "as_of", "html"} == set(message)
    assert message["html"].startswith('<section class="panel" data-panel="funnel"')
    assert "COOLDOWN_ACTIVE" in message["html"]
    assert message["as_of"].endswith("Z")


async def test_everybody_gets_the_same_bytes_and_rising_numbers(live):
    await rows(lambda: make.no_trades(timezone.now()))()
    one = await came_in(live)
    cookie = await rows(lambda: session_of(make.user("second")))()
    two = live(cookie=cookie)
    await two.connect()
    await hear(two)
    await settled(one)
    await rows(lambda: make.switch("halted", timezone.now()))()
    await get_channel_layer().group_send(GROUP, {"type": "changed", "panels": ["ribbon", "verdict"]})
    first, second = await hear_panel(one, "verdict"), None
    while second is None or second["seq"] < first["seq"]:
        second = await hear_panel(two, "verdict")
    assert first == second
    assert "mira" not in first["html"].replace("mira switched", "")


async def test_what_did_not_change_is_not_sent(live):
    one = await came_in(live)
    await settled(one)
    await get_channel_layer().group_send(GROUP, {"type": "changed", "panels": ["policy", "account", "unheard-of"]})
    assert await one.receive_nothing(0.4)


async def test_marks_move_the_rows_of_open_positions(live):
    await rows(lambda: make.holdings(timezone.now()))()
    one = await came_in(live)
    await settled(one)
    marks = {"BTC/USDT:USDT": "30000.0", "DOGE/USDT:USDT": "0.1"}
    at = timezone.now()
    await get_channel_layer().group_send(GROUP, {"type": "prices", "marks": marks, "at": at.isoformat()})
    patch = await hear(one)
    assert (patch["type"], patch["panel"]) == ("patch", "positions")
    assert [row["symbol"] for row in patch["rows"]] == ["BTC/USDT:USDT"]
    assert Decimal(patch["rows"][0]["unrealized"]) == Decimal("-25.74")
    assert await one.receive_nothing(0.2)  # the ribbon's age is that of the candles, which marks make no younger


@pytest.mark.parametrize(
    "message",
    [{"type": "prices", "marks": {"BTC/USDT:USDT": "x"}, "at": "2026-01-01T00:00:00+00:00"},
     {"type": "prices", "at": "now"}, {"type": "prices", "marks": {}, "at": None}, {"type": "unknown"}, {},
     {"type": "prices", "marks": {"BTC/USDT:USDT": "NaN"}, "at": "2026-01-01T00:00:00+00:00"},
     {"type": "prices", "marks": {"BTC/USDT:USDT": "-1e9999999"}, "at": "2026-01-01T00:00:00+00:00"},
     {"type": "prices", "marks": {"BTC/USDT:USDT": "0"}, "at": "2026-01-01T00:00:00+00:00"},
     {"type": "prices", "marks": ["x"], "at": "2026-01-01T00:00:00+00:00"},
     {"type": "changed", "panels": 5}, {"type": "changed", "panels": [None, 7]}, {"type": "changed"}],
)  # fmt: skip
async def test_a_broken_message_of_the_bell_harms_nobody(live, message):
    one = await came_in(live)
    await settled(one)
    hubs.hub().hear(message)
    assert not hubs.hub().marks
    assert await one.receive_nothing(0.1)


async def test_two_processes_never_share_a_number(live):
    """A client that changes the process asks for all panels again, however long both have been counting."""
    one, other = hubs.Hub(), hubs.Hub()
    assert abs(one.seq - other.seq) > 10**6
    assert max(one.seq, other.seq) + 10**9 < 2**53  # a browser's whole numbers


async def test_a_lost_nudge_costs_one_refresh(live, monkeypatch):
    one = await came_in(live)
    await settled(one)
    await rows(lambda: make.no_trades(timezone.now()))()
    hubs.hub().nudge(hubs.panels.PANELS)  # what the refresh does every few seconds
    assert "198 signals" in (await hear_panel(one, "verdict"))["html"]


async def test_a_panel_that_was_painted_a_moment_ago_is_painted_once_it_may(live, monkeypatch):
    """The nudge is not lost, and does not wait for another one."""
    one = await came_in(live)
    await settled(one)
    ribbon = hubs.panels.PANELS["ribbon"]
    monkeypatch.setitem(hubs.panels.PANELS, "ribbon", replace(ribbon, seldom=0.6))
    for state in ("reducing", "halted"):
        await rows(lambda state=state: make.switch(state, timezone.now()))()
        hubs.hub().nudge(["ribbon"])
        assert f'data-switch="{state}"' in (await hear_panel(one, "ribbon"))["html"]


async def test_the_page_lives_on_while_the_bell_is_down(live, monkeypatch):
    class Broken:
        async def new_channel(self):
            raise ConnectionError("no bell")

    monkeypatch.setattr(hubs, "get_channel_layer", Broken)
    monkeypatch.setattr(hubs, "REFRESH", 0.2)
    one = await came_in(live)
    await settled(one)
    await rows(lambda: make.switch("halted", timezone.now()))()
    assert 'data-switch="halted"' in (await hear_panel(one, "ribbon"))["html"]


# -- coming back -----------------------------------------------------------------------------------------------------


async def test_resume_replays_only_what_is_newer(live):
    one = await came_in(live)
    seen = await settled(one)
    last = max(message["seq"] for message in seen.values())
    await one.send_to(orjson.dumps({"type": "resume", "seq": last}).decode())
    assert await one.receive_nothing(0.2)
    await one.send_to(orjson.dumps({"type": "resume", "seq": last - 2}).decode())
    assert [(await hear(one))["seq"] for _ in range(2)] == [last - 1, last]


@pytest.mark.parametrize("seq", [0, -1, 5, 2**70, "7", None, True])
async def test_a_number_that_is_not_ours_brings_all_panels_anew(live, seq):
    one = await came_in(live)
    await settled(one)
    await one.send_to(orjson.dumps({"type": "resume", "seq": seq if seq != 2**70 else 2**60}).decode())
    assert set(await settled(one)) == set(hubs.panels.PANELS)


@pytest.mark.parametrize("text", ["nonsense", "[]", "7", '{"type": 5}', '{"type": "switch", "state": "halted"}',
                                  "[" * 999,
                                  "x" * 70_000])  # fmt: skip
async def test_whatever_else_is_said_changes_nothing(live, text):
    one = await came_in(live)
    await settled(one)
    await one.send_to(text)
    assert await one.receive_nothing(0.1)


# -- who can't keep up, who must go ----------------------------------------------------------------------------------


async def test_a_slow_client_waits_with_one_frame_per_panel_and_is_closed_4008(live, monkeypatch):
    monkeypatch.setattr(hubs, "UNANSWERED", 10_000)
    monkeypatch.setattr(hubs, "NEVER_ANSWERED", 10_000)
    one = await came_in(live)
    await asyncio.sleep(0.3)
    centre = hubs.hub()
    (client,) = centre.clients
    now = timezone.now()
    for n in range(2000):
        centre.broadcast("panel", f"panel-{n % 5}", now, html="x" * 2000)
        if n % 100 == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert client.clogged()
    assert len(client.waiting) <= len(hubs.panels.PANELS) + 5
    assert client.owed < 10_000 + 60_000
    client.asked_at -= hubs.PATIENCE + 1
    await centre.mind(client, client.audience.roles)
    while (message := await one.receive_output(1))["type"] != "websocket.close":
        pass
    assert message["code"] == 4008
    assert not centre.clients


async def test_a_pong_opens_the_gate_again(live, monkeypatch):
    monkeypatch.setattr(hubs, "NEVER_ANSWERED", 1)
    one = await came_in(live)
    first = await hear(one)
    while first["type"] != "ping":
        first = await hear(one)
    (client,) = hubs.hub().clients
    assert client.clogged()
    monkeypatch.setattr(hubs, "UNANSWERED", 10**9)
    await one.send_to('{"type":"pong"}')
    assert (await hear(one))["type"] == "panel"


@pytest.mark.parametrize("end", ["logout", "password", "inactive", "role"])
async def test_whoever_is_no_longer_welcome_is_sent_away(live, end):
    one = await came_in(live)
    await settled(one)

    def ending():
        from django.contrib.auth.models import User
        from django.contrib.sessions.models import Session

        user = User.objects.get()
        if end == "logout":
            Session.objects.all().delete()
        elif end == "password":
            user.set_password("another-long-one")
            user.save()
        elif end == "inactive":
            User.objects.update(is_active=False)
        else:
            user.groups.clear()

    await rows(ending)()
    centre = hubs.hub()
    (client,) = centre.clients
    roles = await rows(hubs.welcome)({client.visitor}, timezone.now())
    await centre.mind(client, roles.get(client.visitor))
    message = await one.receive_output(1)
    assert (message["type"], message["code"]) == ("websocket.close", 4401)


def test_a_key_that_ended_is_no_longer_welcome(db):
    now = timezone.now()
    key, _ = apikeys.create(make.user(), now)
    visitor = hubs.Visitor(key.user_id, key_id=key.pk)
    assert set(hubs.welcome({visitor}, now)) == {visitor}
    ApiKey.objects.update(expires_at=now - timedelta(seconds=1))
    assert hubs.welcome({visitor}, now) == {}


# -- whose words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "cookie", "accepted", "spoken"),
    [("nb", "language=en", "en", "nb"), (None, "language=nb", "en", "nb"), (None, "a=1", "nb-NO,en;q=0.5", "nb"),
     ("xx\x00", "language=zz", "de,*", "en"), (None, None, None, "en"), ("", "=;", "\xff;;", "en"),
     ("nb-NO", None, None, "nb")],
)  # fmt: skip
def test_a_socket_speaks_as_its_page_does(page, cookie, accepted, spoken):
    assert audience.spoken(page, cookie, accepted) == spoken


async def test_a_page_that_was_written_for_the_browsers_language_gets_its_panels_in_it(live):
    cookie = await rows(lambda: session_of(make.user()))()
    one = live(cookie=cookie, **{"accept-language": b"nb-NO,nb;q=0.9"})
    assert (await one.connect())[0]
    await hear(one)
    assert {client.audience.language for client in hubs.hub().clients} == {"nb"}
