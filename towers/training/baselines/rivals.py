"""What a bundle's training half holds to be compared with on the reranker's candidates and features."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from towers.ranking.litert_models import LiteModel, Reranker
from towers.training.baselines.classical import NAMES, classical_scores, load_classical
from towers.training.baselines.lambda_mart import LambdaMart

Scorer = Callable[[np.ndarray], np.ndarray]
"""``[n, features] float32`` to ``[n]`` scores; larger is better."""

LAMBDA_MART = "lambda_mart"
SEED = "reranker_seed_"
"""A reranker that was trained as the one that is served, but from another seed, has this name and the
seed; so has its file."""


def load_rivals(folder: Path) -> dict[str, Scorer]:
    """The models of a bundle's training half, by name.

    None of them where no reranker was trained, and no LambdaMART without LightGBM.
    """
    rivals: dict[str, Scorer] = {}
    weights = load_classical(folder)
    if weights is not None:
        rivals |= {name: partial(_classical, weights, name) for name in NAMES}
    trees = LambdaMart.load(folder)
    if trees is not None:
        rivals[LAMBDA_MART] = trees.scores
    for path in sorted(folder.glob(f"{SEED}*.tflite")):
        rivals[path.stem] = Reranker(LiteModel.load(path)).scores
    return rivals


def _classical(weights: np.ndarray, name: str, features: np.ndarray) -> np.ndarray:
    return classical_scores(weights, features)[name]
