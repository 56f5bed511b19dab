"""The wiring: configuration, settings, Celery, ASGI, URLs."""

from quantum.celery import app as celery_app

__all__ = ["celery_app"]
