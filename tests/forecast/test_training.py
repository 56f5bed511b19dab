"""Training: folds that know only their past, figures on what came after, and no skill where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from tests.champions import market, spec, train_small
from trading.forecast.learners import SMALL
from trading.forecast.training import TooLittle, folds, pairs, train


def test_no_fold_learns_from_a_label_that_reaches_into_it():
    bars = np.repeat(np.arange(100, 1100), 3)
    for seen, fold in folds(bars, 3, horizon=48):
        assert bars[seen].max() + 48 < bars[fold].min()
        assert bars[seen].min() == 100


def test_the_folds_follow_each_other_to_the_end():
    bars = np.arange(100, 1100)
    scored = [bars[fold] for _, fold in folds(bars, 4, horizon=48)]
    assert [part[0] for part in scored[1:]] == [part[-1] + 1 for part in scored[:-1]]
    assert scored[-1][-1] == 1099


def test_each_row_is_learnt_from_as_long_and_mirrored_as_short():
    known = pairs(market(2, 500), spec(), SMALL)
    rows, wanted = known.stacked()
    n = len(known.bars)
    assert rows.shape[0] == len(wanted) == 2 * n
    assert np.array_equal(np.abs(rows[:n]), np.abs(rows[n:]))
    assert np.array_equal(wanted[n:], known.labels[:, 1])


def test_a_sample_is_no_larger_than_asked_for_and_keeps_the_order_of_time():
    known = pairs(market(4, 700), spec(), replace(SMALL, rows=500))
    assert len(known.bars) == 500
    assert (np.diff(known.bars) >= 0).all()


def test_trends_are_found_and_the_figures_say_so(trained):
    assert len(trained.models) == 4
    for model in trained.models:
        assert model.out_of_sample["auc"] > 0.55
        assert {"log_loss", "base_log_loss", "brier", "base_brier", "n", "hits"} <= model.out_of_sample.keys()
        assert model.reliability
    assert trained.ensemble["log_loss"] < trained.ensemble["base_log_loss"]
    assert trained.ensemble["hits"]["0.32"]["n"] > 100


def test_where_there_is_nothing_to_find_hardly_anything_is_promised():
    trained = train_small(market(drift=0.0, seed=5))
    assert trained.ensemble["hits"]["0.38"]["n"] < 0.02 * trained.ensemble["n"]


def test_the_same_history_gives_the_same_models(trained):
    again = train_small(market())
    assert again.blend == trained.blend
    assert [m.platt for m in again.models] == [m.platt for m in trained.models]
    assert [m.content for m in again.models if m.suffix != "skops"] == [
        m.content for m in trained.models if m.suffix != "skops"
    ]


def test_progress_only_grows_and_ends_at_one():
    said: list[tuple[str, float]] = []
    train(market(4, 700), spec(), SMALL, lambda stage, share: said.append((stage, share)))
    shares = [share for _, share in said]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len({stage for stage, _ in said}) > 8


@pytest.mark.parametrize("bars", [1, 100, 270, 330])
def test_too_little_history_is_said_not_learnt_from(bars):
    with pytest.raises(TooLittle):
        train_small(market(3, bars))


def test_out_of_sample_rows_are_never_learnt_from():
    """Whatever happens in the newest fifth, the models are the same; only their figures differ."""
    book = market(4, 900)
    values = book.values.copy()
    values[:, 780:, :4] = values[:, 780:, :4][:, ::-1]
    one, other = train_small(book), train_small(replace(book, values=values))
    assert [m.platt for m in one.models] == [m.platt for m in other.models]
    assert one.models[0].content == other.models[0].content
    assert one.ensemble != other.ensemble
