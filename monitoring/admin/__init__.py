"""The admin: every table, searchable; history read-only. What can be pressed is the same action as on the page."""

from monitoring.admin import levers, people, schedules
from trading.admin import register_all

register_all("monitoring")

__all__ = ["levers", "people", "schedules"]
