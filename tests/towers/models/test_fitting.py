"""Loss curves: the gap between training and validation, and when a model overfits."""

from __future__ import annotations

import numpy as np
import pytest

from towers.config import RerankConfig
from towers.datasets.ranking_lists import Lists
from towers.models.fitting import Curves
from towers.ranking.features import FEATURE_NAMES
from towers.training.reranker_training import train_reranker


def test_a_model_overfits_when_it_goes_on_learning_and_later_data_rank_worse() -> None:
    curves = Curves((3.0, 2.0, 1.0), (2.5, 2.25, 2.5))
    assert curves.best_epoch == 1
    assert curves.gap == pytest.approx(0.25)
    assert curves.overfits
    assert curves.summary() == (
        "from epoch 2 to 3 the training loss went from 2.000 to 1.000, "
        "the validation loss from 2.250 to 2.500; epoch 2 was kept"
    )


@pytest.mark.parametrize(
    ("training", "validation"),
    [
        ((3.0, 2.0, 1.0), (2.5, 2.0, 1.9)),  # Still getting better.
        ((3.0, 2.0, 1.9), (2.5, 2.0, 2.019)),  # Worse by less than 1 %: may be chance.
        ((3.0, 2.0, 2.1), (2.5, 2.0, 2.5)),  # Learns nothing any more: that is another trouble.
        ((3.0, 2.0), ()),  # Nothing was held out.
        ((), ()),
    ],
)
def test_nothing_else_is_called_overfitting(
    training: tuple[float, ...], validation: tuple[float, ...]
) -> None:
    assert not Curves(training, validation).overfits


def test_a_gap_needs_a_validation_loss() -> None:
    assert Curves((3.0, 2.0), ()).gap is None
    assert Curves((), ()).gap is None


@pytest.mark.parametrize("has_meaning", [True, False])
def test_a_net_that_memorises_noise_is_caught_and_one_that_learns_the_rule_is_not(
    has_meaning: bool,
) -> None:
    rng = np.random.default_rng(11)
    features = np.zeros((400, 6, len(FEATURE_NAMES)), np.float32)
    features[..., :5] = rng.normal(size=(400, 6, 5))
    deciding = features[..., 0] if has_meaning else rng.normal(size=(400, 6))
    labels = (deciding == deciding.max(axis=1, keepdims=True)).astype(np.float32)
    lists = Lists(features, labels, np.ones(labels.shape, bool))
    config = RerankConfig(
        hidden_dims=(64,), dropout=0.0, epoch_limit=12, patience=12, learning_rate=0.01
    )
    _, curves = train_reranker(
        lists.part(slice(0, 200)), lists.part(slice(200, 400)), config, seed=1
    )
    assert curves.overfits is not has_meaning
