"""Bad data are an incident within 15 s, on the run's clock, and it ends with proof; a clean hour has none.

The feed is the real one over the practice exchange in process; self-healing looks every five seconds, as it does in a
house. What else it watches (processes, queues) is not there, and left out.
"""

import os
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from monitoring.models import Incident
from monitoring.watch import dataailments
from monitoring.watch.hands import Hands
from monitoring.watch.selfhealing import SelfHealing
from tests import builders as make
from tests.faults.data.feeding import House
from trading.feed import modules as feeding
from trading.feed import store
from trading.models import Position
from trading.runtime import record

FULL = os.environ.get("FAULTS") == "full"
ALARM = 15.0  # seconds
EVERY = 5  # seconds between two looks
OURS = frozenset(dataailments.PROOFS)
SOL, ETH = "SOL/USDT:USDT", "ETH/USDT:USDT"


class Fetching(Hands):
    """Of all remedies only the fetching of candles is real."""

    def __init__(self, house: House) -> None:
        super().__init__(house.now)
        self.house, self.fetched = house, 0

    def backfill_candles(self, _: str = "") -> str:
        self.fetched += 1
        return str(feeding.fill_in(self.house.gateway, "1m", self.house.now()).actions)

    def run_module(self, name: str) -> str:
        return "nobody is there"

    restart_module = restart_process = refresh_universe = protect_position = run_module


class Watch:
    """Self-healing over a house."""

    def __init__(self, house: House) -> None:
        self.house, self.hands = house, Fetching(house)
        self.healing = SelfHealing(self.hands)

    async def minute(self) -> None:
        """A bar, and the looks of the seconds after it."""
        await self.house.minute()
        for _ in range(int(ALARM) // EVERY - 1):
            await self.look()
            self.house.pass_to(self.house.ms + EVERY * 1000)
        await self.look()

    async def look(self) -> None:
        offset = await self.house.venue.set_clock()
        ours = self.house.venue.clock()
        await sync_to_async(store.note_clock)("stream", offset, timedelta(0), ours)
        await sync_to_async(self.tick)(ours)

    def tick(self, now) -> None:
        record("self_healing", now, self.healing.tick(now), "test")

    async def keys(self, **which) -> list[str]:
        rows = Incident.objects.filter(code__in=OURS, **which).order_by("first_seen", "key")
        return await sync_to_async(lambda: [row.key for row in rows])()

    async def open(self) -> list[str]:
        return await self.keys(closed_at=None)

    async def incident(self, key: str) -> Incident:
        return await sync_to_async(lambda: Incident.objects.filter(key=key).latest("first_seen"))()

    def fault(self, *names: str, **fault) -> list[int]:
        faults = self.house.exchange.faults
        return [faults.add(fault | {"match": {"symbol": name}}, self.house.exchange.now).id for name in names]

    def end(self, faults: list[int]) -> None:
        for one in faults:
            self.house.exchange.faults.end(one)


@pytest.fixture
async def watch(transactional_db):
    found = Watch(House(11))
    await found.house.begin()
    await found.minute()
    assert await found.keys() == [], "a fresh start"
    yield found
    await sync_to_async(connections.close_all)()


@pytest.mark.parametrize(
    ("names", "fault", "key", "bars", "weight"),
    [
        (("SOLUSDT",), {"kind": "bad_kline", "params": {"damage": "high_below_low"}}, "QUARANTINE:impossible", 1,
         "low"),
        (("SOLUSDT",), {"kind": "bad_kline", "params": {"damage": "nan", "field": "close"}}, "QUARANTINE:nan", 1,
         "low"),
        (("SOLUSDT", "ETHUSDT"), {"kind": "bad_kline", "params": {"damage": "spike_up"}}, "QUARANTINE:disputed", 1,
         "medium"),
        (("SOLUSDT",), {"kind": "frozen_price"}, "FEED_FROZEN", 1, "medium"),
        (("SOLUSDT",), {"kind": "missing_klines", "params": {"candles": 1}}, "GAP_OPEN", 2, "low"),
    ],
)  # fmt: skip
async def test_a_fault_is_an_incident_within_15_s_and_ends_with_proof(watch, names, fault, key, bars, weight):
    faults = watch.fault(*names, **fault)
    for _ in range(bars):
        end = watch.house.ms // 60_000 * 60_000 + 60_000  # of the bar that forms
        await watch.minute()
    row = await watch.incident(key)
    late = row.first_seen.timestamp() - end / 1000
    print(f"{key}: an incident {late:.1f} s after the bar's end")
    assert 0 < late <= ALARM
    assert (row.severity, row.closed_at) == (weight, None)
    watch.end(faults)
    for _ in range(5):
        await watch.minute()
    row = await watch.incident(key)
    assert row.closed_at and row.verified and row.evidence
    assert await watch.open() == []


@pytest.mark.parametrize(("seconds", "severity"), [(1, "low"), (-1, "low"), (30, "high"), (-30, "high")])
async def test_a_clock_that_is_off_is_an_incident_within_15_s(watch, seconds, severity):
    faults = [watch.house.exchange.faults.add({"kind": "clock_skew", "params": {"seconds": seconds}},
                                              watch.house.exchange.now).id]  # fmt: skip
    began = watch.house.now()
    for _ in range(7):
        watch.house.pass_to(watch.house.ms + EVERY * 1000)
        await watch.look()
    row = await watch.incident("CLOCK_OFF")
    late = (row.first_seen - began).total_seconds()
    assert (row.severity, row.params["offset_ms"]) == (severity, seconds * 1000)
    assert late <= (ALARM if severity == "high" else 30), "what only deserves a word is found by the next calm look"
    watch.end(faults)
    await watch.look()
    await watch.minute()
    row = await watch.incident("CLOCK_OFF")
    assert row.evidence == {"offset_ms": 0.0}


async def test_our_clock_is_put_back_by_an_hour_and_put_right(watch):
    """Entries are denied while it lasts; readings and incidents of what is the future then keep nothing open."""
    watch.house.venue.clock = lambda: watch.house.now() - timedelta(hours=1)
    await watch.look()
    row = await watch.incident("CLOCK_OFF")
    assert (row.severity, row.params["offset_ms"]) == ("high", 3_600_000)
    assert await sync_to_async(store.clock_offset)(watch.house.venue.clock()) == 3600
    watch.house.venue.clock = watch.house.now
    await watch.look()
    assert (await watch.incident("CLOCK_OFF")).closed_at
    assert await sync_to_async(store.clock_offset)(watch.house.now()) == 0


async def test_the_price_of_what_is_held_is_watched(watch):
    now = watch.house.now()
    position = await sync_to_async(make.position)(symbol=SOL, mark_at=now, opened_at=now)
    watch.house.pass_to(watch.house.ms + 20_000)
    await watch.look()
    assert await watch.open() == []
    watch.house.pass_to(watch.house.ms + 15_000)
    await watch.look()
    row = await watch.incident("MARK_STALE")
    assert (row.severity, row.params["symbol"], row.params["seconds"]) == ("high", SOL, 35.0)
    await sync_to_async(Position.objects.filter(pk=position.pk).update)(mark_at=watch.house.now())
    await watch.look()
    assert (await watch.incident("MARK_STALE")).evidence == {"mark_s": 0.0}


async def test_a_gap_that_is_never_filled_grows_heavier_and_is_asked_for(watch):
    watch.fault("SOLUSDT", kind="missing_klines", params={"candles": 1})
    for _ in range(2):
        await watch.minute()
    assert (await watch.incident("GAP_OPEN")).severity == "low" and watch.hands.fetched == 0
    for _ in range(5):
        await watch.minute()
    row = await watch.incident("GAP_OPEN")
    assert (row.severity, row.params["missing"], row.params["symbol"]) == ("medium", 1, SOL)
    assert watch.hands.fetched > 0


async def test_a_clean_hour_has_no_incident(watch):
    for _ in range(60 if FULL else 12):
        await watch.minute()
    assert await watch.keys() == []


async def test_a_paused_market_has_no_incident(watch):
    """Nothing is traded anywhere: flat candles are the truth."""
    watch.house.exchange.faults.add({"kind": "frozen_price", "params": {"quiet": True}}, watch.house.exchange.now)
    for _ in range(5):
        await watch.minute()
    assert await watch.keys() == []
