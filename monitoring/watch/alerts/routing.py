"""When an alert is told: a page at once, day and night; the rest together, and not in the quiet hours. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitoring.watch.alerts.burn import PAGE

REPEAT = timedelta(minutes=15)  # what begins again within this was told already
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
GIVEN_UP_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Quiet:
    """The hours in which only pages are sent, by a clock of people; equal ends: none."""

    begins: time = time(0)
    ends: time = time(0)
    zone: str = "UTC"

    def covers(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.zone)).time()
        if self.begins <= self.ends:
            return self.begins <= local < self.ends
        return local >= self.begins or local < self.ends

    def over(self, at: datetime) -> datetime:
        """The next moment outside; to the minute, however the clocks are changed in between."""
        moment = at
        while self.covers(moment):
            moment = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return moment


@dataclass(frozen=True, slots=True)
class Habits:
    """How often tickets are told, and when not."""

    digest: timedelta = timedelta(hours=1)
    quiet: Quiet = Quiet()


def due(severity: str, now: datetime, habits: Habits) -> datetime:
    """A page: now. A ticket: at the next digest outside the quiet hours."""
    if severity == PAGE:
        return now
    if not habits.digest:
        return habits.quiet.over(now)
    return habits.quiet.over(next_digest(now, habits.digest))


def next_digest(now: datetime, every: timedelta) -> datetime:
    """Digests lie on a grid of the day's beginning in UTC, so that a restart moves none."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + every * ((now - midnight) // every + 1)


def pause(attempts: int) -> timedelta:
    """Before the next attempt: 5 s, twice as long each time, ten minutes at most."""
    return min(FIRST_PAUSE * 2 ** min(max(attempts - 1, 0), 16), LONGEST_PAUSE)
