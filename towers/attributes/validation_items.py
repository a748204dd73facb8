"""Which held-out items are as unlike the learnt ones as the items to be filled are.

A catalogue has near-copies: a shoe in ten sizes. A held-out item with a near-copy among those learnt from
is told too well to say what models are worth on items that have none, such as those of a new supplier.
So where items to fill have fewer near-copies, as many of the held-out items that have one are left out
(matching on a covariate, Rosenbaum and Rubin 1985).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from towers.attributes.item_features import View

NEAR = 0.8
"""Cosine of words and vector from which on an item is a near-copy of another."""
_SAMPLE = 500
_LEAST = 30
_TOLERANCE = 0.1
"""Difference of the shares up to which all held-out items count: two samples of 500 differ by less."""
_CHUNK = 256


@dataclass(frozen=True)
class NearCopies:
    """How many items have a near-copy among those learnt from.

    Args:
        held_out, to_fill: Shares of the held-out items, and of those to be filled.
    """

    held_out: float
    to_fill: float

    @property
    def is_alike(self) -> bool:
        """Whether held-out items tell what models are worth on the others as they are."""
        return self.held_out <= self.to_fill + _TOLERANCE


def near_copies_of(
    view: View, learnt: np.ndarray, held_out: np.ndarray, asked: np.ndarray, *, seed: int
) -> NearCopies | None:
    """The shares, of at most 500 items each; None where there are too few to tell.

    Args:
        learnt, held_out, asked: ``[n] int64`` rows of the view.
    """
    if min(len(learnt), len(held_out), len(asked)) < _LEAST:
        return None
    rng = np.random.default_rng(seed)
    of_held_out, of_asked = (
        float(np.mean(_has_near_copy(view, rng.permutation(rows)[:_SAMPLE], learnt)))
        for rows in (held_out, asked)
    )
    return NearCopies(of_held_out, of_asked)


def matched(
    view: View, learnt: np.ndarray, held_out: np.ndarray, copies: NearCopies, *, seed: int
) -> np.ndarray:
    """``[n] int64`` those of ``held_out`` of which as many have near-copies as of the items to fill."""
    near = _has_near_copy(view, held_out, learnt)
    alone = np.count_nonzero(~near)
    if copies.to_fill >= 1.0:
        return held_out
    kept_count = round(alone * copies.to_fill / (1.0 - copies.to_fill))
    kept = np.random.default_rng(seed).permutation(np.flatnonzero(near))[:kept_count]
    return held_out[np.sort(np.concatenate([np.flatnonzero(~near), kept]))]


def _has_near_copy(view: View, rows: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """``[n] bool``; by words, and by vectors where an item has no words."""
    words = view.words[learnt].T.tocsc()
    vectors = _unit(view.vectors[learnt]).T
    has_words = np.diff(view.words.indptr) > 0
    found = np.zeros(len(rows), bool)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        by_words = sparse.csr_matrix(view.words[part] @ words).max(axis=1).toarray()[:, 0]
        by_vectors = (_unit(view.vectors[part]) @ vectors).max(axis=1)
        # Both: products of one title have pictures of their own.
        near = (by_words >= NEAR) & (by_vectors >= NEAR)
        found[start : start + _CHUNK] = np.where(has_words[part], near, by_vectors >= NEAR)
    return found


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit
