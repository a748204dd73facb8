"""The TensorFlow side of the comparison runs all of the model stages."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.nearest_neighbours import clustered
from tests.benchmarks.tensorflow_stages import CANDIDATE_COUNT, ModelStages, random_inputs
from towers.config import Config
from towers.ranking.features import FEATURE_NAMES


@pytest.mark.filterwarnings("ignore")
def test_a_page_holds_different_items_near_the_query() -> None:
    config = Config()
    embeddings = clustered(20_000, config.towers.dim, seed=1)
    stages = ModelStages(config, embeddings)
    inputs = random_inputs(config, embeddings, np.random.default_rng(1))
    features = np.random.default_rng(2).random((CANDIDATE_COUNT, len(FEATURE_NAMES)), np.float32)
    page = stages.page(inputs, features).numpy()
    assert len(set(page.tolist())) == 20
    _, candidates = stages.index(stages.tower(inputs))
    best = np.argsort(-stages.reranker(features).numpy())[:20]
    assert set(page.tolist()) == set(candidates.numpy()[0][best].tolist())
    _, found = stages.index(embeddings[:9])
    assert (found.numpy()[:, 0] == np.arange(9)).mean() > 0.5
