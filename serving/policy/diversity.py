"""Diversity: maximal marginal relevance over item embeddings (Carbonell and Goldstein 1998)."""

from __future__ import annotations

import numpy as np

WINDOW = 50
"""Results at the head of a list that are put in another order; those behind keep their places."""


def diverse_order(
    scores: np.ndarray, embeddings: np.ndarray, diversity: float, *, kinds: np.ndarray | None = None
) -> np.ndarray:
    """The order of a list's head by maximal marginal relevance.

    Greedy: the next item is the one with the largest ``(1 − diversity) · relevance − diversity ·
    similarity``, where relevance is the score scaled to 0 to 1 within the window, and similarity the
    largest cosine to the items before it. The first stays first; ties go to the higher score.

    Args:
        scores: ``[n] float32``, falling.
        embeddings: ``[n, dim] float32`` unit rows.
        diversity: 0 to 1; 0 changes nothing.
        kinds: ``[n] bool``; every place goes to an item of the kind that stands there now. None: all are
            of one kind.

    Returns:
        ``[n] int64`` present positions in the new order.
    """
    count = min(WINDOW, len(scores))
    order = np.arange(len(scores))
    if diversity <= 0 or count < 2:
        return order
    head = scores[:count].astype(np.float64)
    spread = head.max() - head.min()
    relevance = (head - head.min()) / spread if spread > 0 else np.zeros(count)
    cosines = embeddings[:count].astype(np.float64)
    cosines = cosines @ cosines.T
    kind = np.zeros(count, bool) if kinds is None else kinds[:count]
    # Of nothing chosen yet nothing is similar: the first is the most relevant.
    similarity = np.zeros(count)
    is_left = np.ones(count, bool)
    for place in range(count):
        value = (1 - diversity) * relevance - diversity * similarity
        chosen = int(np.where(is_left & (kind == kind[place]), value, -np.inf).argmax())
        order[place] = chosen
        is_left[chosen] = False
        similarity = cosines[chosen] if place == 0 else np.maximum(similarity, cosines[chosen])
    return order
