"""What runs of the watchers."""

import monitoring.watch.keeping  # noqa: F401
