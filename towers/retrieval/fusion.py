"""Fusion of the sources' lists by a fixed rule, for use without a reranker.

Also selects the candidates where the sources find more than can be reranked.
"""

from __future__ import annotations

import numpy as np

from towers.indexes.lexical_index import CODE_SCORE

_RANK_OFFSET = 60.0
_LEARNT_WEIGHT = 0.3
_SEMANTIC_WEIGHT = 0.8
"""Weights relative to the lexical score; tuned on judged queries of a hardware shop."""
_LEAST_BEST = 0.05
_CODE_WEIGHT = 1.0 + 2.0 * (_LEARNT_WEIGHT + _SEMANTIC_WEIGHT)
"""More than all else can make up for, vectors that point the other way included."""


def fused_ranks(ranks: np.ndarray) -> np.ndarray:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009).

    Args:
        ranks: ``[n, sources] int32`` rank in each source from 0, −1 where it did not find the item.

    Returns:
        ``[n] float32``.
    """
    shares = np.where(ranks >= 0, 1.0 / (_RANK_OFFSET + ranks), 0.0)
    return shares.sum(axis=1).astype(np.float32)


def fused_scores(
    lexical: np.ndarray,
    learnt: np.ndarray,
    semantic: np.ndarray,
    listed: slice | np.ndarray = slice(None),
) -> np.ndarray:
    """Weighted sum of the scores of a search, each normalised by its maximum; product codes first.

    Unlike ranks, scores tell a clear winner from near-equal items.

    Args:
        lexical: ``[n] float32``, 0 where no word matches.
        learnt, semantic: ``[n] float32`` cosines; ``semantic`` zeros where it is absent.
        listed: The items whose best scores are the maxima.

    Returns:
        ``[n] float32``.
    """
    is_code = lexical >= CODE_SCORE
    of_words = _over_best(np.mod(lexical, np.float32(CODE_SCORE)), listed)
    of_learnt, of_text = _over_best(learnt, listed), _over_best(semantic, listed)
    vectors = _LEARNT_WEIGHT * of_learnt + _SEMANTIC_WEIGHT * of_text
    return np.asarray(_CODE_WEIGHT * is_code + of_words + vectors, np.float32)


def _over_best(scores: np.ndarray, listed: slice | np.ndarray) -> np.ndarray:
    """Scores as shares of the best, down to −1; a best cosine near 0 says nothing and stays small."""
    best = max(float(scores[listed].max(initial=0.0)), _LEAST_BEST)
    return np.maximum(scores / np.float32(best), np.float32(-1))
