"""Trains the two towers and reports how well they rank the withheld targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from towers.config import Config
from towers.datasets.examples import Examples
from towers.models.fitting import Curves, Progress, batches, fit
from towers.models.legacy_keras import keras, tf
from towers.models.two_tower import TwoTower
from towers.sessions.query_input import PADDING_TYPE
from towers.text.tokens import PADDING
from towers.text.word_vectors import WordVectors


def train_towers(
    examples: Examples,
    validation: Examples,
    tokens: np.ndarray,
    config: Config,
    *,
    words: WordVectors | None = None,
    modalities: Mapping[str, np.ndarray] | None = None,
    has_log: bool = True,
    progress: Progress | None = None,
) -> tuple[TwoTower, Curves]:
    """Trains until the validation loss stops falling; keeps the weights of the best epoch.

    Args:
        examples: Training examples.
        validation: Later in time than ``examples``; if it is empty, all epochs are run.
        tokens: ``[items, slots] int32`` of the whole catalogue.
        modalities: ``[items, modality_dim] float32`` by modality, as in ``CandidateTower``.
        words: Pretrained word vectors; None initialises words at random.
        has_log: Whether ``examples`` come from a log that is large enough to train ID embeddings.
    """
    keras.utils.set_random_seed(config.seed)
    shares = target_shares(examples.targets, len(tokens))
    model = TwoTower(config, tokens, shares, modalities=modalities)
    if words is not None:
        model.initialise_words(words)
    if not has_log:
        # Judged queries, synthetic queries and synthetic sessions cover too few items: ID
        # embeddings would memorise those and push all other items away from every query.
        model.candidate_tower.drop_id_embeddings()
        # For the same reason an item without judgments must not serve as a negative.
        model.restrict_negatives(examples.targets[examples.targets >= 0])
    training = config.retrieval
    step_count = max(1, -(-examples.count // training.batch_size))
    curves = fit(
        model,
        {**examples.inputs, "targets": examples.targets},
        {**validation.inputs, "targets": validation.targets},
        batch_size=training.batch_size,
        epoch_limit=max(1, min(training.epoch_limit, -(-training.step_limit // step_count))),
        patience=training.patience,
        learning_rate=training.learning_rate,
        seed=config.seed,
        lengths=_lengths(examples),
        is_lazy=model.negative_rows is not None,
        progress=progress,
    )
    return model, curves


def refresh_towers(
    model: TwoTower, examples: Examples, config: Config, *, progress: Progress | None = None
) -> None:
    """Fine-tunes trained towers on ``examples`` at a lower learning rate, to include the newest data.

    Args:
        examples: All earlier training examples and the newer ones.
    """
    training = config.retrieval
    model.set_target_shares(target_shares(examples.targets, model.item_count))
    if model.negative_rows is not None:
        model.restrict_negatives(examples.targets[examples.targets >= 0])
    fit(
        model,
        {**examples.inputs, "targets": examples.targets},
        {"targets": examples.targets[:0]},
        batch_size=training.batch_size,
        epoch_limit=training.refresh_epoch_count,
        patience=training.patience,
        learning_rate=training.learning_rate * training.refresh_learning_share,
        seed=config.seed + 1,
        lengths=_lengths(examples),
        is_lazy=model.negative_rows is not None,
        progress=progress,
    )


def target_shares(targets: np.ndarray, item_count: int) -> np.ndarray:
    """Probability of each item to be the target when one target is sampled per example.

    Args:
        targets: ``[examples, k] int32`` item rows, −1 where there are fewer.

    Returns:
        ``[items] float64``, which sum to 1, or to 0 without examples.
    """
    present = targets >= 0
    # A step samples one of an example's targets uniformly.
    weights = np.broadcast_to(1.0 / np.maximum(present.sum(axis=1), 1)[:, None], targets.shape)
    counts = np.bincount(targets[present], weights=weights[present], minlength=item_count)
    return counts / max(1, len(targets))


def _lengths(examples: Examples) -> np.ndarray:
    """Filled slots of each example, a measure of its cost in a step."""
    inputs = examples.inputs
    events = (inputs["event_types"] != PADDING_TYPE).sum(axis=1)
    words = (inputs["tokens"] != PADDING).sum(axis=1)
    bought = (inputs["history_rows"] >= 0).sum(axis=1)
    return np.asarray(events + words + bought, np.int32)


def target_ranks(model: TwoTower, examples: Examples) -> np.ndarray:
    """Rank (from 0) of each example's first target among all items, ``[examples] int64``."""
    items = model.candidate_tower.all()
    ranks = []
    for part in batches({**examples.inputs, "targets": examples.targets}, 256):
        queries = model.query_embeddings(
            part,
            tf.gather(items, tf.maximum(part["event_rows"], 0)),
            tf.gather(items, tf.maximum(part["history_rows"], 0)),
        )
        scores = tf.matmul(queries, items, transpose_b=True)
        of_target = tf.gather(scores, part["targets"][:, :1], batch_dims=1)
        ranks.append(tf.reduce_sum(tf.cast(scores > of_target, tf.int64), axis=1).numpy())
    return np.concatenate(ranks) if ranks else np.zeros(0, np.int64)


def rank_report(model: TwoTower, validation: Examples) -> dict[str, Any]:
    """Recall of the towers alone on held-out examples, browse and search apart."""
    if not validation.count:
        return {}
    ranks = target_ranks(model, validation)
    searched = validation.inputs["text_slot"] >= 0
    report: dict[str, Any] = {}
    for name, part in (("browse", ranks[~searched]), ("search", ranks[searched])):
        if len(part):
            report[name] = {
                "examples": len(part),
                "recall_at_10": float((part < 10).mean()),
                "recall_at_100": float((part < 100).mean()),
            }
    return report
