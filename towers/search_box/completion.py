"""Completion while typing: popular queries, categories, items."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from towers.indexes.incremental_prefix_index import IncrementalPrefixIndex
from towers.indexes.prefix_index import PrefixIndex, typed_words
from towers.optional_stages import finite
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import RankRequest
from towers.search_box.popular_queries import PopularQueries
from towers.search_box.relaxation import relaxations
from towers.search_box.suggested_names import SuggestedNames
from towers.search_box.suggestions import KINDS, Suggestion, SuggestionKind, suggestion_of
from towers.search_box.weighted_texts import (
    OVERFETCH,
    PREFIX_GAIN,
    WeightedTexts,
    best_texts,
    top_numbers,
)
from towers.sessions.session import Session

_REFRESH_SECONDS = 5.0
_QUICK_ITEM_COUNT = 20_000
"""Up to this many items the weights are computed within a request, in less than a millisecond or two."""
_SEARCHED_GAIN = 10.0
"""Bonus that ranks visitors' queries above names of the catalogue."""
_CACHE_LIMIT = 200_000


class Completion:
    """Suggestions over a catalogue, live changes and new searches included; thread-safe.

    Args:
        sources: Catalogue, lexical index and popularity counts.
        titles: Prefix index of the catalogue's titles by row.
        searched: Queries of the log that enough visitors typed, with their weights.
        visitor_minimum: Least number of distinct visitors of a suggested query.

    Attributes:
        searches: Counts of live searches; None where they are not counted.
    """

    def __init__(
        self,
        sources: Sources,
        titles: PrefixIndex,
        searched: Mapping[str, float],
        *,
        visitor_minimum: int,
    ) -> None:
        self.searches: PopularQueries | None = None
        self._visitor_minimum = visitor_minimum
        self._sources = sources
        self._titles = titles
        self._searched = WeightedTexts.of(searched)
        self._log_searches = searched
        self._new_searches = WeightedTexts.of({})
        self._changed = IncrementalPrefixIndex()
        self._matching_rows: dict[str, np.ndarray] = {}
        self._names = SuggestedNames.of(sources.catalog)
        self._item_weights = np.zeros(0, np.float32)
        self._hidden: np.ndarray | None = None
        self._refreshed_time = -1.0
        self._lock = threading.Lock()
        self._refreshed_time = sources.popularity.newest_time
        self._refresh(self._refreshed_time)

    @property
    def searched(self) -> Mapping[str, float]:
        """Queries of the log with their weights, as saved in a bundle."""
        return self._log_searches

    def put(self, rows: Collection[int]) -> None:
        """Notifies of changed items; ``rows`` are those with a new title. One caller at a time."""
        titles = self._sources.catalog.titles
        self._changed.put({row: titles[row] for row in rows})
        self._matching_rows = {}
        # Here and not where a request finds them missing.
        if not self._names.are_all_of(self._sources.catalog):
            names = SuggestedNames.of(self._sources.catalog)
            with self._lock:
                self._names = names
                self._weigh_names()

    def clear(self) -> None:
        """Clears the cache of matched queries and forces a refresh of the weights."""
        self._matching_rows = {}
        self._refreshed_time = -1.0

    def complete(
        self,
        text: str,
        count: int,
        *,
        kinds: Collection[SuggestionKind] = KINDS,
        time: float,
        hidden: np.ndarray | None = None,
    ) -> tuple[list[Suggestion], str]:
        """At most ``count`` suggestions: queries, then categories, then items.

        The kinds get equal shares; what one kind does not fill goes to the others. Hidden items are
        not suggested, nor are queries, brands and categories that have no others. Words are corrected as
        in a search: where nothing has them, or a title that has them may be misspelt. Where the counts
        fail, their last weights stay; where the lexical index fails, only what needs it is left out.

        Args:
            hidden: ``[rows] bool``, true where a rule hides an item everywhere; None: nothing is.

        Returns:
            The suggestions, each kind by falling weight, and the corrected text: empty where the
            text as typed has suggestions.
        """
        typed = typed_words(text)
        if not typed or count < 1:
            return [], ""
        with self._lock:
            self._refresh_if_due(time)
            if not _is_same(hidden, self._hidden):
                self._hidden = hidden
                self._matching_rows = {}
                self._weigh_names()
        found = self._of_kinds(typed, count, kinds)
        if len(found) == count:
            return found, ""
        corrected: list[str] = self._sources.stages.run(
            "lexical", lambda: [self._corrected(word) for word in typed], [*typed], []
        )
        if corrected == typed:
            return found, ""
        shown = {(one.kind, one.text) for one in found}
        others = self._of_kinds(corrected, count, kinds)
        more = [one for one in others if (one.kind, one.text) not in shown]
        both = sorted((found + more)[:count], key=lambda one: one.kind)
        return both, "" if found else " ".join(corrected)

    def _of_kinds(
        self, typed: Sequence[str], count: int, kinds: Collection[SuggestionKind]
    ) -> list[Suggestion]:
        finders: dict[SuggestionKind, Callable[[Sequence[str], int], list[Suggestion]]] = {
            SuggestionKind.QUERY: self._queries,
            SuggestionKind.CATEGORY: self._categories,
            SuggestionKind.ITEM: self._items,
        }
        lists = [finders[kind](typed, count) for kind in KINDS if kind in kinds]
        shares = [0] * len(lists)
        left = min(count, sum(map(len, lists)))
        while left:
            for position, found in enumerate(lists):
                if left and len(found) > shares[position]:
                    shares[position] += 1
                    left -= 1
        return [one for position, found in enumerate(lists) for one in found[: shares[position]]]

    def _queries(self, typed: Sequence[str], count: int) -> list[Suggestion]:
        scored: dict[str, float] = {}
        for texts in (self._searched, self._new_searches):
            for number, score in best_texts(texts.index, texts.weights, typed, OVERFETCH * count):
                query = texts.texts[number]
                scored[query] = max(scored.get(query, 0.0), score + _SEARCHED_GAIN)
        names_by_kind = (
            (self._names.brands, self._names.brands_index, self._brand_weights),
            (self._names.path_names, self._names.paths_index, self._path_weights),
        )
        for names, index, weights in names_by_kind:
            for number, score in best_texts(index, weights, typed, count):
                query = names[number].lower()
                scored[query] = max(scored.get(query, 0.0), score)
        found: list[Suggestion] = []

        def has_match(query: str) -> bool:
            stages = self._sources.stages
            return stages.run("lexical", lambda: self._has_match(query), False, [])

        for query in sorted(scored, key=lambda query: (-scored[query], query)):
            if scored[query] < _SEARCHED_GAIN or has_match(query):
                found.append(suggestion_of(SuggestionKind.QUERY, query, typed))
            if len(found) == count:
                break
        return found

    def _categories(self, typed: Sequence[str], count: int) -> list[Suggestion]:
        names = self._names
        return [
            suggestion_of(
                SuggestionKind.CATEGORY,
                names.paths[number][-1],
                typed,
                category=names.paths[number],
            )
            for number, _ in best_texts(names.paths_index, self._path_weights, typed, count)
        ]

    def _items(self, typed: Sequence[str], count: int) -> list[Suggestion]:
        catalog = self._sources.catalog
        old, old_first = self._titles.find(typed)
        new, new_first = self._changed.find(typed)
        kept = ~self._changed.has(old)
        rows = np.concatenate([old[kept].astype(np.int64), new])
        is_first = np.concatenate([old_first[kept], new_first])
        kept = self._allowed().has(rows) & catalog.in_stock[rows]
        rows, is_first = rows[kept], is_first[kept]
        inside = np.minimum(rows, len(self._item_weights) - 1)
        weights = np.where(rows < len(self._item_weights), self._item_weights[inside], 0.0)
        # Of items with the same title the most popular one.
        by_title: dict[str, int] = {}
        for row, _ in top_numbers(rows, weights + PREFIX_GAIN * is_first, OVERFETCH * count):
            by_title.setdefault(catalog.titles[row], row)
        return [
            suggestion_of(
                SuggestionKind.ITEM,
                title,
                typed,
                item_id=catalog.item_ids[row],
                category=catalog.category(row),
            )
            for title, row in list(by_title.items())[:count]
        ]

    def _corrected(self, word: str) -> str:
        indexes = (
            self._titles,
            self._changed,
            self._names.paths_index,
            self._names.brands_index,
            self._searched.index,
            self._new_searches.index,
        )
        if self._sources.lexical is None:
            return word
        corrector = self._sources.lexical.rewriter.corrector
        if any(index.knows(word) for index in indexes):
            return corrector.meant(word)
        for prefix in corrector.prefix_corrections(word):
            if any(index.knows(prefix) for index in indexes):
                return prefix
        return word

    def _has_match(self, query: str) -> bool:
        """Whether an item that may be shown has all words of a query as typed."""
        catalog, lexical = self._sources.catalog, self._sources.lexical
        if lexical is None:
            return False
        # The cache of the index as it is now: a change of the catalogue brings another one.
        cache = self._matching_rows
        rows = cache.get(query)
        # Cached matches; looked up again only when all of them are unlisted.
        if rows is not None and (not len(rows) or catalog.listed[rows].any()):
            return bool(len(rows))
        matched: list[np.ndarray] = []
        allowed = self._allowed()

        def only_allowed(found: np.ndarray) -> np.ndarray:
            matched.append(allowed.only(found))
            return matched[-1]

        relaxed = relaxations(lexical, lexical.parse(query), only_allowed)
        # A copy, so that the slice does not keep the whole array alive.
        rows = np.zeros(0, np.int64) if relaxed else matched[-1][:3].copy()
        if len(cache) >= _CACHE_LIMIT:
            cache.clear()
        cache[query] = rows
        return bool(len(rows))

    def _allowed(self) -> AllowedItems:
        request = RankRequest(Session.empty(""), 0.0, hidden=self._hidden)
        return AllowedItems.of(self._sources.catalog, request)

    def _refresh_if_due(self, time: float) -> None:
        """Refreshes the weights; of many items in a thread of their own, while the old ones serve."""
        if 0 <= time - self._refreshed_time < _REFRESH_SECONDS:
            return
        is_first = self._refreshed_time < 0
        # Before the refresh, so that no other request starts one.
        self._refreshed_time = time
        if is_first or self._sources.catalog.count <= _QUICK_ITEM_COUNT:
            self._refresh(time)
        else:
            threading.Thread(target=self._refresh_aside, args=(time,)).start()

    def _refresh(self, time: float) -> None:
        """Recomputes the weights and the popular live queries."""
        self._item_weights = self._new_weights(time)
        self._weigh_names()
        self._count_searches()

    def _refresh_aside(self, time: float) -> None:
        """The same, with as little as possible while others wait."""
        weights = self._new_weights(time)
        names, hidden = self._names, self._hidden
        of_names = self._weights_of(names, weights)
        with self._lock:
            self._item_weights = weights
            if names is self._names and hidden is self._hidden:
                self._path_weights, self._brand_weights = of_names
            else:
                self._weigh_names()
        self._count_searches()

    def _new_weights(self, time: float) -> np.ndarray:
        stages = self._sources.stages
        return stages.run("popular", lambda: self._weights_at(time), self._item_weights, [])

    def _count_searches(self) -> None:
        if self.searches is not None:
            self._new_searches = WeightedTexts.of(self.searches.weights(self._visitor_minimum))

    def _weights_at(self, time: float) -> np.ndarray:
        """Log weights of all items by their demand, ``[count] float32``."""
        sources, rows = self._sources, np.arange(self._sources.catalog.count)
        demand = sources.popularity.at(rows, time) + sources.trend.at(rows, time)
        return finite(np.log1p(demand)).astype(np.float32)

    def _weigh_names(self) -> None:
        self._path_weights, self._brand_weights = self._weights_of(self._names, self._item_weights)

    def _weights_of(
        self, names: SuggestedNames, item_weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log weights of category paths and of brands by those of their items."""
        catalog = self._sources.catalog
        count = min(catalog.count, len(item_weights))
        is_available = self._allowed().flags()[:count] & catalog.in_stock[:count]
        demand = 1.0 + np.expm1(item_weights[:count].astype(np.float64))
        demand = np.where(is_available, demand, 0.0)
        return names.weights(catalog, demand)


def _is_same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)
