"""What runs among the watchers. Importing this registers it, after the stages' own modules."""

import monitoring.watch.modules  # noqa: F401
from trading.runtime import load

FILES = {
    "monitoring.watch.alerts.modules": ("notifier",),
    "monitoring.control.drills.firing": ("fire_drill",),
}

load(FILES)
