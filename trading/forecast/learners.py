"""Four kinds of learner, each a table entry: fit, dump, load, predict. Native formats or skops, never pickle.

Scores are float64 [n], within 0..1 if the model is sound; nobody has calibrated them yet. Training may use several
threads, prediction uses one. Heavy libraries are imported where they are needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trading.forecast.features import NAMES


class ModelBroken(ValueError):
    """A model that can't be loaded or doesn't answer; it is excluded, never replaced by a guess."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much to learn. `rows` counts (symbol, bar) pairs; each gives a row per side."""

    rows: int = 25_000
    trees: int = 80
    forest: int = 60
    folds: int = 3
    threads: int = 1  # on a busy machine a second thread mostly waits for the first, and burns its core meanwhile
    seed: int = 7


SMALL = Size(rows=3_000, trees=15, forest=10, folds=2, threads=1)  # for tests: some two seconds


@dataclass(frozen=True, slots=True)
class Learner:
    """One kind. `fit(rows [n, F], labels [n], size)` gives a model for `dump` and `predict(model, rows)`."""

    kind: str
    suffix: str
    fit: Callable[[np.ndarray, np.ndarray, Size], Any]
    dump: Callable[[Any], bytes]
    load: Callable[[bytes], Any]
    predict: Callable[[Any, np.ndarray], np.ndarray]


# -- LightGBM: text ---------------------------------------------------------------------------------------------------
def _fit_lightgbm(rows: np.ndarray, labels: np.ndarray, size: Size) -> Any:
    import lightgbm

    options = {
        "objective": "binary",
        "learning_rate": 0.04,
        "num_leaves": 5,
        "min_data_in_leaf": max(20, len(rows) // 40),
        "feature_fraction": 0.5,
        "bagging_fraction": 0.5,
        "bagging_freq": 1,
        "lambda_l2": 20.0,
        "max_bin": 63,
        "num_threads": size.threads,
        "seed": size.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(rows, labels, feature_name=list(NAMES), params=options)
    return lightgbm.train(options, data, num_boost_round=size.trees)


def _dump_lightgbm(model: Any) -> bytes:
    return model.model_to_string().encode()


def _load_lightgbm(content: bytes) -> Any:
    import lightgbm

    try:
        if b"\nend of trees\n" not in content or b"\nend of parameters\n" not in content:
            raise ValueError("it is cut off")  # LightGBM would abort the whole process
        model = lightgbm.Booster(model_str=content.decode())
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise ModelBroken(f"LightGBM can't read it: {error}") from None
    return _checked(model, model.feature_name())


def _predict_lightgbm(model: Any, rows: np.ndarray) -> np.ndarray:
    import lightgbm

    try:
        return np.asarray(model.predict(rows, num_threads=1))
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise ModelBroken(str(error)) from None


# -- XGBoost: JSON (a damaged UBJSON file aborts the whole process) ---------------------------------------------------
def _fit_xgboost(rows: np.ndarray, labels: np.ndarray, size: Size) -> Any:
    import xgboost

    options = {
        "objective": "binary:logistic",
        "eta": 0.04,
        "max_depth": 3,
        "min_child_weight": max(5.0, len(rows) / 200),
        "subsample": 0.5,
        "colsample_bynode": 0.4,
        "lambda": 20.0,
        "max_bin": 64,
        "tree_method": "hist",
        "nthread": size.threads,
        "seed": size.seed,
        "verbosity": 0,
    }
    data = xgboost.QuantileDMatrix(rows, labels, feature_names=list(NAMES), max_bin=64, nthread=size.threads)
    return xgboost.train(options, data, num_boost_round=size.trees)


def _dump_xgboost(model: Any) -> bytes:
    return bytes(model.save_raw("json"))


def _load_xgboost(content: bytes) -> Any:
    import xgboost

    model = xgboost.Booster({"nthread": 1, "verbosity": 0})
    try:
        if "learner" not in json.loads(content):
            raise ValueError("there is no learner in it")
        model.load_model(bytearray(content))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise ModelBroken(f"XGBoost can't read it: {str(error).splitlines()[0]}") from None
    return _checked(model, model.feature_names)


def _predict_xgboost(model: Any, rows: np.ndarray) -> np.ndarray:
    import xgboost

    try:
        return model.inplace_predict(rows, validate_features=False).astype(np.float64)
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise ModelBroken(str(error).splitlines()[0]) from None


# -- scikit-learn: skops ----------------------------------------------------------------------------------------------
def _fit_forest(rows: np.ndarray, labels: np.ndarray, size: Size) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    model = ExtraTreesClassifier(
        size.forest,
        max_depth=6,
        min_samples_leaf=max(10, len(rows) // 200),
        max_features=0.3,
        bootstrap=True,
        max_samples=0.5,
        n_jobs=size.threads,
        random_state=size.seed,
    )
    return model.fit(rows, labels)


def _fit_logistic(rows: np.ndarray, labels: np.ndarray, size: Size) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=40 / len(rows), max_iter=200)).fit(rows, labels)


TRUSTED = ["sklearn.tree._tree.Tree"]


def _dump_skops(model: Any) -> bytes:
    import skops.io

    return skops.io.dumps(model)


def _load_skops(content: bytes) -> Any:
    import zipfile

    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        model = skops.io.loads(content, trusted=TRUSTED)
    except (zipfile.BadZipFile, UntrustedTypesFoundException, ValueError, TypeError, KeyError) as error:
        raise ModelBroken(f"skops can't read it: {error}") from None
    if hasattr(model, "n_jobs"):
        model.set_params(n_jobs=1)
    if getattr(model, "n_features_in_", None) != len(NAMES):
        raise ModelBroken(f"it wants {getattr(model, 'n_features_in_', 'unknown')} features, there are {len(NAMES)}")
    return model


def _predict_sklearn(model: Any, rows: np.ndarray) -> np.ndarray:
    try:
        return model.predict_proba(rows)[:, 1]
    except (ValueError, IndexError) as error:
        raise ModelBroken(str(error).splitlines()[0]) from None


def _checked(model: Any, names: Sequence[str] | None) -> Any:
    if tuple(names or ()) != NAMES:
        raise ModelBroken(f"it was trained on other features ({len(names or ())}, expected {len(NAMES)})")
    return model


LEARNERS: dict[str, Learner] = {
    learner.kind: learner
    for learner in (
        Learner("lightgbm", "txt", _fit_lightgbm, _dump_lightgbm, _load_lightgbm, _predict_lightgbm),
        Learner("xgboost", "json", _fit_xgboost, _dump_xgboost, _load_xgboost, _predict_xgboost),
        Learner("extratrees", "skops", _fit_forest, _dump_skops, _load_skops, _predict_sklearn),
        Learner("logistic", "skops", _fit_logistic, _dump_skops, _load_skops, _predict_sklearn),
    )
}


def warm() -> None:
    """Import every library now (some seconds), so that the first bar need not wait for it."""
    import lightgbm  # noqa: F401
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401
    import skops.io  # noqa: F401
    import xgboost  # noqa: F401
