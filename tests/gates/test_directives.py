"""What self-healing lets the gates take on: the strictest directive wins, and only entries are asked."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import IntegrityError

from tests import builders as make
from tests.builders import NOW
from tests.gates.builders import belief, desk
from trading.codes import Code
from trading.gates import store
from trading.gates.directives import ORDER, Level, holds_entries, size_factor, strictest
from trading.gates.judge import decide
from trading.gates.sizing import risk_budget
from trading.models import Directive, Intent
from trading.orders import sender


def test_levels_are_monotone():
    assert [level.value for level in ORDER] == Directive.LEVELS
    for looser, stricter in pairwise(ORDER):
        assert size_factor(looser) >= size_factor(stricter)
        assert holds_entries(stricter) or not holds_entries(looser)
    assert strictest([]) is Level.ALLOW_ALL
    assert strictest([Level.REDUCED, Level.NO_NEW_TRADES, Level.ALLOW_ALL]) is Level.NO_NEW_TRADES


def test_reduced_halves_what_a_trade_may_lose():
    assert risk_budget(desk()) == 50
    assert risk_budget(desk(directive=Level.REDUCED)) == 25
    (whole,), (half,) = decide([belief()], desk()), decide([belief()], desk(directive=Level.REDUCED))
    assert half.ticket.quantity < whole.ticket.quantity <= 2 * half.ticket.quantity + Decimal("0.001")


@pytest.mark.parametrize("level", [Level.NO_NEW_TRADES, Level.DEFENSIVE_EXIT, Level.EMERGENCY_SHUTDOWN])
def test_from_no_new_trades_on_entries_are_rejected_with_the_code(level):
    (verdict,) = decide([belief()], desk(directive=level, halts=("All candles are old", "ETH/USDT has no stop")))
    assert verdict.code is Code.SELF_HEALING_NO_NEW_TRADES and not verdict.accepted
    no = verdict.rejections[0]
    assert (no.value, no.facts["level"]) == ("All candles are old, and 1 more", level.value)
    assert not decide([belief()], desk(directive=level))[0].accepted, "also where the reason got lost"


@pytest.mark.django_db
class TestRows:
    def test_the_strictest_of_those_that_stand_wins(self):
        assert store.standing(NOW).level is Level.ALLOW_ALL
        store.direct(Level.REDUCED, "a", "slow", "self_healing", NOW)
        assert store.standing(NOW) == store.Standing(Level.REDUCED, ())
        store.direct(Level.NO_NEW_TRADES, "b", "silent", "self_healing", NOW)
        assert store.standing(NOW) == store.Standing(Level.NO_NEW_TRADES, ("silent",))
        assert store.lift("b", "mira", NOW) and not store.lift("b", "mira", NOW)
        assert store.standing(NOW).level is Level.REDUCED

    def test_one_with_an_end_is_over_by_then(self):
        store.direct(Level.NO_NEW_TRADES, "a", "for a while", "mira", NOW, until=NOW + timedelta(minutes=1))
        assert store.standing(NOW).halts and not store.standing(NOW + timedelta(minutes=1)).halts

    def test_said_again_it_is_one_row_and_another_level_replaces_it(self):
        for _ in range(2):
            store.direct(Level.REDUCED, "a", "slow", "self_healing", NOW)
        assert Directive.objects.count() == 1
        store.direct(Level.NO_NEW_TRADES, "a", "slower", "self_healing", NOW)
        assert [d.level for d in Directive.objects.filter(ended_at=None)] == ["NO_NEW_TRADES"]

    def test_two_cannot_stand_about_the_same(self):
        Directive.objects.create(level="REDUCED", key="a", reason="x", by="y", at=NOW)
        with pytest.raises(IntegrityError):
            Directive.objects.create(level="REDUCED", key="a", reason="x", by="y", at=NOW)

    def test_an_entry_that_was_accepted_before_is_not_sent_and_an_exit_is(self):
        entry = make.intent(decision=make.decision())
        place = make.position()
        out = make.intent(
            kind=Intent.EXIT, position=place, reason="r", requester="q", reduce_only=True, symbol="X/USDT"
        )
        store.direct(Level.NO_NEW_TRADES, "a", "silent", "self_healing", NOW)
        with pytest.raises(sender.NotSent) as no:
            sender.forbid(entry, NOW)
        assert no.value.code is Code.SELF_HEALING_NO_NEW_TRADES
        sender.forbid(out, NOW)


def test_two_that_say_the_same_at_once_break_nothing(db, monkeypatch):
    """A stop that the venue refused with 429 is being placed by one of them: it must not end in an error."""
    rivals = []

    def meanwhile(*_):
        if not rivals:
            rivals.append(
                Directive.objects.create(level="NO_NEW_TRADES", key="venue:silence", reason="429", by="b", at=NOW)
            )

    monkeypatch.setattr(store.events, "changed", meanwhile)
    store.direct(Level.NO_NEW_TRADES, "venue:silence", "429", "a", NOW)
    assert Directive.objects.filter(key="venue:silence", ended_at=None).count() == 1
