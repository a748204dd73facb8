"""The items that an answer may show; this is decided here only.

An item is allowed if it is listed, in the request's mask, not hidden by a rule, not excluded by the
request (as items in the basket or on the page are), of what the placement shows, and not a past
purchase of the visitor that is rarely bought again.
Completion asks here too; beyond that it suggests only what is in stock.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from towers.catalog.items import Catalog
from towers.compiled import BOOL, I64, compiled, inlined, read, written
from towers.read_only import read_only
from towers.retrieval.hashed_sums import position_of
from towers.retrieval.rank_request import RankRequest
from towers.retrieval.sparse_scores import SparseScores

_NO_FLAGS = read_only(np.zeros(0, bool))
_NARROW_ROWS = 20_000
"""Up to this many allowed items all are scored; beyond, sources overfetch and filter."""


class AllowedItems:
    """The rows that may be shown.

    Args:
        mask: ``[rows] bool``; None: all listed items.
        excluded: ``[n] int64`` rows, in any order.
    """

    def __init__(self, catalog: Catalog, mask: np.ndarray | None, excluded: np.ndarray) -> None:
        self._listed = catalog.listed[: catalog.count]
        self._mask = mask
        self._excluded = np.sort(excluded) if len(excluded) > 1 else excluded
        # What compiled loops are given.
        has_mask = mask is not None
        self._flags = (self._listed, has_mask, mask if has_mask else _NO_FLAGS, self._excluded)

    @classmethod
    def of(cls, catalog: Catalog, rank_request: RankRequest) -> AllowedItems:
        """The allowed items of a request."""
        mask = rank_request.mask
        for hidden in (rank_request.hidden, rank_request.outside):
            if hidden is not None:
                mask = (catalog.listed[: catalog.count] if mask is None else mask).copy()
                both = min(len(mask), len(hidden))
                mask[:both] &= ~hidden[:both]
                if hidden is rank_request.outside:
                    # What a placement shows is chosen: an item added since then was not.
                    mask[both:] = False
        excluded = rank_request.excluded
        if len(rank_request.already_bought):
            excluded = np.concatenate([excluded, rank_request.already_bought])
        return cls(catalog, mask, excluded)

    @cached_property
    def _mask_count(self) -> int:
        return 0 if self._mask is None else int(np.count_nonzero(self._mask))

    @property
    def is_narrow(self) -> bool:
        """Whether the mask leaves so few rows that all of them can be scored."""
        return self._mask is not None and self._mask_count <= _NARROW_ROWS

    @property
    def is_everything(self) -> bool:
        """Whether all listed items are allowed."""
        return self._mask is None and not len(self._excluded)

    def rows(self) -> np.ndarray:
        """All allowed rows, ascending; read-only, since several sources ask for them."""
        return self._rows

    @cached_property
    def _rows(self) -> np.ndarray:
        flags = self._listed if self._mask is None else self._mask
        return read_only(self.only(np.flatnonzero(flags)))

    def flags(self) -> np.ndarray:
        """``[rows] bool``, true where a row may be shown."""
        flags: np.ndarray = (self._listed if self._mask is None else self._mask).copy()
        flags[self._excluded[self._excluded < len(flags)]] = False
        return flags

    def count(self) -> int:
        """Number of allowed items."""
        flags = self._listed if self._mask is None else self._mask
        if not len(self._excluded):
            return int(np.count_nonzero(flags))
        inside = np.unique(self._excluded[self._excluded < len(flags)])
        return int(np.count_nonzero(flags)) - int(np.count_nonzero(flags[inside]))

    def widened(self, count: int) -> int:
        """Number to fetch so that about ``count`` are left after filtering."""
        count += len(self._excluded)
        if self._mask is None:
            return count
        share = self._mask_count / max(1, len(self._mask))
        return int(min(len(self._mask), 2 * count / max(share, 1e-4)))

    def only(self, rows: np.ndarray) -> np.ndarray:
        """The allowed ones of ``rows``, in their order."""
        allowed: np.ndarray = _only(*self._flags, rows)
        return allowed

    def top(self, scores: SparseScores, count: int) -> np.ndarray:
        """The allowed rows of the largest scores, best first."""
        kept = self.has(scores.rows)
        return SparseScores(scores.rows[kept], scores.values[kept]).top(count)

    def has(self, rows: np.ndarray) -> np.ndarray:
        """Which of ``rows`` are allowed, ``[n] bool``."""
        is_allowed: np.ndarray = _has(*self._flags, rows)
        return is_allowed


@inlined
def _is_allowed(
    listed: np.ndarray, has_mask: bool, mask: np.ndarray, excluded: np.ndarray, row: int
) -> bool:
    # Items added since the flags were read are beyond their end: not allowed.
    if row < 0 or row >= len(listed) or not listed[row]:
        return False
    if has_mask and (row >= len(mask) or not mask[row]):
        return False
    place = position_of(excluded, row)
    return bool(place == len(excluded) or excluded[place] != row)


_FLAGS = (read(BOOL), BOOL, read(BOOL), read(I64))


@compiled(written(BOOL), *_FLAGS, read(I64))
def _has(
    listed: np.ndarray, has_mask: bool, mask: np.ndarray, excluded: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    is_allowed = np.empty(len(rows), np.bool_)
    for place in range(len(rows)):
        is_allowed[place] = _is_allowed(listed, has_mask, mask, excluded, rows[place])
    return is_allowed


@compiled(written(I64), *_FLAGS, read(I64))
def _only(
    listed: np.ndarray, has_mask: bool, mask: np.ndarray, excluded: np.ndarray, rows: np.ndarray
) -> Any:
    allowed, count = np.empty(len(rows), np.int64), 0
    for row in rows:
        if _is_allowed(listed, has_mask, mask, excluded, row):
            allowed[count] = row
            count += 1
    return allowed[:count]
