"""How many candles a second the whole house takes: feed, features, four models, gates, orders, rows. Data time.

.venv/bin/python -m tests.bench.bench_replay
"""

import logging
import os
import tempfile
from pathlib import Path

MINUTE = 60_000
START = 1_772_000_000_000 // MINUTE * MINUTE
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "universe_perp_1h_2026q1"


def prepare(var: str) -> None:
    """A database of its own in `var`, and no live channel."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "quantum.settings", "QT_VAR": var, "QT_ENV_FILE": "/dev/null"}
    import django

    django.setup()
    from channels.layers import channel_layers
    from django.core.management import call_command

    logging.disable(logging.WARNING)
    channel_layers.set("default", None)
    call_command("migrate", verbosity=0)


def played(market, begin: int, history: int, bars: int):
    """The summary of a short replay from empty tables."""
    from django.core.management import call_command

    from trading import cycle, replay
    from trading.forecast.learners import SMALL
    from trading.practice import tables
    from trading.practice.exchange import Exchange
    from trading.practice.ledger import Ledger

    call_command("flush", interactive=False, verbosity=0)
    cycle.warm.book = None
    clock = replay.Clock(begin)
    exchange = Exchange(market, tables.load(), Ledger(), clock, {replay.KEY: replay.KEY})
    width = market.candle_ms
    return replay.replay(exchange, clock, (begin - history * width, begin, begin + bars * width), size=SMALL)


def main() -> None:
    with tempfile.TemporaryDirectory() as var:
        prepare(var)
        from trading.management.commands.replay import configure
        from trading.practice import market as markets

        small = played(markets.synthetic(7, None, MINUTE, START), START, history=1000, bars=60)
        tell(20, small)
        if DATA.is_dir():
            configure(DATA, "1h")
            large = markets.recorded(DATA, None, 0, None, own_time=True)
            begin = large.history_start_ms + large.source.history * large.candle_ms
            tell(200, played(large, begin, history=1000, bars=24))


def tell(symbols: int, summary) -> None:
    print(f"BENCH replay_candles_per_second_{symbols} {summary.candles_per_second:.0f} 1/s", flush=True)
    decided = summary.signals / summary.seconds
    print(f"BENCH replay_decisions_per_second_{symbols} {decided:.0f} 1/s", flush=True)


if __name__ == "__main__":
    main()
