"""What runs of the watchers."""

import monitoring.watch.keeping
import monitoring.watch.selfhealing  # noqa: F401
