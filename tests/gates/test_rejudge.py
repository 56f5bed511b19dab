"""What would have been decided with another limit, bar by bar."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.gates import builders as make
from trading.codes import Code
from trading.cycle import plain
from trading.gates import recall, rejudge
from trading.gates.judge import decide
from trading.gates.rejudge import Bar, changed, difference

MINUTE = timedelta(minutes=1)
LONG_AGO = timedelta(days=1)


def bar(minute=0, count=6, held=(), lasts=60, **changes):
    """A bar with `count` signals that all pass but for the slots; each path lasts `lasts` minutes."""
    beliefs = make.beliefs(count, at=make.CLOSED + minute * MINUTE)
    names = [one.symbol for one in beliefs]
    now, seen = make.NOW + minute * MINUTE, make.CLOSED + minute * MINUTE
    markets = {name: make.market(name, candle_at=seen, mark_at=now - timedelta(seconds=1)) for name in names}
    desk = make.desk(names, markets=markets, now=now, bar_closed_at=seen, holdings=tuple(held), **changes)
    taken = frozenset(v.belief.symbol for v in decide(beliefs, desk) if v.accepted)
    return Bar(desk, tuple(beliefs), taken, dict.fromkeys(names, now + lasts * MINUTE))


def limits(**changes):
    return replace(make.desk([make.BTC]).limits, max_open_risk=Decimal("0.2"), **changes)


def gained(found):
    return [one.belief.symbol for one in found.gained]


def test_with_nothing_changed_nothing_differs():
    bars = [bar(i, limits=limits(max_positions=2)) for i in range(3)]
    found = difference(bars, "QT_MAX_POSITIONS", 2)
    assert (found.bars, found.signals, found.gained, found.lost) == (3, 18, (), ())


def test_one_slot_more_lets_the_next_in_rank_pass():
    found = difference([bar(limits=limits(max_positions=2))], "QT_MAX_POSITIONS", 3)
    assert gained(found) == [make.name(2)]
    assert (found.rejected, found.gained[0].ticket.symbol) == (4, make.name(2))


def test_what_would_have_been_held_keeps_its_slot_until_its_path_ended():
    held = [make.holding(make.name(i)) for i in (0, 1)]
    first = bar(0, limits=limits(max_positions=2), lasts=3)
    later = [bar(i, held=held, limits=limits(max_positions=2), lasts=3) for i in range(1, 5)]
    found = difference([first, *later], "QT_MAX_POSITIONS", 3)
    assert [(one.at - make.NOW) // MINUTE for one in found.gained] == [0, 3]


def test_what_would_have_been_sent_starts_a_cooldown():
    held = [make.holding(make.name(i)) for i in (0, 1)]
    bars = [bar(0, limits=limits(max_positions=2), lasts=1)]
    bars += [bar(i, held=held, count=3, limits=limits(max_positions=2), lasts=1) for i in range(1, 4)]
    found = difference(bars, "QT_MAX_POSITIONS", 3)
    assert [(one.belief.symbol, (one.at - make.NOW) // MINUTE) for one in found.gained] == [
        (make.name(2), 0),
        (make.name(2), 2),
    ]


def test_a_tighter_limit_takes_back_what_passed_and_its_slot_is_free_in_the_next_bar():
    first = bar(0, limits=limits(max_positions=2))
    second = bar(1, held=[make.holding(make.name(i)) for i in (0, 1)], limits=limits(max_positions=2))
    sure = make.belief(make.name(5), confidence=0.489, at=second.desk.bar_closed_at)
    found = difference([first, replace(second, beliefs=(sure,))], "QT_CONFIDENCE_THRESHOLD", 0.485)
    assert [one.belief.symbol for one in found.lost] == [make.name(1)]
    assert gained(found) == [make.name(5)]


def test_the_policy_minimum_is_adjusted_as_ever_and_another_regime_is_not_touched():
    desk = make.desk([make.BTC], policy=make.policy_now(volatility="HIGH", min_confidence=0.42))
    assert changed(desk, "QT_POLICY_MIN_CONF_RANGING", 0.3).policy.min_confidence == 0.32
    assert changed(desk, "QT_POLICY_MIN_CONF_TRENDING", 0.3) == desk


def test_a_risk_per_trade_above_the_open_risk_is_cut_to_it():
    desk = changed(make.desk([make.BTC]), "QT_MAX_OPEN_RISK", 0.003)
    assert desk.limits.risk_per_trade == desk.limits.max_open_risk == Decimal("0.003")


@pytest.mark.parametrize("setting", rejudge.SETTINGS)
def test_every_limit_takes_a_number_and_keeps_its_type(setting):
    desk = make.desk([make.BTC])
    other = changed(desk, setting, 1)
    kinds = [type(getattr(one, name)) for one in (desk.limits, other.limits) for name in rejudge.FIELDS.values()]
    half = len(kinds) // 2
    assert kinds[:half] == kinds[half:]


def test_a_correlation_that_was_not_kept_is_measured_and_told_where_it_cannot_be():
    every = make.uncorrelated(make.name(i) for i in range(4))
    one = bar(limits=limits(max_positions=2), count=4, correlation=every)
    kept = {pair: rho for pair, rho in one.desk.correlation.items() if one.accepted & set(pair)}
    one = replace(one, desk=replace(one.desk, correlation=kept))
    known = difference([one], "QT_MAX_POSITIONS", 4, pairs=lambda bar: {(make.name(2), make.name(3)): 0.1})
    unknown = difference([one], "QT_MAX_POSITIONS", 4, pairs=lambda bar: {})
    assert (gained(known), known.untold) == ([make.name(2), make.name(3)], 0)
    assert (gained(unknown), unknown.untold) == ([make.name(2)], 1)


def test_what_a_bar_could_not_measure_then_stays_unmeasured():
    one = bar(count=2, limits=limits(max_positions=2))
    one = replace(one, desk=replace(one.desk, correlation={}))
    one = replace(one, accepted=frozenset({make.name(0)}))
    found = difference([one], "QT_MAX_POSITIONS", 2, pairs=lambda bar: {(make.name(0), make.name(1)): 0.1})
    assert found.gained == ()
    assert decide(one.beliefs, one.desk)[1].code is Code.CORRELATION


def test_a_desk_comes_back_from_its_json_as_it_was():
    desk = make.desk([make.BTC, make.name(1)], holdings=(make.holding(),), halts=("a reason",))
    assert recall.desk(plain(desk)) == desk


@pytest.mark.parametrize("stored", [{}, {"now": "yesterday"}, {"now": 5}, {"limits": {"max_positions": "many"}}])
def test_what_is_no_desk_is_said_to_be_none(stored):
    with pytest.raises(recall.Unreadable):
        recall.desk(stored)
