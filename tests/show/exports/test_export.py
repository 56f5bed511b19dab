"""Exports over HTTP: every dataset in every format, its filters, its limits."""

import asyncio
import csv
import io
import re
from datetime import timedelta

import orjson
import polars
import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import OperationalError, connection, connections
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from monitoring.control import apikeys, audit
from monitoring.models import HealthScore, Incident
from monitoring.show.exports import pages, streaming
from monitoring.show.exports.datasets import DATASETS
from tests.show import factories as make
from trading.models import Decision, IncomeEntry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def tidy():
    """The thread in which Django answers keeps no connection: PostgreSQL would not drop the tests' database."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def house(now):
    make.holdings(now)
    make.no_trades(now)
    HealthScore.objects.create(at=now, overall=50, coverage=94, status="capped", evidence={"parts": []})
    IncomeEntry.objects.create(income_id="FUNDING_FEE BTC 1", kind="FUNDING_FEE", symbol="BTC/USDT:USDT", asset="USDT",
                               amount="-0.125", at=now, read_at=now, mode="practice")  # fmt: skip
    for severity in ("high", "low"):
        Incident.objects.create(key=f"FEED_STALE:{severity}", code="FEED_STALE", subsystem="feed", severity=severity,
                                first_seen=now, last_seen=now)  # fmt: skip


@pytest.fixture
def key(now):
    user = make.user()
    audit.append(who=user.username, action="switch.stop", target="kill switch", reason="på vakt: æøå", now=now)
    return apikeys.create(user, now)[1]


class Asker:
    """Asks with a key, as a program does."""

    def __init__(self, key):
        self.key = key

    async def get(self, path):
        return await AsyncClient().get(path, headers={"Authorization": f"Bearer {self.key}"} if self.key else {})


@pytest.fixture
def api(key):
    return Asker(key)


async def fetched(client, path, status=200):
    answer = await client.get(f"/api/v1/export/{path}")
    assert answer.status_code == status, getattr(answer, "content", answer)
    return b"".join([part async for part in answer]) if answer.streaming else answer.json()["error"]


def lines(data):
    return [orjson.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize("name", DATASETS)
async def test_every_dataset_is_the_same_in_every_format(api, house, name):
    rows = lines(await fetched(api, f"{name}.jsonl"))
    head, *cells = csv.reader(io.StringIO((await fetched(api, f"{name}.csv")).decode(), newline=""))
    table = polars.read_parquet(io.BytesIO(await fetched(api, f"{name}.parquet")))
    assert rows
    assert len(rows) == len(cells) == table.height
    assert list(rows[0]) == head == table.columns == [c.name for c in DATASETS[name].columns]


@pytest.mark.parametrize("name", [name for name in DATASETS if name not in ("modules", "audit")])
async def test_an_export_of_nothing_is_a_header_and_a_schema(api, name):
    names = [c.name for c in DATASETS[name].columns]
    assert (await fetched(api, f"{name}.csv")).decode() == ",".join(names) + "\r\n"
    assert await fetched(api, f"{name}.jsonl") == b""
    assert polars.read_parquet(io.BytesIO(await fetched(api, f"{name}.parquet"))).columns == names


async def test_pages_join_without_a_gap_or_a_repeat(api, house, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 17)
    ids = [row["id"] for row in lines(await fetched(api, "decisions.jsonl"))]
    assert len(ids) == 202
    assert ids == sorted(set(ids))


async def test_the_filters_are_the_lists(api, house, now):
    cases = ["code=CORRELATION", "outcome=pending", "symbol=ETHUSDT", "symbol=BTCUSDT&outcome=rejected"]
    moment = (now - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for asked in (*cases, f"since={moment}", f"until={moment}"):
        listed = (await api.get(f"/api/v1/decisions?{asked}&limit=1000")).json()["items"]
        rows = lines(await fetched(api, f"decisions.jsonl?{asked}"))
        assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in listed), asked
        assert 0 < len(rows) < 202


async def test_positions_are_the_open_ones_unless_others_are_asked_for(api, house):
    count = {s: len(lines(await fetched(api, f"positions.jsonl?status={s}"))) for s in ("open", "closed", "all")}
    assert count["open"] == len(lines(await fetched(api, "positions.jsonl"))) == 4
    assert count["all"] == count["open"] + count["closed"]


async def test_incidents_and_the_audit_take_their_lists_filters(api, house):
    assert len(lines(await fetched(api, "incidents.jsonl"))) == 2
    assert len(lines(await fetched(api, "incidents.jsonl?severity=high&status=open"))) == 1
    assert await fetched(api, "incidents.jsonl?status=closed") == b""
    assert lines(await fetched(api, "audit.jsonl?action=switch.stop"))[0]["reason"] == "på vakt: æøå"
    assert await fetched(api, "audit.jsonl?who=nobody") == b""


async def test_money_is_the_lists_to_the_last_digit(api, house):
    listed = {row["id"]: row for row in (await api.get("/api/v1/trades")).json()["items"]}
    rows = lines(await fetched(api, "trades.jsonl"))
    assert rows
    for row in rows:
        assert {name: listed[row["id"]][name] for name in row} == row


async def test_norwegian_survives_and_a_mark_helps_spreadsheets(api, house):
    await Decision.objects.filter(outcome="failed").aupdate(sentence="Avvist: for lite på kontoen, sa børsen. ÆØÅ")
    data = await fetched(api, "decisions.csv?outcome=failed&bom=1")
    assert data.startswith(b"\xef\xbb\xbf")
    assert "for lite på kontoen, sa børsen. ÆØÅ" in data.decode("utf-8-sig")
    assert not (await fetched(api, "decisions.csv?outcome=failed&bom=0")).startswith(b"\xef\xbb\xbf")


async def test_a_stored_formula_is_harmless_in_a_spreadsheet(api, house):
    await Decision.objects.filter(outcome="failed").aupdate(sentence="=cmd|' /C calc'!A0")
    row = next(csv.DictReader(io.StringIO((await fetched(api, "decisions.csv?outcome=failed")).decode())))
    assert row["sentence"] == "'=cmd|' /C calc'!A0"


async def test_the_file_has_a_name(api, house):
    answer = await api.get("/api/v1/export/trades.parquet")
    name = re.fullmatch(r'attachment; filename="(.+)"', answer["Content-Disposition"])[1]
    assert re.fullmatch(r"quantum-practice-trades-\d{4}-\d\d-\d\d\.parquet", name)
    assert answer["Content-Type"] == "application/vnd.apache.parquet"
    assert [part async for part in answer]


BAD = [
    ("nonsense.csv", 404, "dataset"),
    ("decisions.xlsx", 404, "format"),
    ("decisions.csv?symbol=XYZ", 400, "symbol"),
    ("decisions.csv?code=NONE", 400, "code"),
    ("decisions.csv?limit=5", 400, "limit"),
    ("decisions.csv?since=yesterday", 400, "since"),
    ("decisions.csv?since=2026-02-01&until=2026-01-01", 400, "since"),
    ("decisions.csv?bom=2", 400, "bom"),
    ("decisions.jsonl?bom=1", 400, "bom"),
    ("trades.csv?outcome=traded", 400, "outcome"),
    ("positions.csv?status=half", 400, "status"),
    ("candles.csv?timeframe=7m", 400, "timeframe"),
    ("health.csv?symbol=BTCUSDT", 400, "symbol"),
    ("modules.csv?since=2026-01-01", 400, "since"),
]


@pytest.mark.parametrize(("path", "status", "field"), BAD)
async def test_what_makes_no_sense_is_named(api, house, path, status, field):
    assert field in (await fetched(api, path, status))["fields"]
    assert streaming.SLOTS.taken == 0


async def test_the_audit_is_for_those_who_may_read_it(house, now):
    make_key = lambda role: apikeys.create(make.user(role.replace(" ", ""), roles=(role,)), now)[1]  # noqa: E731
    keys = await database_sync_to_async(lambda: {role: make_key(role) for role in ("viewer", "risk officer")})()
    for role, status in (("viewer", 403), ("risk officer", 200)):
        client = Asker(keys[role])
        await fetched(client, "audit.csv", status)
        await fetched(client, "trades.csv")


async def test_nobody_exports_without_a_key(house):
    assert (await fetched(Asker(None), "trades.csv", 401))["code"] == "unauthorized"


async def test_a_third_export_waits(api, house):
    first, second = await api.get("/api/v1/export/decisions.csv"), await api.get("/api/v1/export/decisions.csv")
    third = await api.get("/api/v1/export/decisions.csv")
    assert (third.status_code, third["Retry-After"]) == (429, "10")
    assert third.json()["error"]["fields"]
    for one in (first, second):
        assert [part async for part in one]
    await freed()
    assert await fetched(api, "decisions.csv")


async def freed():
    for _ in range(200):
        if streaming.SLOTS.taken == 0:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a slot is still taken")


async def test_a_client_that_leaves_stops_the_work(api, house, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 5)
    read = []
    raw = pages.raw
    monkeypatch.setattr(pages, "raw", lambda rows: read.append(1) or raw(rows))
    answer = await api.get("/api/v1/export/decisions.csv")
    await anext(aiter(answer))
    answer.close()
    await freed()
    assert len(read) <= 3  # of 41: the pages that were already on their way


async def take(answer, got):
    """One part after another, so that those before a failure are kept."""
    parts = aiter(answer)
    while part := await anext(parts, b""):
        got.append(part)


async def test_a_database_that_fails_halfway_ends_no_file_as_if_it_were_whole(api, house, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 50)
    raw, read = pages.raw, []

    def failing(rows):
        read.append(1)
        if len(read) > 2:
            raise OperationalError("the database went away")
        return raw(rows)

    monkeypatch.setattr(pages, "raw", failing)
    answer, got = await api.get("/api/v1/export/decisions.csv"), []
    with pytest.raises(OperationalError):  # the server breaks the connection: the client sees an incomplete transfer
        await take(answer, got)
    assert b"".join(got).count(b"\r\n") == 1 + 100
    answer.close()
    await freed()


async def test_a_response_that_nobody_reads_keeps_no_slot(api, house):
    answer = await api.get("/api/v1/export/decisions.csv")
    assert streaming.SLOTS.taken == 1
    answer.close()
    await freed()


@pytest.mark.django_db
def test_each_page_is_one_query_and_sqlite_sorts_nothing(house, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 50)
    asked = dict.fromkeys(("since", "until", "symbol", "code")) | {"outcome": "rejected"}
    with CaptureQueriesContext(connection) as seen:
        rows = [row for page in DATASETS["decisions"].read(asked) for row in page]
    assert len(rows) == 195
    assert len(seen) == 2 + 4  # both ends, then the pages
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + seen[3]["sql"])
            plan = [row[3] for row in cursor.fetchall()]
        assert not [step for step in plan if "TEMP B-TREE" in step], plan
