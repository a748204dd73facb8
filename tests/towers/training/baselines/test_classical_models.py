"""Every classical model learns what it can express, and answers in shares of one."""

from __future__ import annotations

import numpy as np
import pytest

from towers.training.baselines.classical_models import CLASSICAL, fit_model


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("class_count", [2, 3])
def test_a_model_learns_classes_apart(name: str, class_count: int) -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, class_count, 900)
    centres = np.eye(class_count, 3)[labels] * 4.0
    # The last column is constant, as a type of event that a shop does not have.
    features = np.column_stack([centres + rng.normal(size=(900, 3)), np.ones(900)])
    held_out = slice(600, None)
    scores = fit_model(
        name, features[:600], labels[:600], (features[600:700], labels[600:700]), seed=1
    )
    shares = scores(features[held_out])
    assert shares.shape == (300, class_count)
    assert shares.sum(axis=1) == pytest.approx(np.ones(300))
    assert (shares > 0).all()
    assert (shares.argmax(axis=1) == labels[held_out]).mean() > 0.9


def test_the_margins_of_the_svm_are_scaled_on_training_where_validation_lacks_a_class() -> None:
    features = np.linspace(-1, 1, 100)[:, None]
    labels = (features[:, 0] > 0).astype(np.int64)
    only_ones = (features[60:], labels[60:])
    shares = fit_model("linear_svm", features, labels, only_ones, seed=0)(features)
    assert shares[0, 1] < 0.2 and shares[-1, 1] > 0.8
