"""What stands over the headline, and what to press under it."""

from dataclasses import replace

from monitoring.watch.knobs import Knob
from monitoring.watch.presses import pressed
from monitoring.watch.verdict import Switch, headline
from tests.watch.test_verdict import COOLDOWN, NOW, facts, funnel
from trading.gates.directives import Level
from trading.gates.store import Standing

NOTHING = Standing()
HELD = Standing(Level.NO_NEW_TRADES, ("The exchange's stream is silent",))


def said(standing=NOTHING, **changes):
    seen = facts(**changes)
    return pressed(headline(seen), seen, standing)


def links(one):
    return [action.href for action in one.actions]


def test_without_a_directive_the_headline_stays_as_it_is():
    seen = facts(funnel(signals=5, traded=2, rejected=3, reasons=(replace(COOLDOWN, n=3),)))
    one = headline(seen)
    assert pressed(one, seen, NOTHING) == one


def test_a_directive_is_the_headline_where_all_else_is_quiet():
    one = said(HELD, seen=funnel(signals=5, traded=5))
    assert (one.state, one.tone, one.sentence) == ("held", "warn", "No new trades: The exchange's stream is silent.")
    assert one.explanation.startswith("5 signals in the last hour, 5 trades.")
    assert "/incidents/" in links(one)


def test_a_worse_headline_stays_and_names_the_directive_under_it():
    one = said(HELD, switch=Switch("halted", NOW, "mira", "waiting"))
    assert one.state == "halted"
    assert "No new trades: The exchange's stream is silent." in one.explanation
    assert links(one) == ["/diagnosis/#cause", "/incidents/", "/policy/"]


def test_half_the_size_is_told_and_takes_no_headline():
    one = said(Standing(Level.REDUCED), seen=funnel(signals=5, traded=5))
    assert one.state == "trading" and "Entries at half their size." in one.explanation


def test_the_cause_comes_first_then_the_setting_of_the_dominant_reason():
    seen = funnel(signals=198, rejected=198, reasons=(replace(COOLDOWN, n=198),))
    one = said(seen=seen, knob=Knob("QT_COOLDOWN_SECONDS", 7200, 120, "7,200 s", "120 s"))
    assert links(one)[:2] == ["/diagnosis/#cause", "/settings/#QT_COOLDOWN_SECONDS"] and len(links(one)) == 3


def test_where_all_is_well_nobody_is_sent_to_a_cause():
    assert "/diagnosis/#cause" not in links(said(seen=funnel(signals=5, traded=5)))


def test_nothing_to_press_is_offered_twice():
    for changes in ({"champions": 0}, {"candle_at": None}, {"seen": funnel()}):
        found = links(said(HELD, **changes))
        assert len(found) == len(set(found))
