"""LambdaMART (Burges 2010, MSR-TR-2010-82) by LightGBM, where that is installed."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from towers.datasets.ranking_lists import Lists
from towers.ranking.features import FEATURE_NAMES

FILE_NAME = "lambda_mart.txt"

_PACKAGE = "lightgbm"
_TREE_LIMIT = 300
_PATIENCE = 25
_CUT = 10
_SETTINGS: dict[str, Any] = {
    "objective": "lambdarank",
    "metric": "ndcg",
    "eval_at": [_CUT],
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 63,
    "lambdarank_truncation_level": 2 * _CUT,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def is_installed() -> bool:
    """Whether LightGBM is installed."""
    return importlib.util.find_spec(_PACKAGE) is not None


class LambdaMart:
    """Boosted trees that were trained on the reranker's lists.

    Args:
        text: LightGBM's own format, which holds no code.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._trees = _lightgbm().Booster(model_str=text)

    @classmethod
    def train(cls, lists: Lists, validation: Lists, *, seed: int) -> LambdaMart:
        """Adds trees until NDCG@10 of ``validation`` no longer rises; all of them if it is empty.

        An item is relevant as for the other classical models.
        """
        lightgbm = _lightgbm()
        training = _dataset(lists)
        later, stop = [], []
        if validation.count:
            later = [_dataset(validation, training)]
            stop = [lightgbm.early_stopping(_PATIENCE, verbose=False)]
        settings = {**_SETTINGS, "seed": seed}
        trees = lightgbm.train(settings, training, _TREE_LIMIT, valid_sets=later, callbacks=stop)
        return cls(trees.model_to_string(num_iteration=trees.best_iteration or -1))

    @classmethod
    def load(cls, folder: Path) -> LambdaMart | None:
        """The trees of a bundle's training half; None where there are none, or no LightGBM."""
        path = folder / FILE_NAME
        if not (path.exists() and is_installed()):
            return None
        return cls(path.read_text(encoding="utf-8"))

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores of ``features [n, features]``, ``[n] float64``; larger is better."""
        scores: np.ndarray = self._trees.predict(features, num_threads=1)
        return scores


def _lightgbm() -> Any:
    # Imported where it is used: it is optional, and loads a library of its own.
    return importlib.import_module(_PACKAGE)


def _dataset(lists: Lists, reference: Any = None) -> Any:
    # Backwards: lists begin with what is relevant, and LightGBM leaves equal scores in their order.
    backwards = np.s_[:, ::-1]
    present = lists.present[backwards]
    return _lightgbm().Dataset(
        lists.features[backwards][present],
        lists.is_relevant[backwards][present].astype(np.int32),
        group=present.sum(axis=1),
        reference=reference,
        feature_name=list(FEATURE_NAMES),
    )
