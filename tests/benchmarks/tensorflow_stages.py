"""The model stages of a request in TensorFlow: query tower, ScaNN's operation, deep & cross.

One graph, compiled by ``tf.function``, with one thread, as is best for one request at a time. The
layers have the sizes of the bundle's models and untrained weights, which take the same time. Features
of the candidates are given, and there is no other source of candidates, no session, page or message.
Reads one JSON line at a time from standard input: how many requests; writes their times in seconds.
Argument: the bundle.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from towers.config import Config, config_from
from towers.models.deep_cross import DeepCross
from towers.models.legacy_keras import tf, tfrs
from towers.models.two_tower import QueryTower
from towers.ranking.features import FEATURE_NAMES
from towers.sessions.query_input import PADDING_TYPE

CANDIDATE_COUNT = 128
PAGE_SIZE = 20


class ModelStages(tf.Module):
    """From the input of the query tower to a page of rows."""

    def __init__(self, config: Config, embeddings: np.ndarray) -> None:
        super().__init__()
        count = len(embeddings)
        leaf_count = int(np.sqrt(count))
        self.tower = QueryTower(config)
        self.reranker = DeepCross(
            config.rerank, np.zeros(len(FEATURE_NAMES)), np.ones(len(FEATURE_NAMES))
        )
        self.index = tfrs.layers.factorized_top_k.ScaNN(
            k=CANDIDATE_COUNT,
            num_leaves=leaf_count,
            num_leaves_to_search=max(1, leaf_count // 10),
            num_reordering_candidates=4 * CANDIDATE_COUNT,
        )
        self.index.index(tf.constant(embeddings), tf.range(count))

    @tf.function
    def page(self, inputs: dict[str, tf.Tensor], features: tf.Tensor) -> tf.Tensor:
        """``[page] int32`` rows of the best candidates."""
        query = self.tower(inputs)
        _, rows = self.index(query)
        scores = self.reranker(features)
        return tf.gather(rows[0], tf.math.top_k(scores, PAGE_SIZE).indices)


def random_inputs(config: Config, embeddings: np.ndarray, rng: np.random.Generator) -> Any:
    """The input of a session of eight views and a search, as the query tower names it."""
    slots, dim = config.towers.event_slot_count, config.towers.dim
    event_count = min(8, slots)
    events = np.zeros((1, slots, dim), np.float32)
    events[0, :event_count] = embeddings[rng.integers(len(embeddings), size=event_count)]
    types = np.full((1, slots), PADDING_TYPE, np.int32)
    types[0, :event_count] = 1
    tokens = np.zeros((1, config.text.query_slot_count), np.int32)
    tokens[0, :4] = rng.integers(1, config.text.bucket_count, 4)
    return {
        "event_embeddings": events,
        "event_types": types,
        "event_ages": rng.random((1, slots), np.float32),
        "event_dwells": np.zeros((1, slots), np.float32),
        "text_slot": np.zeros(1, np.int32),
        "tokens": tokens,
        "taste": np.zeros((1, dim), np.float32),
    }


def main(bundle: Path) -> None:
    """Serves standard input."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    config = config_from(json.loads((bundle / "config.json").read_text(encoding="utf-8")))
    embeddings = np.load(bundle / "sources" / "learnt" / "embeddings.npy", allow_pickle=False)
    stages, rng = ModelStages(config, embeddings), np.random.default_rng(1)
    for line in sys.stdin:
        times = []
        for _ in range(json.loads(line)["count"]):
            inputs = random_inputs(config, embeddings, rng)
            features = rng.standard_normal((CANDIDATE_COUNT, len(FEATURE_NAMES)), np.float32)
            start = time.perf_counter()
            stages.page(inputs, features).numpy()
            times.append(time.perf_counter() - start)
        print(json.dumps(times), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
