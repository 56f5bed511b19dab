"""A round of drills from the command line: what it changes while it lasts, and that it puts it back."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from monitoring.control.drills import house, runner
from monitoring.models import AuditEntry
from trading import tuning
from trading.models import TunedSetting

pytestmark = pytest.mark.django_db
LOSS = "QT_MAX_DAILY_LOSS"


@pytest.fixture
def limits(monkeypatch):
    """The limit of a day's loss as each drill of the round met it; no drill is carried out."""
    seen = []
    monkeypatch.setattr(house, "supervisor", lambda var, name="worker": 4711)

    def carried(row, *args, **more):
        seen.append(tuning.effective().QT_MAX_DAILY_LOSS)
        runner.ended(row, "skipped", "NO_ENTRY", {"limit": 1.0}, row.requested_at)

    monkeypatch.setattr(runner, "run", carried)
    return seen


@pytest.mark.parametrize("was", [0.05, None])
def test_a_round_that_closes_positions_may_lose_and_gives_the_limit_back(limits, was):
    if was:
        TunedSetting.objects.create(name=LOSS, value=str(was), changed_by="mira", changed_at=timezone.now())
    call_command("drill", "--part", "exits")
    assert len(limits) > 5 and set(limits) == {0.5}
    assert (was or 0.03) == tuning.effective().QT_MAX_DAILY_LOSS
    assert AuditEntry.objects.filter(action__startswith="limits.", target=LOSS).count() == 2


def test_a_round_that_is_interrupted_gives_it_back_too(limits, monkeypatch):
    monkeypatch.setattr(runner, "run", lambda *args, **more: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        call_command("drill", "--part", "exits")
    assert tuning.effective().QT_MAX_DAILY_LOSS == 0.03


def test_a_few_drills_change_no_limit(limits):
    call_command("drill", "stop-cancelled")
    assert limits == [0.03] and not TunedSetting.objects.exists()
