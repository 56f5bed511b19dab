"""What runs of the watchers; what can't be loaded takes nothing else with it."""

from trading.runtime import load

FILES = {
    "monitoring.watch.keeping": ("database_validator", "scorekeeper"),
    "monitoring.watch.selfhealing": ("self_healing",),
}

load(FILES)
