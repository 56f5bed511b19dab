"""The panels: name, template, what it shows and how old that may be. Importing this fills the registry.

Each group of panels is a file of its own, which ends by registering them; `OVERVIEW` is what the first page shows.
"""

from importlib import import_module
from pathlib import Path

from monitoring.show.panels.base import PANELS, Panel, Rendered, bars, moved_by, one, register, render

for file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    import_module(f"{__name__}.{file.stem}")

OVERVIEW = ("ribbon", "verdict", "equity", "tiles", "funnel", "scorecard", "problems", "decisions", "positions",
            "models", "modules", "policy", "account", "universe")  # fmt: skip

__all__ = ["OVERVIEW", "PANELS", "Panel", "Rendered", "bars", "moved_by", "one", "register", "render"]
