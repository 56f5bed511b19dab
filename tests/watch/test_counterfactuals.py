"""What the gates saved or cost."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch.counterfactuals import COST, SAVED, UNCLEAR, counterfactuals
from tests.show import factories as make
from trading.models import Cycle, SignalOutcome

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 32, 7, tzinfo=UTC)
MONTH = timedelta(days=30)
HORIZON = 48


def rejected(no, net, back, matured=True):
    """A rejected signal `back` bars ago, and what became of it."""
    bar = make.bar_of(NOW, back)
    of = Cycle.objects.filter(bar=bar).first() or make.cycle(NOW, back)
    signal = make.signal(of, make.SYMBOLS[of.rows.count()])
    make.rejected(signal, no)
    ended = SignalOutcome.UNKNOWN if net is None else SignalOutcome.TARGET if net > 0 else SignalOutcome.STOP
    SignalOutcome.objects.create(
        signal=signal, ended=ended, hit=None if net is None else net > 0, net_r=net, target_r=2.5, horizon=HORIZON,
        matures_at=NOW - timedelta(minutes=1) if matured else NOW + timedelta(minutes=1), at=NOW, mode=make.MODE,
    )  # fmt: skip


@pytest.fixture
def house():
    make.policy(NOW)


def told(window=MONTH):
    return {one.code: one for one in counterfactuals(window, NOW)}


def test_a_gate_that_kept_losers_out_saved_and_one_that_kept_winners_out_cost(house):
    for i in range(20):
        rejected(make.low(0.33), -1.1 + i % 3 / 10, back=i * HORIZON)
        rejected(make.correlated(), 2.3 - i % 3 / 10, back=i * HORIZON)
        rejected(make.too_small(), 2.4 if i % 3 == 0 else -1.1, back=i * HORIZON)
    found = told()
    assert (found["LOW_CONFIDENCE"].verdict, found["CORRELATION"].verdict) == (SAVED, COST)
    assert found["MIN_NOTIONAL"].verdict == UNCLEAR
    low = found["LOW_CONFIDENCE"]
    assert low.n == 20
    assert low.ci_low <= low.mean_r <= low.ci_high < 0


def test_many_signals_of_few_stretches_prove_nothing(house):
    for i in range(40):
        rejected(make.low(0.33), -1.1, back=i % 40)
    low = told()["LOW_CONFIDENCE"]
    assert (low.n, low.mean_r, low.ci_low, low.ci_high, low.verdict) == (40, -1.1, None, None, UNCLEAR)


def test_what_is_unknown_unripe_or_out_of_the_window_is_in_no_mean(house):
    rejected(make.low(0.33), -1.0, back=1)
    rejected(make.low(0.33), None, back=2)
    rejected(make.low(0.33), 2.4, back=3, matured=False)
    rejected(make.low(0.33), 2.4, back=120)
    low = told(timedelta(hours=1))["LOW_CONFIDENCE"]
    assert (low.n, low.unknown, low.mean_r) == (1, 1, -1.0)


def test_traded_signals_are_no_counterfactuals(house):
    make.decided(make.signal(make.cycle(NOW), "BTC/USDT:USDT"), "traded")
    assert told() == {}


def test_one_query_whatever_the_number(house, django_assert_num_queries):
    for i in range(5):
        rejected(make.low(0.33), -1.0, back=i)
    with django_assert_num_queries(1):
        counterfactuals(MONTH, NOW)
