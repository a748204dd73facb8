"""Diversity: maximal marginal relevance over item embeddings, ten results at a time.

Carbonell and Goldstein (1998), with the sum of the similarities in place of the largest one, as in
max-sum diversification (Borodin et al. 2012): at the same loss of relevance it puts the items of a page
further apart. At 999 moments of a grocer's last month a diversity of 0.15 costs 2.0 % of the NDCG@10 of
the home page and raises its intra-list distance by 13 %, 0.3 costs 9 % and raises it by 21 %; with the
largest cosine 10 % more distance cost 2.6 %.
"""

from __future__ import annotations

import numpy as np

WINDOW = 50
"""Results at the head of a list that are put in another order; those behind keep their places."""
BLOCK = 10
"""Results that are chosen to be unlike each other, and then ordered by their scores."""


def diverse_order(
    scores: np.ndarray, embeddings: np.ndarray, diversity: float, *, kinds: np.ndarray | None = None
) -> np.ndarray:
    """The order of a list's head by maximal marginal relevance.

    Ten at a time are chosen greedily: the next item is the one with the largest ``(1 − diversity) ·
    relevance − diversity · similarity``, where relevance is the score scaled to 0 to 1 within the
    window, and similarity the sum of its cosines to those of the ten chosen before it; ties go to the
    higher score. Each ten stand in the order of their scores: how far they are apart does not depend on
    it.

    Args:
        scores: ``[n] float32``, falling.
        embeddings: ``[min(n, WINDOW), dim] float32`` unit rows.
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
    spread = head[0] - head[-1]
    relevance = (head - head[-1]) / spread if spread > 0 else np.zeros(count)
    vectors = embeddings[:count].astype(np.float64)
    cosines = vectors @ vectors.T
    kind = np.zeros(count, bool) if kinds is None else kinds[:count]
    is_left = np.ones(count, bool)
    for begin in range(0, count, BLOCK):
        places = np.arange(begin, min(begin + BLOCK, count))
        similarity = np.zeros(count)
        chosen = np.zeros(count, bool)
        for place in places:
            value = (1 - diversity) * relevance - diversity * similarity
            best = int(np.where(is_left & (kind == kind[place]), value, -np.inf).argmax())
            is_left[best], chosen[best] = False, True
            similarity += cosines[best]
        for one in (False, True):
            order[places[kind[places] == one]] = np.flatnonzero(chosen & (kind == one))
    return order
