"""A critical fault has lowered the score within 15 s, whenever within its rhythm the keeper of the score looks."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.models import HealthScore
from monitoring.watch import validator
from monitoring.watch.alerts.modules import Notifier
from monitoring.watch.keeping import HealthScorecard
from monitoring.watch.scorecard import again
from monitoring.watch.selfhealing import SelfHealing
from tests.show import factories as make
from tests.watch.diagnosis import house
from trading.models import ModuleState, Order, Position

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
LIMIT = 15


class Hands:
    """Nothing is healed here: the fault stays."""

    def __getattr__(self, name):
        return lambda *args, **named: ""


class Running:
    """A healthy house whose rows are written anew each second, until something of it falls silent."""

    def __init__(self, now) -> None:
        self.now, self.silent = now, ()
        house.healthy(now)
        validator.store(validator.validate(now))
        self.modules = [
            HealthScorecard(),
            SelfHealing(Hands()),
            Notifier(send=lambda *of: None, clock=lambda: self.now),
        ]

    def second(self, phase: int) -> None:
        self.now += SECOND
        beating = ModuleState.objects.exclude(name__in=self.silent)
        beating.update(last_tick=self.now, last_work=self.now)
        Position.objects.exclude(status="closed").update(verified_at=self.now, mark_at=self.now)
        Order.objects.filter(verified_at__isnull=False).update(verified_at=self.now)
        for module in self.modules:
            if (int(self.now.timestamp()) + phase) % int(module.every.total_seconds()) == 0:
                module.tick(self.now)

    def run(self, seconds: int, phase: int) -> None:
        for _ in range(seconds):
            self.second(phase)


def naked(running):
    house.change(house.BTC, unprotected_since=running.now, protected_since=None)


def stream_silent(running):
    running.silent = ("stream", "data_feed")


def read_only(running):
    """What the validator then finds: nothing can be written."""
    sound = validator.validate(running.now)
    refused = {"error": "attempt to write a readonly database"}
    checks = [replace(one, passed=False, code="write-failed", params=refused) if one.name == "write" else one
              for one in sound.checks]  # fmt: skip
    validator.store(replace(sound, checks=tuple(checks)))


def order_unknown(running):
    one = make.decided(house.signal(running.now, 2, "SOL/USDT:USDT", 0.45), "pending")
    make.entry(one, "unknown", filled=0, average_price=None, sent_at=running.now - 50 * SECOND)


@pytest.mark.parametrize("phase", [0, 4])
@pytest.mark.parametrize("fault", [naked, stream_silent, read_only, order_unknown])
def test_a_critical_fault_lowers_the_score_within_15_s(fault, phase):
    start = timezone.now().replace(second=20, microsecond=0) - timedelta(minutes=1)
    running = Running(start)
    running.run(5, phase)
    before, fell = HealthScore.objects.order_by("-at").first(), running.now
    fault(running)
    running.run(LIMIT, phase)
    scores = HealthScore.objects.filter(at__gt=fell, at__lte=fell + LIMIT * SECOND)
    raw = [again(row.evidence, row.at).raw for row in scores]
    assert min(raw, default=100) < again(before.evidence, before.at).raw, raw
