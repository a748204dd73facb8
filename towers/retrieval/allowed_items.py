"""Which items an answer may show, decided here alone.

An item is shown if the shop lists it, the request's mask holds it, no rule hides it, the request
does not exclude it, and the visitor is not done with it: has not bought what people do not buy
again. What is in the basket or on the page already, a request excludes.
"""

from __future__ import annotations

import numpy as np

from towers.catalog.items import Catalog
from towers.retrieval.rank_request import RankRequest
from towers.retrieval.sparse_scores import SparseScores

_NARROW_ROWS = 20_000
"""Up to this many allowed items are all scored; beyond, the sources fetch more and filter."""


class AllowedItems:
    """Which rows may be shown.

    Args:
        mask: ``[rows] bool``; None: all that are listed.
        excluded: ``[n] int64`` rows, in any order.
    """

    def __init__(self, catalog: Catalog, mask: np.ndarray | None, excluded: np.ndarray) -> None:
        self._listed = catalog.listed[: catalog.count]
        self._mask = mask
        self._mask_count = 0 if mask is None else int(np.count_nonzero(mask))
        self._excluded = np.sort(excluded)

    @classmethod
    def of(cls, catalog: Catalog, rank_request: RankRequest) -> AllowedItems:
        """Those that a request may be answered with."""
        mask, hidden = rank_request.mask, rank_request.hidden
        if hidden is not None:
            mask = (catalog.listed[: catalog.count] if mask is None else mask).copy()
            both = min(len(mask), len(hidden))
            mask[:both] &= ~hidden[:both]
        excluded = rank_request.excluded
        if len(rank_request.done_with):
            excluded = np.concatenate([excluded, rank_request.done_with])
        return cls(catalog, mask, excluded)

    @property
    def is_narrow(self) -> bool:
        """Whether the mask leaves so few rows that all of them may be scored one by one."""
        return self._mask is not None and self._mask_count <= _NARROW_ROWS

    def rows(self) -> np.ndarray:
        """All allowed rows, ascending."""
        return self.only(np.flatnonzero(self._listed if self._mask is None else self._mask))

    def flags(self) -> np.ndarray:
        """``[rows] bool``, true where a row may be shown."""
        flags: np.ndarray = (self._listed if self._mask is None else self._mask).copy()
        flags[self._excluded[self._excluded < len(flags)]] = False
        return flags

    def count(self) -> int:
        """How many items may be shown in all."""
        flags = self._listed if self._mask is None else self._mask
        inside = np.unique(self._excluded[self._excluded < len(flags)])
        return int(np.count_nonzero(flags)) - int(np.count_nonzero(flags[inside]))

    def widened(self, count: int) -> int:
        """How many to fetch so that about ``count`` are left after filtering."""
        count += len(self._excluded)
        if self._mask is None:
            return count
        share = self._mask_count / max(1, len(self._mask))
        return int(min(len(self._mask), 2 * count / max(share, 1e-4)))

    def only(self, rows: np.ndarray) -> np.ndarray:
        """The allowed ones among ``rows``, in their order."""
        return rows[self._are(rows)]

    def top(self, scores: SparseScores, count: int) -> np.ndarray:
        """The allowed rows of the largest scores, best first."""
        kept = self._are(scores.rows)
        return SparseScores(scores.rows[kept], scores.values[kept]).top(count)

    def _are(self, rows: np.ndarray) -> np.ndarray:
        kept = _flags(self._listed, rows)
        if self._mask is not None:
            kept &= _flags(self._mask, rows)
        if len(self._excluded):
            place = np.searchsorted(self._excluded, rows)
            kept &= self._excluded[np.minimum(place, len(self._excluded) - 1)] != rows
        return kept


def _flags(flags: np.ndarray, rows: np.ndarray) -> np.ndarray:
    if not len(flags):
        return np.zeros(len(rows), bool)
    # An item that came in since the flags were read is not among them.
    found: np.ndarray = flags.take(rows, mode="clip") & (rows < len(flags))
    return found
