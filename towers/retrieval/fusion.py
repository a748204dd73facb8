"""Fusion of the sources' lists by a fixed rule, for use without a reranker.

Also selects the candidates where the sources find more than can be reranked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from towers.compiled import F32, NONE, compiled, inlined, read, written
from towers.indexes.lexical_index import CODE_SCORE

_RANK_OFFSET = 60.0
_LEARNT_WEIGHT, _SEMANTIC_WEIGHT = np.float32(0.3), np.float32(0.8)
"""Weights relative to the lexical score; tuned on judged queries of a hardware shop."""
_LEAST_BEST = np.float32(0.05)
_CODE_WEIGHT = np.float32(1.0 + 2.0 * (0.3 + 0.8))
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


@inlined
def _over_best(score: Any, best: Any) -> Any:
    """A score as a share of the best, down to −1; a best cosine near 0 says nothing and stays small."""
    return max(score / max(best, _LEAST_BEST), np.float32(-1))


@inlined
def fused_score(is_code: bool, lexical: Any, learnt: Any, semantic: Any, bests: np.ndarray) -> Any:
    """Weighted sum of an item's scores, each as a share of the best; product codes first.

    Args:
        bests: ``[3] float32`` best lexical, learnt and semantic score of the list.
    """
    of_words = _over_best(lexical, bests[0])
    vectors = _LEARNT_WEIGHT * _over_best(learnt, bests[1])
    vectors += _SEMANTIC_WEIGHT * _over_best(semantic, bests[2])
    return _CODE_WEIGHT * np.float32(is_code) + of_words + vectors


def fused_scores(lexical: np.ndarray, learnt: np.ndarray, semantic: np.ndarray) -> np.ndarray:
    """``fused_score`` of the items of a search, relative to the best of them.

    Unlike ranks, scores tell a clear winner from near-equal items.

    Args:
        lexical: ``[n] float32``, 0 where no word matches.
        learnt, semantic: ``[n] float32`` cosines; ``semantic`` zeros where it is absent.

    Returns:
        ``[n] float32``.
    """
    is_code = lexical >= CODE_SCORE
    of_words = np.mod(lexical, np.float32(CODE_SCORE))
    scores = np.zeros(len(lexical), np.float32)
    _fuse(is_code.astype(np.float32), of_words, learnt, semantic, scores)
    return scores


@compiled(NONE, read(F32), read(F32), read(F32), read(F32), written(F32))
def _fuse(
    is_code: np.ndarray,
    lexical: np.ndarray,
    learnt: np.ndarray,
    semantic: np.ndarray,
    scores: np.ndarray,
) -> None:
    bests = np.zeros(3, np.float32)
    for position in range(len(scores)):
        bests[0] = max(bests[0], lexical[position])
        bests[1] = max(bests[1], learnt[position])
        bests[2] = max(bests[2], semantic[position])
    for position in range(len(scores)):
        scores[position] = fused_score(
            is_code[position] > 0,
            lexical[position],
            learnt[position],
            semantic[position],
            bests,
        )
