"""Everything that runs, in the order the data flows. Importing this fills the registry, as far as it can be filled.

What is named here must load: entries are refused by a process that misses one of REQUIRED.
"""

from trading.runtime import BROKEN, load

FILES = {
    "trading.feed.modules": ("universe", "data_feed"),
    "trading.forecast.modules": ("models", "model_supervisor", "retraining_orchestrator"),
    "trading.gates.modules": ("policy", "risk_guard", "portfolio_balancer"),
    "trading.positions.modules": ("position_monitor", "trailing", "exchange", "reconciliation", "venue_canary"),
    "trading.cycle": ("executor",),
}
OPTIONAL = frozenset({"model_supervisor", "retraining_orchestrator", "reconciliation", "venue_canary"})
REQUIRED = frozenset(name for names in FILES.values() for name in names) - OPTIONAL

load(FILES)


def missing() -> tuple[str, ...]:
    """The required modules that this process could not load."""
    return tuple(sorted(REQUIRED & BROKEN.keys()))
