"""A shop of bare ids whose shoppers go round a ring of items: after item n comes n + 1."""

from __future__ import annotations

import numpy as np

ITEM_COUNT = 30

CONFIG = """
[text]
bucket_count = 256
[towers]
dim = 16
event_slot_count = 6
feedforward_dim = 16
[retrieval]
epoch_limit = 6
batch_size = 64
learning_rate = 0.01
search_example_limit = 0
[rerank]
request_limit = 400
epoch_limit = 4
"""
"""Settings that learn the ring in seconds."""


def walks(count: int, *, seed: int, name: str = "") -> list[str]:
    """Sessions of two to five items, a line each; the ids are ``name`` and a number."""
    draw = np.random.default_rng(seed)
    starts, lengths = draw.integers(0, ITEM_COUNT, count), draw.integers(2, 6, count)
    return [
        " ".join(f"{name}{(start + step) % ITEM_COUNT}" for step in range(length))
        for start, length in zip(starts, lengths, strict=True)
    ]
