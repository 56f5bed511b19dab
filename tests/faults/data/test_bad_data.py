"""Bad data, injected by the hundred: nothing is decided on it, it is noticed at once, and nothing good is refused.

400 seeded injections of 28 kinds go through the real stream, the real table and the executor's real cycle. The checker
compares every stored candle with what the market really did, and joins the decisions to what it found: a decision on a
symbol one of whose candles is not the market's is a decision on bad data. `FAULTS=full` (`make faults`) injects all
400 and walks through whole crashes; otherwise a hundred and their worst hours are enough.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from tests.faults.data.feeding import STEP, SYMBOLS, WIDTH, House
from trading.feed import quality
from trading.feed.stream import NAMED
from trading.models import Candle, CandleFault, CandleGap, ModuleState
from trading.practice.candle_faults import DAMAGES, LETTER

FULL = os.environ.get("FAULTS") == "full"
KINDS = (*DAMAGES, "frozen_price", "quiet_price", "missing_klines", "stale_klines")
STREAM_ONLY = ("order",)  # an answer in another order is as good: it is sorted
AT_ONCE, ROUND = 8, 5  # symbols that are hit together; bars between two rounds
HIT = tuple(name for name in SYMBOLS if name != "AVAXUSDT")  # its price moves in steps as large as its candles
ALARM = 15.0  # seconds


@dataclass
class Injection:
    """One fault on one symbol, told from `first` to `last` (open times)."""

    number: int
    kind: str
    symbol: str
    where: str
    first: datetime
    last: datetime
    ids: list[int] = field(default_factory=list)
    false: bool = False  # one of its candles was stored although it is not the market's
    decided: int = 0
    refused: int = 0
    noticed: float | None = None  # seconds after the end of the first candle that was told wrongly
    recovered: bool = False
    healed: bool = False  # REST had the market's own candle in time, so that nobody has to be told

    @property
    def unnoticed(self) -> bool:
        return not self.healed and (self.noticed is None or self.noticed > ALARM)

    def covers(self, symbol: str, bar: datetime) -> bool:
        return self.symbol == symbol and self.first <= bar <= self.last


class Story:
    """Rounds of injections, and the books that the checker keeps."""

    def __init__(self, seed: int, wanted: int) -> None:
        self.random = random.Random(seed)
        self.house = House(seed)
        self.plan = [KINDS[i % len(KINDS)] for i in range(wanted)]
        self.random.shuffle(self.plan)
        self.told: list[Injection] = []
        self.false: set[tuple[str, datetime]] = set()
        self.strays: list[str] = []  # candles refused although nobody had touched them
        self.decisions = 0

    async def tell(self) -> None:
        await self.house.begin()
        for _ in range(3):  # untouched
            await self.bar(())
        while self.plan:
            hit = self.random.sample(HIT, min(AT_ONCE, len(self.plan)))
            now = [self.inject(self.plan.pop(), name) for name in hit]
            for i in range(ROUND):
                await self.bar(now)
                if i == 0:
                    self.end([one for one in now if one.first == one.last])
                if i == 1:
                    self.end([one for one in now if one.ids])

    def inject(self, kind: str, name: str) -> Injection:
        """A fault from the candle that forms now on, for one candle or two."""
        where = "stream" if kind in STREAM_ONLY else self.random.choice(["both", "both", "both", "stream", "rest"])
        if kind == "extra_field":
            where = "rest"  # in the stream a further name says nothing
        first = datetime.fromtimestamp(self.house.ms // WIDTH * WIDTH / 1000, UTC)
        last = first + STEP * self.random.randrange(2)
        one = Injection(len(self.told), kind, f"{name[:-4]}/USDT:USDT", where, first, last)
        params: dict = {} if where == "both" else {"where": where}
        if kind in DAMAGES:
            params |= {
                "damage": kind,
                "field": self.random.choice(list(LETTER)[:4] if kind == "negative" else list(LETTER)),
            }
            if kind == "zero":
                params["field"] = self.random.choice(["open", "high", "low", "close"])
        if kind == "quiet_price":
            params["quiet"] = True
        if kind == "missing_klines":
            params["candles"] = 2
        posted = {"quiet_price": "frozen_price"}.get(kind, "bad_kline" if kind in DAMAGES else kind)
        faults = [{"kind": posted, "match": {"symbol": name}, "params": params}]
        if where == "rest":  # or nobody would ask
            faults.append({"kind": "mute_stream", "match": {"symbol": name}, "params": {"stream": "kline"}})
        one.ids = [self.house.exchange.faults.add(fault, self.house.exchange.now).id for fault in faults]
        self.told.append(one)
        return one

    def end(self, some: list[Injection]) -> None:
        for one in some:
            for fault in one.ids:
                self.house.exchange.faults.end(fault)
            one.ids = []

    async def bar(self, now) -> None:
        bar = await self.house.minute()
        await sync_to_async(self.check)(bar, now)

    def check(self, bar: datetime, now) -> None:
        """Join what was decided to what was told wrongly."""
        self.false = {key for key in self.false if key[1] < bar - 10 * STEP} | self.house.false(bar - 10 * STEP, bar)
        _, decided = self.house.decide(bar)
        self.decisions += len(decided)
        wrong = defaultdict(list)
        for symbol, at in self.false:
            wrong[symbol].append(at)
        for one in self.told:
            mine = [at for at in wrong.get(one.symbol, ()) if one.covers(one.symbol, at)]
            one.false |= bool(mine)
            one.decided += bool(mine) and one.symbol in decided
        for one in now:
            self.notice(one, bar)
            right = Candle.objects.filter(symbol=one.symbol, open_time__range=(one.first, one.last)).count()
            one.healed |= bar == one.last and not one.false and right == (one.last - one.first) // STEP + 1
            one.recovered |= bar > one.last and one.symbol in decided
        self.watch_for_strays(bar)

    def notice(self, one: Injection, bar: datetime) -> None:
        """Whether a person or a detector could know by now."""
        faults = CandleFault.objects.filter(symbol=one.symbol, last_seen__gt=one.first)
        gaps = CandleGap.objects.filter(symbol=one.symbol, found_at__gt=one.first)
        late = ModuleState.objects.filter(name="data_feed", trouble__contains=one.symbol)
        late = late or ModuleState.objects.filter(name="data_feed", failed__gt=NAMED, trouble__gt="")
        one.refused = sum(f.count for f in faults if f.kind in quality.UNUSABLE)
        if one.noticed is None and (faults or gaps or late):
            one.noticed = (self.house.now() - max(one.first, bar) - STEP).total_seconds()
            if bar > one.first:
                one.noticed += (bar - one.first).total_seconds()

    def watch_for_strays(self, bar: datetime) -> None:
        new = CandleFault.objects.filter(first_seen__gt=bar, kind__in=quality.UNUSABLE)
        for fault in new:
            mine = [one for one in self.told if one.symbol == fault.symbol and one.first <= self.house.now()]
            if not any(one.first - STEP <= bar <= one.last + STEP for one in mine):
                self.strays.append(f"{fault.symbol} {fault.open_time:%H:%M} {fault.kind}: {fault.detail}")

    def table(self) -> str:
        lines = [f"{'kind':<18} {'injected':>8} {'refused':>8} {'noticed':>8} {'decisions':>9} {'worst alarm s':>13}"]
        by_kind = defaultdict(list)
        for one in self.told:
            by_kind[one.kind].append(one)
        for kind in KINDS:
            some = by_kind[kind]
            worst = max((one.noticed for one in some if one.noticed is not None), default=None)
            lines.append(
                f"{kind:<18} {len(some):>8} {sum(one.refused > 0 for one in some):>8}"
                f" {sum(one.noticed is not None for one in some):>8} {sum(one.decided for one in some):>9}"
                f" {'-' if worst is None else f'{worst:.1f}':>13}"
            )
        return "\n".join(lines)


@pytest.mark.parametrize("seed", [7])
async def test_nothing_is_decided_on_bad_data_and_it_is_noticed_within_seconds(transactional_db, champions, seed):
    story = Story(seed, 400 if FULL else 100)
    await story.tell()
    await sync_to_async(connections.close_all)()
    print(f"\nseed {seed}, {len(story.told)} injections of {len(KINDS)} kinds, {story.decisions} symbols judged")
    print(story.table())
    for one in story.told:
        if one.decided or one.unnoticed or not one.recovered:
            print(one)
    assert len(story.told) == (400 if FULL else 100)
    assert set(Counter(one.kind for one in story.told)) == set(KINDS)
    assert [one for one in story.told if one.decided] == []
    assert [one for one in story.told if one.unnoticed] == []
    print(*story.strays, sep="\n")
    assert story.strays == []
    assert [one for one in story.told if not one.recovered] == []
    assert story.decisions > 0
