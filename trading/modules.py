"""Everything that runs, in the order the data flows. Importing this fills the registry."""

from importlib import import_module
from importlib.util import find_spec

STAGES = ("exchange", "feed", "forecast", "gates", "orders", "positions")

for stage in STAGES:
    if find_spec(f"trading.{stage}.modules"):
        import_module(f"trading.{stage}.modules")
import_module("trading.cycle")
