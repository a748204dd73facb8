"""The ranked shortlist of one request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from towers.retrieval.rank_request import EncodedRequest


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The shortlist of one question, best first.

    Args:
        rows: ``[n] int64`` item rows.
        scores: ``[n] float32`` reranker logits, or fusion scores where it is away; opinions pushed.
        unpushed: ``[n] float32`` the same before opinions against items pushed them down.
        features: ``[n, features] float32``.
        ranks: ``[n, sources] int32`` rank in each source from 0, −1 where it did not find the item.
        reading: The question as it was read.
        missing: Parts that were away.
    """

    rows: np.ndarray
    scores: np.ndarray
    unpushed: np.ndarray
    features: np.ndarray
    ranks: np.ndarray
    encoded: EncodedRequest
    missing: tuple[str, ...]
