"""The 198: the old way trades none and writes nothing down; ours fills the slots and accounts for every one."""

from collections import Counter
from datetime import UTC, datetime

from trading.codes import Code
from trading.gates import incident
from trading.gates.desk import Limits

NOW = datetime(2025, 11, 23, 9, 0, tzinfo=UTC)


def both():
    beliefs = incident.signals(NOW)
    desk = incident.desk(beliefs, NOW, Limits())
    return beliefs, incident.old_way(beliefs, desk), incident.our_way(beliefs, desk)


def test_the_old_way_gives_four_slots_to_signals_that_cannot_trade():
    _, old, _ = both()
    assert [b.symbol.split("/")[0] for b in old.planned] == ["DASH", "ZEC", "ZEN", "TAO"]
    assert old.submitted == ()
    assert (old.kept_for_nothing, old.unrecorded) == (1, 194)


def test_ours_fills_the_slots_from_later_candidates_and_every_signal_has_its_code():
    beliefs, _, verdicts = both()
    assert len(verdicts) == len(beliefs) == 198
    assert [v.belief.symbol for v in verdicts if v.accepted] == [b.symbol for b in beliefs[5:9]]
    codes = Counter(v.code for v in verdicts if not v.accepted)
    assert codes == {Code.AGAINST_TREND_SHORT: 5, Code.MAX_POSITIONS: 189}
    assert all(v.rejections for v in verdicts if not v.accepted)


def test_without_the_trend_in_the_way_the_old_way_trades_too():
    """The old way is played, not told: on another morning it submits its four."""
    beliefs = incident.signals(NOW)
    desk = incident.desk(beliefs, NOW, Limits(trend_band=0.05))
    assert len(incident.old_way(beliefs, desk).submitted) == 4
