"""One sentence for each state of the house, with its numbers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch import rows
from monitoring.watch.funnel import Funnel, Reason
from monitoring.watch.knobs import Knob, knob
from monitoring.watch.verdict import Facts, Naked, Switch, Training, headline
from monitoring.watch.words import NBSP
from tests.show import factories as make
from trading.laws import Conservation

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
COOLDOWN = Reason("COOLDOWN_ACTIVE", 171, "3,940 s since the last order, needs 7,200 s.", "QT_COOLDOWN_SECONDS")


def funnel(signals=0, traded=0, rejected=0, failed=0, pending=0, **changes):
    row = {
        "since": NOW - timedelta(hours=1),
        "until": NOW,
        "bars": 60,
        "symbols": 1440,
        "evaluated": 1412,
        "flat": 1412 - signals,
    }
    row |= {"not_evaluated": {}, "judged_signals": signals, "reasons": (), "failed_by_code": {}, "as_of": NOW}
    return Funnel(law=Conservation(signals, traded, rejected, failed, pending), **row | changes)


def facts(seen=None, **changes):
    row = {
        "now": NOW,
        "span": timedelta(hours=1),
        "funnel": seen or funnel(),
        "switch": Switch(),
        "training": None,
        "champions": 4,
    }
    row |= {"candle_at": NOW - timedelta(seconds=30), "max_age": timedelta(seconds=95), "flat_limit": 2 / 7}
    return Facts(**row | changes)


def said(**changes):
    return headline(facts(**changes)).sentence.replace(NBSP, " ")


def told(**changes):
    return headline(facts(**changes)).explanation.replace(NBSP, " ")


def test_signals_without_a_trade_name_the_code_the_setting_and_both_values():
    seen = funnel(signals=198, rejected=195, failed=1, pending=2, reasons=(COOLDOWN,), failed_by_code={"EXPIRED": 1})
    setting = Knob("QT_COOLDOWN_SECONDS", 7200, 120, "7,200 s", "120 s")
    assert said(seen=seen) == "198 signals in the last hour, 0 trades."
    text = told(seen=seen, knob=setting)
    assert text.startswith("171 were rejected by COOLDOWN_ACTIVE. In the median case: 3,940 s since the last order")
    assert "QT_COOLDOWN_SECONDS is 7,200 s; its default is 120 s." in text
    assert text.endswith("1 failed (EXPIRED) and 2 pending.")


def test_who_changed_the_setting_last_is_named():
    seen = funnel(signals=3, rejected=3, reasons=(replace(COOLDOWN, n=3),))
    ago = facts().now - timedelta(hours=2, minutes=44)
    setting = Knob("QT_COOLDOWN_SECONDS", 7200, 120, "7,200 s", "120 s", "j.berg", ago)
    assert f"its default is 120 s. j.berg changed it at {ago:%H:%M}, 2 h 44 min ago." in told(seen=seen, knob=setting)


def test_a_setting_on_its_default_says_so():
    seen = funnel(signals=3, rejected=3, reasons=(replace(COOLDOWN, n=3),))
    assert "QT_COOLDOWN_SECONDS is 120 s, its default." in told(seen=seen, knob=knob("QT_COOLDOWN_SECONDS", {}))


def test_a_venue_that_nobody_has_started_comes_first_and_leads_to_the_setup():
    wanted = {"venue": "binanceusdm demo", "venue_needs": "2 of 11 checks have not passed."}
    answer = headline(facts(training=Training("rows", None), champions=0, **wanted))
    assert (answer.state, answer.tone) == ("not-started", "warn")
    assert answer.sentence == "No entries at binanceusdm demo yet."
    assert answer.explanation.startswith("2 of 11 checks have not passed. Everything else runs")
    assert answer.actions[0].href == "/setup/"


def test_trading_is_told_with_both_numbers():
    seen = funnel(signals=12, traded=3, rejected=9, reasons=(replace(COOLDOWN, n=5),))
    assert said(seen=seen) == "12 signals in the last hour, 3 trades."
    assert told(seen=seen) == "9 rejected, 5 of them by COOLDOWN_ACTIVE. "


def test_costs_that_eat_the_edge_are_called_that():
    cost = Reason("EXPECTED_COST_TOO_HIGH", 40, "0.34, needs 0.41 with costs of 0.43 R.", "QT_MIN_STOP_COSTS")
    seen = funnel(signals=41, rejected=41, reasons=(cost, replace(COOLDOWN, n=1)))
    assert "Costs eat the edge on these bars: 0.34, needs 0.41 with costs of 0.43 R." in told(seen=seen)


CASES = [
    ("a position without a stop comes first", {"naked": (Naked("BTC/USDT:USDT", NOW - timedelta(seconds=9)),),
     "switch": Switch("halted")}, "unprotected", "BTC/USDT has had no stop at the exchange for 9 s."),
    ("two seconds without one are its placing", {"naked": (Naked("BTC/USDT:USDT", NOW - timedelta(seconds=2)),)},
     "flat", "No signals in the last hour."),
    ("a signal without a decision", {"undecided": 3}, "law-broken", "3 signals have no decision."),
    ("no candle yet", {"candle_at": None, "seen": funnel(bars=0), "champions": 0}, "no-data", "No market data yet."),
    ("training", {"champions": 0, "training": Training("folds", NOW + timedelta(seconds=14))}, "training",
     "Models are training: 14 s left."),
    ("training without an estimate", {"champions": 0, "training": Training("queued", None)}, "training",
     "Models are training."),
    ("training that failed", {"champions": 0, "training": Training("folds", None, "no rows")}, "training-failed",
     "The models could not be trained."),
    ("training beside champions is no headline", {"training": Training("folds", NOW)}, "flat",
     "No signals in the last hour."),
    ("old data", {"candle_at": NOW - timedelta(minutes=8)}, "stale", "The newest candle is 8 min old."),
    ("no model", {"champions": 0}, "no-model", "There is no model yet, so nothing can be judged."),
    ("halted on purpose", {"switch": Switch("halted", NOW - timedelta(minutes=3), "mira", "release")}, "halted",
     "Trading is halted on purpose."),
    ("reducing on purpose", {"switch": Switch("reducing")}, "reducing", "Only exits are allowed, on purpose."),
    ("nothing judged", {"seen": funnel(bars=0)}, "not-judged", "No bar was judged in the last hour."),
    ("all flat", {}, "flat", "No signals in the last hour."),
    ("costs eat the edge", {"cost_r": 1 / 3, "cost_ceiling": 1 / 3, "best": 0.22}, "costs",
     "Costs eat the edge. No signals in the last hour."),
    ("costs below their ceiling", {"cost_r": 0.12, "cost_ceiling": 1 / 3, "best": 0.25}, "flat",
     "No signals in the last hour."),
    ("nothing could be evaluated", {"seen": funnel(evaluated=0, flat=0, not_evaluated={"NO_MODEL": 1440})},
     "not-evaluated", "No signals in the last hour."),
    ("all pending", {"seen": funnel(signals=1, pending=1)}, "pending", "1 signal in the last hour, 0 trades."),
    ("all failed", {"seen": funnel(signals=1, failed=1)}, "failed", "1 signal in the last hour, 0 trades."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "state", "sentence"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_each_state_has_its_sentence(changes, state, sentence):
    assert headline(facts(**changes)).state == state
    assert said(**changes) == sentence


def test_a_halt_names_who_when_and_why_and_still_both_numbers():
    text = told(
        switch=Switch("halted", NOW - timedelta(minutes=3), "mira", "release"), seen=funnel(signals=4, rejected=4)
    )
    assert text.startswith(
        "mira switched to halted at 11:57:30, 3 min ago: release. 4 signals in the last hour, 0 trades."
    )


def test_the_countdown_carries_its_end_so_that_the_page_can_tick():
    ends = NOW + timedelta(seconds=14)
    head = headline(facts(champions=0, training=Training("folds", ends))).head
    assert [(p.kind, p.at) for p in head if p.kind] == [("countdown", ends)]


@pytest.mark.django_db
def test_the_rows_give_the_facts_in_a_fixed_number_of_queries(django_assert_num_queries):
    make.no_trades(NOW)
    with django_assert_num_queries(12):
        seen = rows.facts(NOW)
    assert headline(seen).sentence == "198 signals in the last hour, 0 trades."


@pytest.mark.django_db
def test_a_training_that_fell_silent_is_a_failure_not_a_countdown():
    make.training(NOW - timedelta(minutes=10))
    assert "silent" in rows.training(NOW).failed


def test_costs_that_eat_the_edge_are_told_with_their_numbers():
    told = headline(facts(seen=funnel(0), cost_r=1 / 3, cost_ceiling=1 / 3, best=0.22)).explanation
    assert "costs 0.33\u00a0R" in told
    assert "breaks even at 0.381" in told
    assert "best confidence was 0.220" in told


def test_flat_bars_tell_the_best_confidence_and_what_a_signal_needs():
    told = headline(facts(seen=funnel(0), cost_r=0.12, cost_ceiling=1 / 3, best=0.25)).explanation
    assert "best confidence was 0.250" in told
    assert "needs 0.286" in told
    assert "after costs of 0.12\u00a0R that is 0.320" in told
