"""The Celery application: a bell, not a ledger. What must not be lost is a row; a task carries only its id."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quantum.settings")
app = Celery("quantum")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
