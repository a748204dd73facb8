"""Trains the reranker on lists of candidates."""

from __future__ import annotations

from towers.config import RerankConfig
from towers.datasets.ranking_lists import Lists
from towers.models.deep_cross import DeepCross, ListwiseReranker
from towers.models.fitting import Curves, Progress, fit
from towers.models.legacy_keras import keras


def train_reranker(
    lists: Lists,
    validation: Lists,
    config: RerankConfig,
    *,
    seed: int,
    progress: Progress | None = None,
) -> tuple[DeepCross, Curves]:
    """Trains until the validation loss stops falling; keeps the weights of the best epoch.

    Args:
        lists: Every list holds at least one relevant candidate.
        validation: Later in time; if it is empty, all epochs are run.
    """
    keras.utils.set_random_seed(seed)
    rows = lists.features[lists.present]
    model = ListwiseReranker(DeepCross(config, rows.mean(axis=0), rows.std(axis=0)))
    curves = fit(
        model,
        lists.columns,
        validation.columns,
        batch_size=config.batch_size,
        epoch_limit=config.epoch_limit,
        patience=config.patience,
        learning_rate=config.learning_rate,
        seed=seed,
        progress=progress,
    )
    return model.deep_cross, curves
