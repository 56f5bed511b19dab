"""The Celery application: a bell, not a ledger. What must not be lost is a row; a task carries only its id."""

import os

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


@signals.worker_init.connect
def fill_the_registry(**_: object) -> None:
    """A worker ticks modules by name: import every stage's, with all that they need."""
    autodiscover_modules("modules")
