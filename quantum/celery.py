"""The Celery application: a bell, not a ledger. What must not be lost is a row; a task carries only its id."""

import os
import time

from celery import Celery, signals
from django.utils.module_loading import autodiscover_modules

from quantum import ending  # noqa: F401 - its signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quantum.settings")
app = Celery("quantum")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Being connected is enough: Celery leaves the logging to Django's settings."""


@signals.before_task_publish.connect
def stamp(headers: dict | None = None, **_: object) -> None:
    """When a task was put into its queue, so that the age of what waits can be told."""
    if headers is not None:
        headers["enqueued_at"] = time.time()


@signals.worker_init.connect
def fill_the_registry(sender: object = None, **_: object) -> None:
    """A worker ticks modules by name: import every stage's, with all that they need. Then its heart may beat."""
    autodiscover_modules("modules")
    from quantum import hearts

    hearts.beat_beside_tasks(str(getattr(sender, "hostname", "") or "worker"))
