"""Hits that lead whatever scores the others have."""

from __future__ import annotations

import numpy as np

CODE_SCORE = 1_000.0
"""Above any BM25 score, so that items whose product code is in the query come first."""


def with_leading(
    leading: tuple[np.ndarray, np.ndarray], best: tuple[np.ndarray, np.ndarray], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Items that lead, then the others of the best, whose scores are scaled below theirs.

    Args:
        leading, best: Rows ``[n] int64`` and scores ``[n] float32``, best first.
        count: Most rows that are returned.
    """
    if not len(leading[0]):
        return best
    others = ~np.isin(best[0], leading[0])
    rows, scores = best[0][others], best[1][others]
    # Product codes stay ahead of all words.
    is_of_words = scores < CODE_SCORE
    limit = np.float32(0.999) * leading[1][-1]
    highest = scores[is_of_words].max(initial=0.0)
    if highest > limit:
        scores = np.where(is_of_words, scores * (limit / highest), scores)
    rows, scores = np.concatenate([leading[0], rows]), np.concatenate([leading[1], scores])
    order = np.argsort(-scores, kind="stable")[:count]
    return rows[order], scores[order]
