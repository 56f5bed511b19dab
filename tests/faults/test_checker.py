"""The checker sees each thing that it is for, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from tests.faults.checker import Facts, Journal, wrongs

FILLED, RESTING = Journal("filled", D("0.05"), D("0.05")), Journal("new", None, D(0))
WELL = Facts(
    venue_open=frozenset({"qt-s-1", "by-hand"}),
    venue_filled={"qt-e-1": D("0.05"), "autoclose-5": D("1")},
    journal={"qt-e-1": FILLED, "qt-s-1": RESTING, "qt-e-2": Journal("not_placed", D("0.1"), D(0))},
    venue_held={"BTC/USDT:USDT": D("0.05")},
    ours_held={"BTC/USDT:USDT": D("0.05")},
    bare={"BTC/USDT:USDT": 4.9},
    signals=3,
    outcomes={"traded": 1, "rejected": 1, "failed": 1},
)
UNKNOWN = WELL.journal | {"qt-e-2": Journal("unknown", D("0.1"), D(0))}


def test_where_all_is_well_nothing_is_said():
    assert wrongs(WELL) == [] and wrongs(Facts()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"venue_open": WELL.venue_open | {"qt-x-9"}}, "qt-x-9 is at the venue and not in the journal"),
        ({"venue_filled": {**WELL.venue_filled, "qt-x-9": D(1)}}, "qt-x-9 is at the venue and not in the journal"),
        ({"venue_open": frozenset()}, "qt-s-1 is live here and gone there"),
        ({"venue_open": WELL.venue_open | {"qt-e-1"}}, "qt-e-1 is open at the venue and over here"),
        ({"venue_filled": {}}, "qt-e-1: 0.05 filled here, 0 there"),
        ({"venue_filled": {"qt-e-1": D("0.10")}}, "qt-e-1: 0.10 filled, 0.05 wanted"),
        ({"venue_filled": {**WELL.venue_filled, "qt-e-2": D("0.1")}}, "qt-e-2: 0 filled here, 0.1 there"),
        ({"venue_held": {}}, "BTC/USDT:USDT: 0 held at the venue, 0.05 here"),
        ({"venue_held": {"BTC/USDT:USDT": D("-0.05")}}, "BTC/USDT:USDT: -0.05 held at the venue, 0.05 here"),
        ({"bare": {"BTC/USDT:USDT": 5.1}}, "BTC/USDT:USDT was without a stop for 5.1 s"),
        ({"signals": 4}, "4 signals, 3 outcomes"),
    ],
)
def test_each_wrong_is_named(change, said):
    assert any(line.startswith(said) for line in wrongs(replace(WELL, **change)))


def test_while_an_outcome_is_unknown_only_what_is_known_is_compared():
    lost = replace(WELL, journal=UNKNOWN, venue_held={"BTC/USDT:USDT": D("0.15")})
    assert wrongs(replace(lost, venue_filled={**WELL.venue_filled, "qt-e-2": D("0.1")})) == []
    assert wrongs(replace(lost, journal=WELL.journal)) == ["BTC/USDT:USDT: 0.15 held at the venue, 0.05 here"]


def test_symbols_where_somebody_else_trades_are_left_out():
    theirs = replace(WELL, venue_held={**WELL.venue_held, "ETH/USDT:USDT": D(1)})
    assert len(wrongs(theirs)) == 1 and wrongs(replace(theirs, strangers=frozenset({"ETH/USDT:USDT"}))) == []
