"""What runs among the watchers. Importing this registers it, after the stages' own modules."""

import monitoring.watch.keeping
import monitoring.watch.modules  # noqa: F401
