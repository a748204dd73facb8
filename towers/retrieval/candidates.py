"""Candidates from several sources, side by side, each with its rank and score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex, Synonym
from towers.optional_stages import OptionalStages
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.cooccurrence import Cooccurrence
from towers.retrieval.popularity import Popularity
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.repurchase import Repurchase
from towers.retrieval.session_knn import SessionKnn
from towers.retrieval.sparse_scores import SparseScores

SOURCES = ("learnt", "lexical", "covisited", "neighbours", "bought", "popular")
"""Names of the sources, in the order of the columns of ``Candidates.ranks``."""

_POPULAR_REFRESH_SECONDS = 5.0
_SURGING_COUNT = 5
"""Of the popular candidates, those that are wanted most in this very hour."""
_WIDENING = 8
"""Times as many words' hits are fetched where too few of those before were allowed."""

_NEWEST_COUNT = 10
_NO_ROWS = np.zeros(0, np.int64)
_NOTHING = SparseScores(_NO_ROWS, np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True)
class Candidates:
    """The union of what the sources found.

    Args:
        rows: ``[n] int64``, each once.
        ranks: ``[n, sources] int32`` rank from 0 in each source, −1 where it did not find the item.
        scores: What each source says of every item that it looked at, by source name.
        missing: Sources that could not be asked, or failed.
    """

    rows: np.ndarray
    ranks: np.ndarray
    scores: Mapping[str, SparseScores]
    missing: tuple[str, ...]


class Sources:
    """All that candidates come from; a source set to None is away, and answers say so.

    Args:
        popularity, trend, surge: Decayed counts with half-lives of a month, days and an hour.
        rebuy: Which things people buy again.

    Attributes:
        stages: Runs each source, and whatever else of an answer may fail.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        index: ItemIndex,
        lexical: LexicalIndex | None,
        cooccurrence: Cooccurrence | None,
        session_knn: SessionKnn | None,
        popularity: Popularity,
        trend: Popularity,
        surge: Popularity,
        repurchase: Repurchase,
        config: SourcesConfig,
    ) -> None:
        self.catalog = catalog
        self.index = index
        self.lexical = lexical
        self.cooccurrence = cooccurrence
        self.session_knn = session_knn
        self.popularity = popularity
        self.trend = trend
        self.surge = surge
        self.repurchase = repurchase
        self.config = config
        self.stages = OptionalStages()
        self._popular = np.zeros(0, np.int64)
        self._popular_time = -1.0

    def popular_rows(self, time: float) -> np.ndarray:
        """The most wanted rows of this hour, then of the last days; refreshed every few seconds."""
        age = time - self._popular_time
        if self._popular_time < 0 or not 0 <= age < _POPULAR_REFRESH_SECONDS:
            surging = self.surge.top(_SURGING_COUNT)
            lately = self.trend.top(10 * self.config.popular_count)
            self._popular = np.concatenate([surging, lately[~np.isin(lately, surging)]])
            if len(self._popular) < self.config.popular_count:
                more = self.popularity.top(10 * self.config.popular_count)
                self._popular = np.concatenate([self._popular, more[~np.isin(more, self._popular)]])
            self._popular_time = time
        return self._popular

    def find(self, encoded: EncodedRequest) -> Candidates:
        """Asks every source and joins the answers; items not allowed are left out."""
        config, rank_request = self.config, encoded.rank_request
        allowed = AllowedItems(self.catalog, rank_request.mask, rank_request.excluded)
        lists: dict[str, np.ndarray] = {}
        scores: dict[str, SparseScores] = dict.fromkeys(SOURCES, _NOTHING)
        missing: list[str] = []
        run = self.stages.run
        query = encoded.query_embedding
        # Without its tower a query has no direction, and nothing is near to it.
        if query.any():
            lists["learnt"] = run(
                "learnt",
                lambda: self._learnt(query, allowed, config.learnt_count),
                _NO_ROWS,
                missing,
            )
        lexical = self.lexical
        if encoded.text and lexical is None:
            missing.append("lexical")
        elif encoded.text and lexical is not None:
            rows, values = run(
                "lexical",
                lambda: _lexical(
                    lexical, encoded.text, allowed, config.lexical_count, rank_request.synonyms
                ),
                (_NO_ROWS, _NOTHING.values),
                missing,
            )
            scores["lexical"] = SparseScores.summed(rows, values)
            lists["lexical"] = allowed.only(rows)[: config.lexical_count]
        cooccurrence, session_knn = self.cooccurrence, self.session_knn
        if not rank_request.text and (session_knn is None or cooccurrence is None):
            missing.append("covisited")
        if cooccurrence is not None and len(encoded.summary.rows):
            newest = encoded.summary.rows[:_NEWEST_COUNT]
            weights = encoded.summary.interest[:_NEWEST_COUNT] * 0.8 ** np.arange(len(newest))
            scores["covisited"] = run(
                "covisited", lambda: cooccurrence.find(newest, weights), _NOTHING, missing
            )
        if session_knn is not None and len(encoded.summary.rows):
            scores["neighbours"] = run(
                "neighbours", lambda: session_knn.find(encoded.summary.rows), _NOTHING, missing
            )
        if not rank_request.text:
            lists["covisited"] = allowed.top(scores["covisited"], config.covisited_count)
            lists["neighbours"] = allowed.top(scores["neighbours"], config.neighbour_count)
            bought = encoded.summary.bought_rows[
                np.argsort(-encoded.summary.bought_counts, kind="stable")
            ]
            lists["bought"] = allowed.only(bought)[: config.bought_count]
            popular = run(
                "popular", lambda: self.popular_rows(rank_request.time), _NO_ROWS, missing
            )
            lists["popular"] = allowed.only(popular)[: config.popular_count]
        return _joined(lists, scores, tuple(missing))

    def nearest(self, encoded: EncodedRequest, count: int) -> np.ndarray:
        """Rows of the ``count`` allowed items nearest to the query, best first."""
        rank_request = encoded.rank_request
        allowed = AllowedItems(self.catalog, rank_request.mask, rank_request.excluded)
        return self._learnt(encoded.query_embedding, allowed, count)

    def allowed_count(self, rank_request: RankRequest) -> int:
        """How many items a question allows in all."""
        mask = (
            self.catalog.listed[: self.catalog.count]
            if rank_request.mask is None
            else rank_request.mask
        )
        inside = rank_request.excluded[rank_request.excluded < len(mask)]
        return int(np.count_nonzero(mask)) - int(np.count_nonzero(mask[inside]))

    def only_allowed(self, rank_request: RankRequest, rows: np.ndarray) -> np.ndarray:
        """Those among ``rows`` that a question allows, in their order."""
        return AllowedItems(self.catalog, rank_request.mask, rank_request.excluded).only(rows)

    def _learnt(self, query: np.ndarray, allowed: AllowedItems, count: int) -> np.ndarray:
        if not allowed.is_narrow:
            rows = allowed.only(self.index.search(query, allowed.widened(count)))[:count]
            if len(rows) == count:
                return rows
        # Few are allowed, or those that are lie far away: every one of them is scored.
        return self.index.search_among(query, allowed.rows(), count)


def _lexical(
    lexical: LexicalIndex,
    text: str,
    allowed: AllowedItems,
    count: int,
    synonyms: tuple[Synonym, ...] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and scores that hold the best ``count`` allowed ones, or all that there are."""
    wanted = allowed.widened(count)
    while True:
        rows, scores = lexical.search(text, wanted, synonyms)
        if len(rows) < wanted or len(allowed.only(rows)) >= count:
            return rows, scores
        wanted *= _WIDENING


def _joined(
    lists: Mapping[str, np.ndarray], scores: Mapping[str, SparseScores], missing: tuple[str, ...]
) -> Candidates:
    found = np.concatenate([_NO_ROWS, *lists.values()])
    ordered = np.sort(found)
    is_first = np.ones(len(found), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    rows = ordered[is_first]
    places = np.searchsorted(rows, found)
    ranks = np.full((len(rows), len(SOURCES)), -1, np.int32)
    begin = 0
    for name, of_source in lists.items():
        end = begin + len(of_source)
        ranks[places[begin:end], SOURCES.index(name)] = np.arange(len(of_source))
        begin = end
    return Candidates(rows, ranks, scores, missing)
