"""The ensemble: every symbol is believed in, flat, or absent with a code; who answers nonsense doesn't vote."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.champions import market, spec
from tests.forecast.test_features import mirrored
from trading.codes import Code
from trading.exchange.venue import Side
from trading.feed.candles import Book
from trading.forecast.calibration import Blend, Platt
from trading.forecast.ensemble import Ensemble, Member, predict
from trading.forecast.labels import stop_distance
from trading.forecast.learners import LEARNERS, Learner
from trading.forecast.training import Trained

PLAIN = Blend((0.0, 1.0, 0.0, 0.0))


def ensemble_of(trained: Trained) -> Ensemble:
    return Ensemble(
        tuple(
            Member(LEARNERS[one.kind], "1", LEARNERS[one.kind].load(one.content), one.platt) for one in trained.models
        ),
        trained.blend,
        spec(),
    )


def saying(answer: Callable[[np.ndarray], np.ndarray], kind: str = "oracle") -> Member:
    """A member whose model is a function of the rows."""
    learner = Learner(kind, "", lambda *_: None, lambda _: b"", lambda _: None, lambda _, rows: answer(rows))
    return Member(learner, "1", None, Platt(1.0, 0.0))


def halves(long: float, short: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: np.repeat([long, short], len(rows) // 2)


def council(*members: Member) -> Ensemble:
    return Ensemble(members, PLAIN, spec())


def judged(ensemble: Ensemble, book: Book):
    return predict(ensemble, book, book.last + book.step)


@pytest.fixture(scope="module")
def book() -> Book:
    return market(6, 300, seed=4)


def test_every_symbol_is_believed_in_flat_or_absent(trained):
    book = market(8, 400, seed=9)
    book.values[0, -1] = np.nan  # its newest candle did not come
    book.values[1, -50] = np.nan  # a gap: 49 candles since
    book.values[2, :-100] = np.nan  # listed lately
    forecast = judged(ensemble_of(trained), book)
    assert forecast.absent == {
        "C0/USDT:USDT": Code.FEED_STALE,
        "C1/USDT:USDT": Code.INSUFFICIENT_HISTORY,
        "C2/USDT:USDT": Code.INSUFFICIENT_HISTORY,
    }
    named = [*(b.symbol for b in forecast.beliefs), *forecast.flat, *forecast.absent]
    assert sorted(named) == sorted(book.symbols)
    assert forecast.beliefs
    assert forecast.alarms == ()


def test_four_models_vote_on_every_belief_each_with_its_version(trained, book):
    for belief in judged(ensemble_of(trained), book).beliefs:
        assert {vote.kind for vote in belief.votes} == set(LEARNERS)
        assert all(vote.version == "1" and 0 < vote.probability < 1 for vote in belief.votes)
        assert belief.agreement == sum(vote.side == belief.side for vote in belief.votes) / 4
        assert belief.excluded == ()


def test_a_belief_carries_price_stop_distance_and_costs(book):
    (belief, *_) = judged(council(saying(halves(0.4, 0.2))), book).beliefs
    close = book.values[0, -1, 3]
    assert belief.price == Decimal(str(float(close)))
    assert belief.r == stop_distance(np.array(belief.atr), np.array(close), spec())
    assert belief.cost_r == pytest.approx(spec().round_trip * close / belief.r)
    assert belief.at == book.last + book.step
    assert (belief.side, belief.confidence) == (Side.LONG, 0.4)


@pytest.mark.parametrize(
    ("long", "short", "signals"),
    [(0.2858, 0.2, 6), (0.2856, 0.2, 0), (0.2, 0.2858, 6), (0.3, 0.3, 0)],  # break-even is 1 / 3.5; a tie is no belief
)
def test_a_signal_is_the_better_side_where_it_breaks_even(book, long, short, signals):
    forecast = judged(council(saying(halves(long, short))), book)
    assert len(forecast.beliefs) == signals
    assert len(forecast.flat) == 6 - signals


def test_what_is_flat_leans_to_a_side_below_break_even(trained):
    ensemble = ensemble_of(trained)
    forecast = judged(replace(ensemble, spec=replace(ensemble.spec, target_r=0.6)), market(symbols=4, bars=400))
    assert forecast.flat, "with a target of 0.6 R an entry breaks even at 0.625 only"
    assert set(forecast.leanings) == set(forecast.flat)
    assert all(p < 0.625 for _, p in forecast.leanings.values())
    assert forecast.highest == max(
        [*(b.confidence for b in forecast.beliefs), *(p for _, p in forecast.leanings.values())]
    )


@pytest.mark.parametrize(
    "answer",
    [
        lambda rows: np.full(len(rows), np.nan),
        lambda rows: np.full(len(rows), np.inf),
        lambda rows: np.r_[1.05, np.full(len(rows) - 1, 0.3)],
        lambda rows: np.full(len(rows), -0.01),
        lambda rows: np.full(len(rows) - 1, 0.3),
        lambda rows: np.full((len(rows), 2), 0.3),
    ],
    ids=["nan", "inf", "above one", "below zero", "too few", "two columns"],
)
def test_an_answer_that_is_no_probability_excludes_the_model_and_alarms(book, answer):
    forecast = judged(council(saying(halves(0.4, 0.2)), saying(answer, "broken")), book)
    assert [vote.kind for vote in forecast.beliefs[0].votes] == ["oracle"]
    assert [no.kind for no in forecast.beliefs[0].excluded] == ["broken"]
    assert forecast.beliefs[0].agreement == 1
    assert "broken 1 does not vote" in forecast.alarms[0]


def test_with_nobody_left_symbols_are_absent_never_flat(book):
    forecast = judged(council(saying(lambda rows: rows[:, 0] * np.nan)), book)
    assert set(forecast.absent.values()) == {Code.MODEL_OUTPUT_INVALID}
    assert not forecast.flat
    assert not forecast.beliefs


def test_each_model_is_asked_once_for_all_symbols_and_both_sides(book):
    asked: list[tuple[int, ...]] = []
    predict(
        council(saying(lambda rows: asked.append(rows.shape) or halves(0.3, 0.2)(rows))), book, book.last + book.step
    )
    assert [rows for rows, _ in asked] == [12]


def test_no_direction_is_favoured(trained):
    """In the mirrored market every belief is the opposite one, with the same confidence."""
    book, ensemble = market(12, 400, seed=6), ensemble_of(trained)
    sides = {b.symbol: (b.side, b.confidence) for b in judged(ensemble, book).beliefs}
    other = {b.symbol: (b.side, b.confidence) for b in judged(ensemble, mirrored(book)).beliefs}
    assert {side for side, _ in sides.values()} == {Side.LONG, Side.SHORT}
    assert {s: (side.opposite, pytest.approx(c, abs=2e-5)) for s, (side, c) in sides.items()} == other


def test_the_same_book_gives_the_same_forecast(trained, book):
    ensemble = ensemble_of(trained)
    assert judged(ensemble, book) == judged(ensemble, book)


def test_votes_do_not_depend_on_which_symbols_are_late(trained, book):
    """Only the market's medians move: who is here is judged all the same."""
    values = book.values.copy()
    values[0, -1] = np.nan
    forecast = judged(ensemble_of(trained), replace(book, values=values))
    assert len(forecast.beliefs) + len(forecast.flat) == 5


def test_a_bar_that_is_not_over_is_not_judged(book):
    with pytest.raises(ValueError, match="closes at"):
        predict(council(saying(halves(0.4, 0.2))), book, book.last + book.step - timedelta(seconds=1))
