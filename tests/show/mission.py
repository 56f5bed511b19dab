"""The morning that this system was built for, as rows: 198 candidates and no trade, and everything else that was wrong.

- 198 shorts in one bar: the first five stand against the trend, and all four slots are taken.
- Twelve more symbols whose candles are 29,929 s old: they are in the universe, and nobody could judge them.
- The Portfolio Balancer is built and configured, and nobody has ever called it.
- The settings file says QT_PAPER_TRADING=false while the house practises: the next start is refused (`settings_file`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tests.show import factories as make
from trading import cycle
from trading.cycle import Judgement
from trading.exchange.venue import Side
from trading.forecast.belief import Belief, Forecast
from trading.gates import incident
from trading.gates.desk import Desk, Holding, Limits
from trading.gates.judge import decide
from trading.models import Candle, Cycle, ModuleState, Signal, SignalOutcome, TunedSetting

BACK = 50  # bars since the 198: their paths are over
STALE_S = 29_929
STALE = tuple(f"OLD{i:02}/USDT:USDT" for i in range(1, 13))
HELD = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "XRP/USDT:USDT")
CALM = 0.1  # correlation of every pair
ENDED = {True: ("target", 2.4), False: ("stop", -1.1)}


def settings_file(path: Path, paper: str = "") -> Path:
    """The file of the house: nothing in it, or the flag that contradicts practising."""
    path.write_text(f"QT_PAPER_TRADING={paper}\n" if paper else "")
    return path


def build(now: datetime) -> None:
    make.running(now)
    candidates = incident.signals(now)
    names = [one.symbol for one in candidates]
    make.universe(now, [*names, *STALE, *HELD])
    slots(now)
    judged(candidates, now)
    quiet(len(names) + len(HELD), now)
    prices([*names, *HELD], now)
    ModuleState.objects.filter(name="portfolio_balancer").delete()


def slots(now: datetime) -> None:
    """Four slots, and four positions in them, well protected; somebody has set the limit."""
    row = {
        "value": str(incident.SLOTS),
        "changed_by": "j.berg",
        "changed_at": now - timedelta(hours=3),
        "reason": "calm",
    }
    TunedSetting.objects.create(name="QT_MAX_POSITIONS", **row)
    for symbol in HELD:
        held = make.position(symbol, now, opened_at=now - timedelta(minutes=55), expires_at=now + timedelta(minutes=9))
        make.guard(held, "stop", "98.5", now)
        make.guard(held, "backstop", "97.5", now)
    make.snapshot(now - timedelta(seconds=2), 10_000)


def judged(candidates: list[Belief], now: datetime) -> None:
    """The bar of the 198, by the judge that trades here, from a desk like that morning's."""
    bar = make.bar_of(now, BACK)
    closed = bar + timedelta(minutes=1)
    at = closed + timedelta(seconds=2)
    beliefs = [replace(one, at=closed) for one in candidates]
    desk = as_it_was(beliefs, closed, at)
    told = Judgement(Forecast(bar, tuple(beliefs), ()), tuple(decide(beliefs, desk)), desk)
    row = Cycle(timeframe="1m", bar=bar, at=at, mode=make.MODE, called_by="stream", desk=cycle.as_seen(told))
    row.symbols, row.signals, row.flat = len(beliefs) + len(STALE) + len(HELD), len(beliefs), len(HELD)
    row.evaluated = row.signals + row.flat
    row.not_evaluated, row.absent = {"FEED_STALE": len(STALE)}, {"FEED_STALE": list(STALE)}
    cycle.store(row, told, at)
    outcomes(row, now)


def as_it_was(beliefs: list[Belief], closed: datetime, at: datetime) -> Desk:
    seen = incident.desk(beliefs, at, Limits())
    markets = {name: replace(one, candle_at=closed) for name, one in seen.markets.items()}
    held = tuple(Holding(name, Side.LONG, Decimal(3000), Decimal(45), Decimal(1000)) for name in HELD)
    pairs = {tuple(sorted((one.symbol, name))): CALM for one in beliefs for name in HELD}
    changes = {"holdings": held, "available": Decimal(6000), "bar_closed_at": closed, "correlation": pairs}
    return replace(seen, mode=make.MODE, markets=markets, **changes)


def outcomes(of: Cycle, now: datetime) -> None:
    """What became of them: two in five reached their target."""
    rows = []
    for i, signal in enumerate(Signal.objects.filter(cycle=of).order_by("pk")):
        ended, net = ENDED[i % 5 < 2]
        rows.append(SignalOutcome(
            signal=signal, ended=ended, hit=net > 0, bars=7, gross_r=net + 0.1, net_r=net, target_r=2.5, horizon=48,
            ended_at=signal.at + timedelta(minutes=7), matures_at=signal.at + timedelta(minutes=48), at=now,
            mode=make.MODE,
        ))  # fmt: skip
    SignalOutcome.objects.bulk_create(rows)


def quiet(evaluated: int, now: datetime) -> None:
    """The bars since: everybody flat, the old ones still not judged."""
    for back in range(BACK - 1, -1, -1):
        make.cycle(now, back, symbols=evaluated + len(STALE), evaluated=evaluated, flat=evaluated, desk={},
                   not_evaluated={"FEED_STALE": len(STALE)}, absent={"FEED_STALE": list(STALE)},
                   facts={"highest": 0.27, "break_even": 2 / 7, "cost_r": 0.09})  # fmt: skip


def prices(names: list[str], now: datetime) -> None:
    """One fresh candle each; of the old symbols one that is 29,929 s old."""
    for name in names:
        if not Candle.objects.filter(symbol=name).exists():
            make.candles(name, now, bars=1)
    for name in STALE:
        make.candles(name, now, bars=1)
    width = timedelta(minutes=1)
    opened = now - timedelta(seconds=STALE_S) - width
    Candle.objects.filter(symbol__in=STALE).update(open_time=opened)
