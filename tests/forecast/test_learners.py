"""Four kinds: what is written is what is asked, and what can't be trusted isn't loaded."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from tests.champions import market, spec
from trading.forecast.features import NAMES
from trading.forecast.learners import LEARNERS, SMALL, ModelBroken
from trading.forecast.training import pairs

KINDS = list(LEARNERS)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    return pairs(market(3, 700), spec(), SMALL).stacked()


@pytest.fixture(scope="module")
def files(rows) -> dict[str, bytes]:
    return {kind: learner.dump(learner.fit(*rows, SMALL)) for kind, learner in LEARNERS.items()}


def test_there_are_four_kinds_and_none_is_a_pickle():
    assert len(LEARNERS) == 4
    assert {learner.suffix for learner in LEARNERS.values()} == {"txt", "json", "skops"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_read_back_answers_as_it_did(kind, rows, files):
    learner = LEARNERS[kind]
    fitted = learner.predict(learner.fit(*rows, SMALL), rows[0])
    read = learner.predict(learner.load(files[kind]), rows[0])
    assert np.abs(fitted - read).max() < 1e-6
    assert read.dtype == np.float64
    assert ((read > 0) & (read < 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_and_seed_give_the_same_file(kind, rows, files):
    learner = LEARNERS[kind]
    first = learner.predict(learner.load(files[kind]), rows[0])
    again = learner.predict(learner.load(learner.dump(learner.fit(*rows, SMALL))), rows[0])
    assert np.array_equal(first, again)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_does_not_depend_on_the_batch(kind, rows, files):
    model = LEARNERS[kind].load(files[kind])
    whole = np.round(LEARNERS[kind].predict(model, rows[0][:50]), 6)
    single = np.round([LEARNERS[kind].predict(model, rows[0][i : i + 1])[0] for i in range(50)], 6)
    assert np.abs(whole - single).max() <= 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", ["empty", "half", "pickle", "text"])
def test_a_damaged_file_is_refused(kind, damage, files):
    content = files[kind]
    broken = {"empty": b"", "half": content[: len(content) // 2], "pickle": pickle.dumps([1]), "text": b"model"}
    with pytest.raises(ModelBroken):
        LEARNERS[kind].load(broken[damage])


@pytest.mark.parametrize("kind", ["extratrees", "logistic"])
def test_other_features_are_refused_never_padded_or_cut(kind, rows):
    learner = LEARNERS[kind]
    with pytest.raises(ModelBroken, match="features"):
        learner.load(learner.dump(learner.fit(rows[0][:, :-1], rows[1], SMALL)))


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost"])
def test_features_in_another_order_are_refused(kind, files):
    first, second = NAMES[0].encode(), NAMES[1].encode()
    swapped = files[kind].replace(first, b"@").replace(second, first).replace(b"@", second)
    with pytest.raises(ModelBroken, match="other features"):
        LEARNERS[kind].load(swapped)


@pytest.mark.parametrize("kind", KINDS)
def test_a_matrix_of_another_width_breaks_the_model_and_nothing_else(kind, rows, files):
    with pytest.raises(ModelBroken):
        LEARNERS[kind].predict(LEARNERS[kind].load(files[kind]), rows[0][:5, :-3])


def test_more_trees_are_another_model(rows, files):
    bigger = replace(SMALL, trees=SMALL.trees + 1)
    assert LEARNERS["lightgbm"].dump(LEARNERS["lightgbm"].fit(*rows, bigger)) != files["lightgbm"]
