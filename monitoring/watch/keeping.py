"""What runs here: the Database Validator, and the keeper of the score."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitoring.watch import history, ringing, validator
from monitoring.watch.probes import PROBES
from trading import calls
from trading.runtime import Report, register

RING = 10  # seconds
THIN_AT = 7  # minute of the hour in which old scores are thinned


@register
class DatabaseValidator:
    """Compares the database with the models, and proves on the app's own connection that it keeps what it is given."""

    name, title, every, queue = "database_validator", "Database Validator", timedelta(seconds=300), "work"

    def tick(self, now: datetime) -> Report:
        finding = validator.validate(now)
        validator.store(finding)
        failed = [check for check in finding.checks if not check.passed]
        return Report(examined=len(finding.checks), actions=len(failed), panels=("scorecard",) if failed else ())


@register
class HealthScorecard:
    """Asks every probe and keeps the score: when it changes, and at least every minute.

    Every 5 s, so that what shows after 10 s has lowered the score within 15.
    """

    name, title, every, queue = "scorekeeper", "Health Scorecard", timedelta(seconds=5), "work"

    def tick(self, now: datetime) -> Report:
        changed = history.keep(history.measure(now))
        if now.second % RING < self.every.total_seconds():
            ringing.ring(now)
        if now.minute == THIN_AT:
            history.thin(now)
            calls.forget(now)
        return Report(examined=len(PROBES), actions=int(changed))
