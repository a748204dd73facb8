"""The match set: all items that a request matches, which facets count and sort orders sort."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from serving.api.requests import Filter, SortOrder
from towers.indexes.item_index import largest
from towers.optional_stages import finite
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import EncodedRequest


@dataclass(frozen=True)
class MatchSet:
    """The match set of one request, under its own filter or another.

    For a browse page, and for a search by conditions alone: all items that pass the filter and are not
    excluded. For any other search: those among them that match the query's words
    (``LexicalIndex.matching_rows``), or, where no item has any of the words, the nearest neighbours of
    the query embedding, ``learnt_count`` of them.
    """

    sources: Sources
    encoded: EncodedRequest

    def under(self, conditions: Filter) -> np.ndarray:
        """``[count] bool``, true where an item matches."""
        catalog = self.sources.catalog
        rank_request = replace(self.encoded.rank_request, mask=catalog.mask(conditions))
        fits = AllowedItems.of(catalog, rank_request).flags()
        if self.encoded.is_search:
            lexical = self.sources.lexical
            rows = (
                lexical.matching_rows(self.encoded.query) if lexical else rank_request.excluded[:0]
            )
            if not len(rows):
                near = replace(self.encoded, rank_request=rank_request)
                rows = self.sources.nearest(near, self.sources.config.learnt_count)
            is_found = np.zeros(len(fits), bool)
            is_found[rows[rows < len(fits)]] = True
            fits &= is_found
        return fits

    def count(self, holding: np.ndarray | None, *, is_relaxed: bool) -> tuple[int, bool]:
        """The size of the match set under the request's own filter, without enumerating it.

        Args:
            holding: The allowed items that hold every word that relaxation left, as
                ``relevance.holding_rows`` gives them.
            is_relaxed: Whether that is less than all of the words, or a synonym in place of one.

        Returns:
            The count, and whether it is a lower bound: where no item has all of the words, the items
            that have any of them are not counted, but only those that hold what relaxation left.
        """
        sources, rank_request = self.sources, self.encoded.rank_request
        allowed = sources.allowed(rank_request)
        if not rank_request.text:
            return allowed.count(), False
        query = self.encoded.query
        if sources.lexical is not None and holding is not None and any(query.rarities):
            if not is_relaxed:
                return len(holding), False
            complete = sources.lexical.complete_rows(query)
            if len(complete):
                return int(np.count_nonzero(allowed.has(complete))), False
            return len(holding), len(holding) > 0
        return min(sources.config.learnt_count, allowed.count()), False

    def counted(self, holding: np.ndarray | None) -> np.ndarray | None:
        """The items that ``count`` counts, ``[count] bool``; None where they are not known."""
        sources, rank_request = self.sources, self.encoded.rank_request
        query, flags = self.encoded.query, self.allowed_flags()
        if not rank_request.text:
            return flags
        if sources.lexical is None or holding is None or not any(query.rarities):
            return None
        complete = sources.lexical.complete_rows(query)
        return flags & _flags(complete if len(complete) else holding, len(flags))

    def holding_flags(self, holding: np.ndarray | None) -> np.ndarray:
        """The items that hold a search's words, ``[count] bool``; all that may be shown without words."""
        flags = self.allowed_flags()
        return flags if holding is None else _flags(holding, len(flags))

    def allowed_flags(self) -> np.ndarray:
        """The items that may be shown, ``[≤ count] bool``."""
        return self.sources.allowed(self.encoded.rank_request).flags()

    def enumerated(
        self, conditions: Filter, order: SortOrder, count: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The match set as flags, and its first ``count`` rows in an order other than relevance."""
        fits = self.under(conditions)
        if order is SortOrder.RELEVANCE:
            return fits, None
        return fits, self.sorted_rows(fits, order, count)

    def sorted_rows(self, fits: np.ndarray, order: SortOrder, count: int) -> np.ndarray:
        """The first ``count`` rows of a match set in an order other than relevance.

        Items without a price or a time come last; ties are in catalogue order.
        """
        rows = np.flatnonzero(fits)
        return rows[largest(self._keys(rows, order), count)]

    def _keys(self, rows: np.ndarray, order: SortOrder) -> np.ndarray:
        catalog = self.sources.catalog
        if order is SortOrder.POPULARITY:
            return finite(self.sources.popularity.at(rows, self.encoded.rank_request.time))
        keys = {
            SortOrder.PRICE_LOW: -catalog.price[rows],
            SortOrder.PRICE_HIGH: catalog.price[rows],
            SortOrder.NEWEST: catalog.created[rows],
        }[order]
        return np.where(np.isnan(keys), -np.inf, keys)


def _flags(rows: np.ndarray, count: int) -> np.ndarray:
    flags = np.zeros(count, bool)
    flags[rows[rows < count]] = True
    return flags
