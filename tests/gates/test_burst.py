"""Ten thousand signals at once: the law holds at every look, and each "no" has its code and its numbers."""

import pytest

from tests.bench.burst import SIGNALS, burst, sample, unexplained
from trading.models import Decision

pytestmark = [pytest.mark.slow, pytest.mark.services]


@pytest.mark.django_db(transaction=True)
def test_in_a_burst_of_ten_thousand_nothing_vanishes_and_everything_is_explained():
    found = burst(SIGNALS)
    assert len(found.samples) >= 10 and found.broken == []
    assert {one.signals for one in found.samples} >= {1000, SIGNALS}
    last = sample()
    assert last.signals == SIGNALS and last.holds
    assert last.pending >= 1 and last.rejected == SIGNALS - last.pending
    assert unexplained() == 0


@pytest.mark.django_db
def test_a_no_without_its_numbers_would_be_noticed():
    from tests import builders as make

    row = make.decision(outcome=Decision.REJECTED, code="COOLDOWN_ACTIVE", sentence="", rejections=[])
    assert unexplained() == 1
    row.delete()
    assert unexplained() == 0
