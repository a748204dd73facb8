"""Networks of behaviour: what each reads, and that empty slots count for nothing."""

from __future__ import annotations

import numpy as np
import pytest

from towers.models.predictors.behaviour_network import NETWORKS, BehaviourNetwork, TrainedNetwork

Columns = dict[str, np.ndarray]


def columns(count: int, *, seed: int, slot_count: int = 5) -> Columns:
    """The label is whether the oldest of one to five events is positive: only the order tells it."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, slot_count + 1, count)
    present = np.arange(slot_count) < lengths[:, None]
    facts = np.where(present[..., None], rng.normal(size=(count, slot_count, 2)), 0.0)
    oldest = facts[np.arange(count), lengths - 1, 0]
    return {
        "summary": rng.normal(size=(count, 3)).astype(np.float32),
        "facts": facts.astype(np.float32),
        "present": present,
        "labels": (oldest > 0).astype(np.int64),
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_what_lies_in_empty_slots_changes_nothing(name: str) -> None:
    data = columns(40, seed=1)
    network = BehaviourNetwork(name, 2, data, seed=2)
    noise = np.where(data["present"][..., None], data["facts"], np.float32(7.0))
    one = network(data).numpy()
    assert one.shape == (40, 2)
    assert network({**data, "facts": noise}).numpy() == pytest.approx(one, abs=1e-5)
    events_matter = np.abs(network({**data, "facts": -data["facts"]}).numpy() - one).max() > 1e-3
    assert events_matter == (name != "dnn")


def test_the_order_of_events_is_learnt_by_those_that_read_them() -> None:
    training, validation, test = (columns(n, seed=n) for n in (1_500, 300, 400))
    network = TrainedNetwork("gru", 2, training, validation, seed=3)
    right = network.logits(test).argmax(axis=1) == test["labels"]
    assert right.mean() > 0.85


def test_a_place_without_a_candidate_is_never_chosen() -> None:
    data = columns(30, seed=4)
    rng = np.random.default_rng(5)
    listed = np.arange(4) < rng.integers(1, 5, 30)[:, None]
    data |= {
        "candidates": rng.normal(size=(30, 4, 2)).astype(np.float32),
        "listed": listed,
        "labels": np.zeros(30, np.int64),
    }
    network = BehaviourNetwork("transformer", 0, data, seed=6)
    scores = network(data).numpy()
    assert (np.isfinite(scores) == listed).all()
    assert np.isfinite(network.compute_loss(data).numpy())
