"""What the books' rows amount to, and what the canary's runs do: pure, on a fake clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from monitoring.watch import money, money_words, slippage
from monitoring.watch.money import Day, Money, Proof
from monitoring.watch.slippage import Exit
from trading.orders import proving
from trading.positions import books

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
LINE = {"kind": "COMMISSION", "symbol": "BTC/USDT:USDT", "ours": "-1.23", "theirs": "-1.25", "explained": "0"}


def day(back, state="ok", lines=(), **changes):
    worst = max((abs(Decimal(line["difference"])) for line in lines), default=Decimal(0))
    one = Day(date(2026, 3, 9) - timedelta(days=back), state, state != "unknown", Decimal(1), Decimal(1), Decimal(0),
              worst, tuple(lines), (), NOW - timedelta(minutes=2), NOW)  # fmt: skip
    return replace(one, **changes)


def days(*states):
    return Money(days=tuple(day(back, state) for back, state in enumerate(states)))


def run(hours, outcome="ok", code="", n=1):
    at = NOW - timedelta(hours=hours)
    return Proof(n, at, outcome, code, "beat", at if outcome else None, "BTC/USDT:USDT", "ccxt 4.5.90", ())


def proven(*runs):
    last = next((one.finished_at for one in runs if one.outcome == "ok"), None)
    return Money(runs=runs, last_ok=last)


@pytest.mark.parametrize(
    ("seen", "state", "code"),
    [
        (Money(), "unknown", "books-never"),
        (days("unknown"), "unknown", "books-young"),
        (days("unknown", "ok", "ok"), "ok", "books-agree"),
        (days("unknown", "unknown", "ok"), "unknown", "books-unsettled"),
    ],
)
def test_the_verdict_of_the_days(seen, state, code):
    said = money.agreement(seen, NOW)
    assert (said.state, said.code) == (state, code)
    assert money_words.sentence(said)


def test_a_difference_beats_everything_and_names_day_kind_symbol_and_both_numbers():
    wrong = day(3, "fail", [LINE | {"difference": "-0.02"}])
    seen = Money(days=(day(0, "unknown"), day(1), day(2), wrong))
    said = money.agreement(seen, NOW)
    assert (said.state, said.code) == ("fail", "books-differ")
    text = money_words.sentence(said)
    assert text == "0.02 USDT apart on 6 March: fees of BTC/USDT, ours −1.23, the exchange's −1.25."


def test_the_streak_ends_at_a_day_that_did_not_agree():
    assert money.streak(days("unknown", "ok", "ok", "fail", "ok").days) == 2


def test_books_that_nobody_has_compared_lately_are_unknown():
    old = tuple(replace(day(n), checked_at=NOW - timedelta(minutes=17)) for n in range(3))
    said = money.agreement(Money(days=old), NOW)
    assert (said.state, said.code) == ("unknown", "books-old")
    assert money_words.sentence(said) == "Our books were last compared 17\u00a0min ago, limit 16\u00a0min."


@pytest.mark.parametrize(
    ("seen", "state", "code"),
    [
        (proven(), "unknown", "stops-never-proven"),
        (proven(run(2)), "ok", "stops-proven"),
        (proven(run(26)), "ok", "stops-proven"),
        (proven(run(26.1)), "unknown", "stops-proof-old"),
        (proven(run(1, "fail", "place -4120"), run(25)), "fail", "stops-broken"),
        (proven(run(0.1, "unknown", "trigger not_triggered"), run(1, "fail", "place -4120")), "fail", "stops-broken"),
        (proven(run(1), run(25, "fail", "place -4120")), "ok", "stops-proven"),
        (proven(run(1, "unknown", "place -1008"), run(25)), "ok", "stops-proven"),
        (proven(run(1, "unknown", "place -1008")), "unknown", "stops-never-proven"),
        (proven(run(0, ""), run(3)), "ok", "stops-proven"),
        (Money(proves=False), "unknown", "stops-not-proven-here"),
    ],
)
def test_the_verdict_of_the_canary(seen, state, code):
    said = money.contract(seen, NOW)
    assert (said.state, said.code) == (state, code)
    assert money_words.proof(said).endswith(".")


def test_every_kind_note_and_step_has_words():
    assert set(books.COMPARED) | {books.TRADES} == set(money_words.KINDS)
    assert set(proving.STEPS) == set(money_words.STEPS)
    for code in money_words.NOTES:
        note = {"code": code, "kind": "COMMISSION", "symbol": "BTC/USDT:USDT", "asset": "USDT", "amount": "-1.5"}
        assert money_words.note(note).startswith("Fees −1.50 USDT")
    assert money_words.step({"code": "refused", "facts": {"message": "moved (-4120)"}}) == "refused: moved (-4120)"
    assert money_words.step({"code": "refused", "facts": {}}) == "refused: %(message)s"


def test_what_a_run_came_to_is_told_in_words_and_with_its_numbers():
    steps = ({"step": "trigger", "outcome": "unknown", "code": "not_triggered", "facts": {"seconds": 20}},)
    seen = proven(replace(run(1, "unknown", "trigger not_triggered"), steps=steps))
    assert money_words.proof(money.contract(seen, NOW)).endswith(
        "the last one: Let one trigger: the price did not move far enough within 20 s."
    )
    assert money_words.trouble("trigger not_triggered") == "Let one trigger"
    assert money_words.trouble("place -4120") == "Place a stop: -4120"
    assert money_words.trouble("died") == "its process ended before the check did"


def exit_(filled, type_="STOP", kind="stop", side="sell", trigger="100"):
    return Exit(1, "BTC/USDT:USDT", kind, type_, side, Decimal(trigger), None, Decimal(filled), Decimal(2), NOW)


def test_slippage_is_what_is_worse_than_the_trigger_for_both_sides():
    assert exit_("99.9").bps == 10 and exit_("100.1").bps == -10
    assert exit_("100.1", side="buy").bps == 10 and exit_("99.9").cost == Decimal("0.2")


def test_plans_are_compared_by_their_exits():
    found = slippage.plans([exit_("99"), exit_("99.9"), exit_("99.8"), exit_("98", "STOP_MARKET"),
                            exit_("95", "STOP_MARKET", "backstop")])  # fmt: skip
    assert [(p.name, p.n, p.middle, p.worst) for p in found] == [
        ("stop_limit", 3, 20, 100), ("stop_market", 1, 200, 200), ("backstop", 1, 500, 500),
    ]  # fmt: skip
    assert not found[0].enough and slippage.plans([]) == []
