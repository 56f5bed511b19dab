"""Bad data as incidents: how much each weighs, with which numbers, and what proves that it is over. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch import ailments, dataailments
from monitoring.watch.dataailments import Aside, DataSeen, Hole, Reading, Stood, faults
from monitoring.watch.detectors.engine import detect
from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import SEVERITIES
from monitoring.watch.detectors.proofs import proof

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
FRESH = NOW - timedelta(seconds=30)
SINCE = NOW - timedelta(seconds=60)
WELL = DataSeen(closes=dict.fromkeys((BTC, ETH, SOL), FRESH))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def reading(ms: float, took: float = 0, seconds: float = 3) -> Reading:
    return Reading(timedelta(milliseconds=ms), timedelta(milliseconds=took), ago(seconds))


def found(**changes) -> list[tuple[str, str, str]]:
    return [(one.code, one.subject, one.weight) for one in faults(replace(WELL, **changes), NOW)]


def test_the_weights_are_those_of_the_detectors():
    assert SEVERITIES[:3] == (dataailments.LOW, dataailments.MEDIUM, dataailments.HIGH)


@pytest.mark.parametrize(
    ("clock", "weight"),
    [
        (None, None),
        (reading(500), None),
        (reading(-500), None),
        (reading(501), "low"),
        (reading(-1_000), "low"),
        (reading(2_000), "low"),
        (reading(2_001), "high"),
        (reading(-30_000), "high"),
        (reading(3_600_000), "high"),
        (reading(900, took=1_000), None),  # it may be 400 ms
    ],
)
def test_a_clock_is_told_from_half_a_second_on_and_is_high_where_entries_are_denied(clock, weight):
    assert found(clock=clock) == ([("CLOCK_OFF", "", weight)] if weight else [])


def test_only_what_stands_still_now_is_frozen():
    still = {BTC: Stood(ago(90), ago(5))}
    old = WELL.closes | {BTC: ago(90)}
    assert found(still=still, closes=old) == [("FEED_FROZEN", "", "medium")]
    assert found(still=still) == [], "a good candle came after it"
    assert found(still={BTC: Stood(ago(90), ago(200))}, closes=old) == [], "it is told no more: that is another fault"
    assert found(still={"GONE": Stood(ago(90), ago(5))}) == [], "not in the universe"


def test_where_all_stand_still_it_is_high():
    closes = dict.fromkeys(WELL.closes, ago(90))
    assert found(still=dict.fromkeys(closes, Stood(ago(90), ago(5))), closes=closes) == [("FEED_FROZEN", "", "high")]


def test_a_gap_is_a_word_at_first_and_more_when_it_was_asked_for_in_vain():
    assert found(holes=(Hole(BTC, 5, ago(10)),)) == [("GAP_OPEN", "", "low")]
    assert found(holes=(Hole(BTC, 5, ago(211)), Hole(ETH, 1, ago(3)))) == [("GAP_OPEN", "", "medium")]
    assert found(holes=(Hole(BTC, 0, ago(900), ago(5)),)) == []


def test_one_candle_put_aside_is_a_word_and_many_are_more():
    assert found(aside={"spike": Aside(1, (BTC,), ago(5))}) == [("QUARANTINE", "spike", "low")]
    assert found(aside={"spike": Aside(5, (BTC,), ago(5))}) == [("QUARANTINE", "spike", "medium")]
    both = {"spike": Aside(1, (BTC,), ago(5)), "nan": Aside(2, (BTC, ETH), ago(5))}
    assert found(aside=both) == [("QUARANTINE", "nan", "medium"), ("QUARANTINE", "spike", "low")]
    assert found(aside={"spike": Aside(9, (BTC,), ago(151))}) == []


def test_an_old_price_of_what_is_held_is_high_and_has_its_position_looked_after():
    assert found(marks={BTC: ago(30), ETH: ago(2)}) == []
    data = replace(WELL, marks={BTC: ago(31), ETH: ago(2)})
    (one,) = [f for f in detect(Facts(NOW, SINCE, data=data)) if f.code == "MARK_STALE"]
    assert (one.severity, one.impacts_trading, one.params["symbol"], one.params["of"]) == ("high", True, BTC, 2)
    assert {(r.action.value, r.target) for r in one.remedies} == {("run_module", "position_monitor")}


@pytest.mark.parametrize(
    ("code", "subject", "bad", "good"),
    [
        ("CLOCK_OFF", "", {"clock": reading(3_000)}, {"clock": reading(40)}),
        ("CLOCK_OFF", "", {"clock": reading(40, seconds=61)}, {"clock": reading(-80)}),
        ("CLOCK_OFF", "", {"clock": None}, {"clock": reading(0)}),
        (
            "FEED_FROZEN",
            "",
            {"still": {BTC: Stood(FRESH, ago(200))}},
            {"still": {BTC: Stood(ago(90), ago(5))}},
        ),
        ("FEED_FROZEN", "", {"closes": {}}, {}),
        ("GAP_OPEN", "", {"holes": (Hole(BTC, 1, ago(9)),)}, {"holes": (Hole(BTC, 0, ago(900), ago(5)),)}),
        ("GAP_OPEN", "", {"holes": (Hole(BTC, 1, ago(9)),)}, {}),
        ("QUARANTINE", "spike", {"aside": {"spike": Aside(1, (BTC,), ago(149))}}, {}),
        ("QUARANTINE", "spike", {"closes": {}}, {"aside": {"spike": Aside(0, (BTC,), ago(151))}}),
        ("MARK_STALE", "", {"marks": {BTC: ago(31)}}, {"marks": {BTC: ago(3)}}),
        ("MARK_STALE", "", {"marks": {BTC: ago(31), ETH: ago(1)}}, {}),
    ],
)
def test_it_is_over_when_something_shows_it_and_not_before(code, subject, bad, good):
    def shown(changes):
        return proof(code, subject, Facts(NOW, SINCE, data=replace(WELL, **changes)), SINCE)

    assert shown(bad) is None
    told = ailments.proof(shown(good))
    assert told and "%(" not in told


def test_where_our_clock_was_put_back_a_reading_of_now_counts():
    """The incident was seen in what is the future now; it must not stay open until then."""
    seen = replace(WELL, clock=reading(10))
    assert dataailments.PROOFS["CLOCK_OFF"]("", seen, NOW, NOW + timedelta(hours=1))


def test_every_kind_that_is_put_aside_has_words():
    from trading.feed.quality import UNUSABLE

    assert set(ailments.KINDS) == set(UNUSABLE)
