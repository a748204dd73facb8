"""Trains the two towers on examples and says how well they rank what was wanted."""

from __future__ import annotations

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
    has_log: bool = True,
    progress: Progress | None = None,
) -> tuple[TwoTower, Curves]:
    """Trains until the validation loss stops falling, and keeps the best epoch's weights.

    Args:
        examples: To learn from.
        validation: Later in time than ``examples``; may be empty, then all epochs are run.
        tokens: ``[items, slots] int32`` of the whole catalogue.
        words: First vectors of words; None starts from chance.
        has_log: Whether ``examples`` tell what shoppers really wanted, item by item.
    """
    keras.utils.set_random_seed(config.seed)
    model = TwoTower(config, tokens, target_shares(examples.targets, len(tokens)))
    if words is not None:
        model.start_from(words)
    if not has_log:
        # Judged and made queries and made visits name too few items: vectors of their own would
        # only learn by heart which ones, and push all others away from every query.
        model.candidate_tower.leave_out_items()
        # Likewise the words of an item that nobody has judged yet are no sign against it.
        model.compare_only(examples.targets[examples.targets >= 0])
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
        is_lazy=model.rivals is not None,
        progress=progress,
    )
    return model, curves


def refresh_towers(
    model: TwoTower, examples: Examples, config: Config, *, progress: Progress | None = None
) -> None:
    """Takes trained towers once more over ``examples``, more gently, so that they know the newest.

    Args:
        examples: All that they have learnt from, and what has come since.
    """
    training = config.retrieval
    model.expect_targets(target_shares(examples.targets, model.item_count))
    if model.rivals is not None:
        model.compare_only(examples.targets[examples.targets >= 0])
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
        is_lazy=model.rivals is not None,
        progress=progress,
    )


def target_shares(targets: np.ndarray, item_count: int) -> np.ndarray:
    """How likely each item is to be the target of an example of which one target is drawn.

    Args:
        targets: ``[examples, k] int32`` item rows, −1 where there are fewer.

    Returns:
        ``[items] float64``, which sum to 1, or to 0 without examples.
    """
    present = targets >= 0
    # However many an example has, a step draws one of them, all of them as likely.
    weights = np.broadcast_to(1.0 / np.maximum(present.sum(axis=1), 1)[:, None], targets.shape)
    counts = np.bincount(targets[present], weights=weights[present], minlength=item_count)
    return counts / max(1, len(targets))


def _lengths(examples: Examples) -> np.ndarray:
    """How many slots each example fills, which is what a step over it costs."""
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
        wanted = tf.gather(scores, part["targets"][:, :1], batch_dims=1)
        ranks.append(tf.reduce_sum(tf.cast(scores > wanted, tf.int64), axis=1).numpy())
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
