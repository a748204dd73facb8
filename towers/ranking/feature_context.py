"""A request with its candidates, and the intermediate results that several features share."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from towers.indexes.lexical_index import CODE_SCORE
from towers.ranking.field_matches import FieldMatches
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.fusion import fused_scores
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.sparse_scores import shares
from towers.text.tokens import token

_FAR_RANK = 20.0
_COMPARED_COUNT = 10
"""Newest session items that candidates are compared with."""
_NEVER_DAYS = 400.0
_COMPLETENESS_WEIGHT = np.float32(0.02)
_PAIR_WEIGHT = np.float32(0.2)
"""Weight of the query's bigrams in ``search_score``; tuned as those of ``FieldMatches.score`` are."""
_LEARNT_TEMPERATURE = 0.07
"""Softmax temperature for shares of the towers' scores; about that of their training."""
_DENSE_CODE_COUNT = 50_000
"""Up to this many codes a dense table is faster than a sparse look-up."""


class FeatureContext:
    """A request with its candidates and the shared inputs of the features.

    Args:
        candidates: In any order.
        listed_count: Only the first so many candidates make up the list that list-relative features
            are computed against, for all candidates. None: all.

    Attributes:
        leaf, brand: ``[n]`` codes of the candidates.
        price: ``[n] float32``, 0 where unknown.
        embeddings: ``[n, dim] float32``.
        to_session: ``[n, seen] float32`` similarity to the newest items of the session.
        learnt_scores, learnt_to_best, learnt_shares: ``[n] float32`` scores of the towers: cosine,
            difference to the best one, softmax share.
        semantic_scores: ``[n] float32`` cosines of the query and the items' texts.
        source_ranks: ``[sources, n]``, 1 at the top of a source's list, falling to 0; 0 where it
            did not find the item.
        neighbour_votes: ``[n]`` each candidate's share of the neighbours' votes, over all items.
        bought_count, bought_days: ``[n]`` how often a candidate was bought, and how long ago.
        long_popularity, recent_popularity, present_popularity: ``[n] float64``.
    """

    def __init__(
        self,
        encoded: EncodedRequest,
        candidates: Candidates,
        sources: Sources,
        listed_count: int | None = None,
    ) -> None:
        self.encoded = encoded
        self.sources = sources
        self.catalog = sources.catalog
        self.rows = candidates.rows
        self.has_session = len(encoded.summary.rows) > 0
        self.has_bought = len(encoded.summary.bought_rows) > 0
        self.time = encoded.rank_request.time
        catalog, rows = self.catalog, self.rows
        self.leaf = catalog.leaf[rows]
        self.brand = catalog.brand[rows]
        price = catalog.price[rows]
        self.price = np.where(np.isnan(price), np.float32(0), price)
        self.embeddings = sources.index.embeddings[rows]
        newest = encoded.summary.rows[:_COMPARED_COUNT]
        self.to_session = (
            self.embeddings @ sources.index.embeddings[newest].T
            if len(newest)
            else np.zeros((len(rows), 1), np.float32)
        )
        self.learnt_scores: np.ndarray = self.embeddings @ encoded.query_embedding
        self._read_words()
        self.has_words = len(self.word_tokens) > 0
        # Of the request itself: a pending search of the session wants no more than its words.
        self.has_query = self.has_words and encoded.is_search
        self._read_list(candidates, slice(listed_count))
        self._read_purchases()
        self.long_popularity: np.ndarray = sources.popularity.at(rows, self.time)
        self.recent_popularity: np.ndarray = sources.trend.at(rows, self.time)
        self.present_popularity: np.ndarray = sources.surge.at(rows, self.time)

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.rows, kind="stable")

    @cached_property
    def _ordered_rows(self) -> np.ndarray:
        return self.rows[self._order]

    @cached_property
    def seen(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions in the session of the items that are candidates, and these: as ``among``."""
        return self.among(self.encoded.summary.rows)

    def relisted(self, candidates: Candidates) -> FeatureContext:
        """The same items in the context of another list, such as that of other allowed items.

        Shares all that does not depend on the list. ``feature_matrix`` of it needs only the features
        that do.

        Args:
            candidates: The list, of items of this context. The others are as items that no source
                found.
        """
        _, positions = self.among(candidates.rows)
        ranks = np.full((len(self.rows), candidates.ranks.shape[1]), -1, np.int32)
        ranks[positions] = candidates.ranks
        other = object.__new__(FeatureContext)
        other.__dict__.update(self.__dict__)
        # Of the list, and computed at its first use.
        other.__dict__.pop("search_score", None)
        other._read_list(replace(candidates, rows=self.rows, ranks=ranks), positions)
        return other

    def _read_words(self) -> None:
        """The query's stems, as typed first, then replacements.

        Sets ``word_weights [words]``, ``word_tokens [words]``, ``typed_count`` and ``has_word
        [words, candidates] bool``.
        """
        query = self.encoded.query
        weights = query.stem_weights
        self.typed_count = sum(weight == 1.0 for weight in weights.values())
        rarities = np.array(query.rarities, np.float32)
        self.word_weights = np.array([*weights.values()], np.float32) * rarities
        buckets = self.catalog.text.bucket_count
        self.word_tokens = [token("w:" + word, buckets) for word in weights]
        self.has_word = np.zeros((len(weights), len(self.rows)), bool)
        for row, number in zip(self.has_word, self.word_tokens, strict=True):
            (self.tokens == number).any(axis=1, out=row)

    @cached_property
    def fields(self) -> FieldMatches:
        """The query's words in the fields of the candidates; only for requests with a query."""
        return FieldMatches(self.encoded.query, self.catalog, self.rows)

    @cached_property
    def pair_share(self) -> np.ndarray:
        """Share of the query's bigrams that each item has too, ``[n]``."""
        numbers, tokens = self.word_tokens[: self.typed_count], self.tokens
        together = np.zeros(len(tokens), np.float32)
        if len(numbers) < 2:
            return together
        for left, right in pairwise(numbers):
            together += ((tokens[:, :-1] == left) & (tokens[:, 1:] == right)).any(axis=1)
        return together / np.float32(len(numbers) - 1)

    @property
    def search_score(self) -> np.ndarray:
        """Score of a search by a fixed rule, ``[n] float32``: fused sources and matched fields.

        What a search is ranked by where nothing is learnt, and what the reranker starts from.
        """
        if not self.has_words:
            return np.zeros(len(self.rows), np.float32)
        lexical = self.lexical_scores + CODE_SCORE * self.has_code
        fused = fused_scores(lexical, self.learnt_scores, self.semantic_scores, self.listed)
        score = fused + self.fields.score + _PAIR_WEIGHT * self.pair_share
        # Of equals the better described one.
        return np.asarray(
            score + _COMPLETENESS_WEIGHT * self.catalog.completeness[self.rows], np.float32
        )

    @cached_property
    def tokens(self) -> np.ndarray:
        """``[n, slots] int32`` tokens of the candidates; gathered only for requests with a query."""
        return self.catalog.tokens[self.rows]

    def _read_list(self, candidates: Candidates, listed: slice | np.ndarray) -> None:
        """What depends on the list: ranks and scores of the sources, raw and normalised.

        Args:
            listed: Which of the items make up the list.
        """
        self.candidates, self.listed = candidates, listed
        self._source_scores: dict[str, np.ndarray] = {}
        ranks = np.ascontiguousarray(candidates.ranks.T)
        self.is_found_by = ranks >= 0
        self.source_ranks = np.where(self.is_found_by, _FAR_RANK / (_FAR_RANK + ranks), 0.0)
        best = self.learnt_scores[self.listed].max(initial=-1.0)
        self.semantic_scores = self.sources.semantic_scores(self.encoded.query, self.rows)
        self.learnt_to_best: np.ndarray = self.learnt_scores - best
        powers = np.exp(self.learnt_to_best / _LEARNT_TEMPERATURE)
        self.learnt_shares: np.ndarray = powers / max(float(powers[self.listed].sum()), 1e-6)
        # Without the constant of a product-code match, which is a separate feature.
        lexical = self.source_score("lexical")
        self.has_code: np.ndarray = lexical >= CODE_SCORE
        self.lexical_scores: np.ndarray = np.mod(lexical, np.float32(CODE_SCORE))
        votes = self.source_score("neighbours")
        total = float(self.candidates.scores["neighbours"].values.sum())
        self.neighbour_votes: np.ndarray = votes / max(total, 1e-6)

    def _read_purchases(self) -> None:
        encoded, count = self.encoded, len(self.rows)
        self.bought_count = np.zeros(count, np.float32)
        self.bought_days = np.full(count, _NEVER_DAYS, np.float32)
        if self.has_bought:
            bought, positions = self.among(encoded.summary.bought_rows)
            self.bought_count[positions] = encoded.summary.bought_counts[bought]
            self.bought_days[positions] = encoded.summary.bought_days[bought]

    def among(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of ``rows`` are candidates, and at which position.

        Returns:
            ``[m] int64`` positions in ``rows``, ascending, and the ``[m] int64`` candidates there.
        """
        if not len(self.rows):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        near = np.searchsorted(self._ordered_rows, rows)
        np.minimum(near, len(self.rows) - 1, out=near)
        found = np.flatnonzero(self._ordered_rows[near] == rows)
        return found, self._order[near[found]]

    def source_score(self, name: str) -> np.ndarray:
        """Score of each candidate in a source, 0 where it has none."""
        if name not in self._source_scores:
            self._source_scores[name] = self.candidates.scores[name].at(self.rows)
        return self._source_scores[name]

    def session_share(self, column: np.ndarray) -> np.ndarray:
        """Share of the session's interest in items with the candidate's value of ``column``."""
        summary = self.encoded.summary
        return _share_agreeing(column[summary.rows], summary.interest, column[self.rows])

    def history_share(self, column: np.ndarray) -> np.ndarray:
        """The same for past purchases."""
        bought = self.encoded.summary.bought_rows
        return _share_agreeing(
            column[bought], self.encoded.summary.bought_counts, column[self.rows]
        )


def _share_agreeing(codes: np.ndarray, weights: np.ndarray, queried: np.ndarray) -> np.ndarray:
    """Share of the total weight at each queried code, ``[n] float32``."""
    length = 1 + int(max(codes.max(initial=-1), queried.max(initial=-1)))
    if length > _DENSE_CODE_COUNT:
        return shares(codes, weights).at(queried)
    total = float(weights.sum())
    table = np.bincount(codes, weights=weights / total if total else weights, minlength=length)
    return table[queried].astype(np.float32)
