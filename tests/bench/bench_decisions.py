"""How many decisions a second: gates, ranking and slots of a batch, without database and network.

.venv/bin/python -m tests.bench.bench_decisions
"""

import time
from dataclasses import replace
from decimal import Decimal

from tests.gates.builders import beliefs, desk, holding, name, with_market
from trading.gates.desk import Desk
from trading.gates.judge import decide

SECONDS = 1.0


def mixed_desk(symbols: int) -> Desk:
    """Every fifth symbol is against the trend, two slots are taken, four are free."""
    market = desk([name(i) for i in range(symbols)])
    for i in range(0, symbols, 5):
        market = with_market(market, name(i), ema200=150.0)
    held = (holding(name(symbols), notional=Decimal(500)), holding(name(symbols + 1), notional=Decimal(500)))
    return replace(market, holdings=held)


def decisions_per_second(symbols: int, seconds: float = SECONDS) -> float:
    market, batch = mixed_desk(symbols), beliefs(symbols)
    decide(batch, market)
    rounds, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        decide(batch, market)
        rounds += 1
    return rounds * symbols / passed


def main() -> None:
    for symbols in (20, 200):
        print(f"BENCH decisions_per_second_{symbols} {decisions_per_second(symbols):.0f} 1/s")


if __name__ == "__main__":
    main()
