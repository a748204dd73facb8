"""Both networks tell classes by one token, and by vectors where there are no tokens."""

from __future__ import annotations

import numpy as np
import pytest

from towers.models.predictors.attribute_network import NETWORKS, TrainedAttributeNetwork


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_reads_tokens_and_vectors(name: str) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    tokens = np.zeros((400, 5), np.int32)
    tokens[:, 0] = rng.integers(4, 20, 400)
    vectors = np.zeros((400, 6), np.float32)
    # Half of the examples tell their class by a token, the other half by a vector.
    tokens[:200, 1] = labels[:200] + 1
    vectors[200:, :3] = np.eye(3)[labels[200:]]
    columns = {"tokens": tokens, "vectors": vectors, "labels": labels}
    training = {key: np.concatenate([one[:150], one[200:350]]) for key, one in columns.items()}
    table = rng.normal(size=(20, 8)).astype(np.float32)
    network = TrainedAttributeNetwork(name, 3, table, training, seed=1)
    for held_out in (slice(150, 200), slice(350, 400)):
        asked = {"tokens": tokens[held_out], "vectors": vectors[held_out]}
        assert (network.logits(asked).argmax(axis=1) == labels[held_out]).mean() > 0.8
