"""From a question to a ranked shortlist: read, find candidates, compute features, score.

Training of the reranker, evaluation and the server all go through here, so that a figure is what a
shopper gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.records import Event
from towers.config import Config
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import feature_matrix
from towers.ranking.litert_models import QueryEncoder, Reranker
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.fusion import fused_ranks, fused_scores
from towers.retrieval.rank_request import EncodedRequest, RankRequest, read_session
from towers.sessions.query_input import query_input

CANDIDATE_LIMIT = 256
"""Most candidates that are scored for one request."""

_UNLIKE = 0.3
"""Cosine of two item embeddings up to which an opinion on one says nothing of the other."""

_PUSH_SPREADS = 3.0
"""Standard deviations of an answer's scores by which a disliked item itself falls."""

_SURGE_RATIO = 8.0


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


class Ranker:
    """The two stages together.

    Args:
        sources: Where candidates come from.
        encoder: The query tower.
        reranker: The second stage; None answers by fusing the sources, and says so.
        known_types: Event types that the query tower was trained on.
    """

    def __init__(
        self,
        sources: Sources,
        encoder: QueryEncoder,
        reranker: Reranker | None,
        *,
        config: Config,
        known_types: frozenset[int],
    ) -> None:
        self.sources = sources
        self.encoder = encoder
        self.reranker = reranker
        self.config = config
        self.known_types = known_types

    def record(self, event: Event) -> bool:
        """Counts an event towards what is popular; false if its item is not known."""
        row = self.sources.catalog.row_of.get(event.item_id, -1)
        if row < 0:
            return not event.item_id
        self.sources.popularity.record(row, event)
        self.sources.trend.record(row, event)
        self.sources.surge.record(row, event)
        return True

    def read(self, rank_request: RankRequest) -> EncodedRequest:
        """Turns the session into what the models read.

        A browse page leaves out what was bought and is not the kind of thing that people rebuy.
        """
        if not rank_request.text:
            done_with = self.sources.repurchase.done_with(
                rank_request.session, self.sources.catalog
            )
            if len(done_with):
                excluded = np.union1d(rank_request.excluded, done_with)
                rank_request = replace(rank_request, excluded=excluded)
        inputs = query_input(
            rank_request.session,
            rank_request.time,
            row_of=self.sources.catalog.row_of,
            known_types=self.known_types,
            config=self.config,
            mended=self._mended,
        )
        query = self.encoder.encode(inputs, self.sources.index.embeddings)
        summary = read_session(rank_request.session, rank_request.time, self.sources.catalog)
        return EncodedRequest(rank_request, inputs, query, *summary)

    def _mended(self, text: str) -> str:
        """A query and, where no item has a word of it, what that word was meant to be.

        The tower knows a slip by its trigrams alone; the word that was meant it has learnt.
        """
        lexical = self.sources.lexical
        return text if lexical is None else lexical.read(text).mended

    def candidates(self, encoded: EncodedRequest) -> Candidates:
        """At most ``CANDIDATE_LIMIT`` candidates; the sources' own ranks say which are left out."""
        found = self.sources.find(encoded)
        if len(found.rows) <= CANDIDATE_LIMIT:
            return found
        order = np.argsort(-self.fused(encoded, found), kind="stable")
        kept = np.sort(order[:CANDIDATE_LIMIT])
        return Candidates(found.rows[kept], found.ranks[kept], found.scores, found.missing)

    def fused(self, encoded: EncodedRequest, candidates: Candidates) -> np.ndarray:
        """Scores of candidates by a fixed rule, ``[n] float32``: of what was typed, else by ranks."""
        if not (encoded.is_search and len(candidates.scores["lexical"].rows)):
            return fused_ranks(candidates.ranks)
        learnt = self.sources.index.scores(encoded.query, candidates.rows)
        return fused_scores(candidates.scores["lexical"].at(candidates.rows), learnt)

    def rank(self, rank_request: RankRequest) -> Shortlist:
        """The whole way."""
        encoded = self.read(rank_request)
        candidates = self.candidates(encoded)
        features = feature_matrix(FeatureContext(encoded, candidates, self.sources))
        missing = (*candidates.missing, *(("reranker",) if self.reranker is None else ()))
        unpushed = self._scores(encoded, candidates, features)
        pushed = self._pushed_away(encoded, candidates.rows, unpushed)
        scores = unpushed - pushed + self._lifted(encoded, candidates.rows, unpushed)
        order = np.lexsort((candidates.rows, -scores))
        return Shortlist(
            candidates.rows[order],
            scores[order],
            unpushed[order],
            features[order],
            candidates.ranks[order],
            encoded,
            missing,
        )

    def further(self, shortlist: Shortlist, count: int) -> tuple[np.ndarray, np.ndarray]:
        """What a page deeper than the shortlist shows: the nearest of all other allowed items.

        Returns:
            Rows and scores, ``[≤ count] int64`` and ``float32``, nearest first; the scores fall
            from the shortlist's lowest on.
        """
        encoded = shortlist.encoded
        rows = self.sources.nearest(encoded, count + len(shortlist.rows))
        rows = rows[~np.isin(rows, shortlist.rows)][:count]
        similarity = self.sources.index.scores(encoded.query, rows)
        lowest = shortlist.scores[-1] if len(shortlist.scores) else np.float32(0)
        below = similarity - similarity.max(initial=-np.inf) if len(rows) else similarity
        return rows, (lowest - 1e-3 + below).astype(np.float32)

    def _scores(
        self, encoded: EncodedRequest, candidates: Candidates, features: np.ndarray
    ) -> np.ndarray:
        if self.reranker is None:
            return self.fused(encoded, candidates)
        return self.reranker.scores(features)

    def _pushed_away(
        self, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray
    ) -> np.ndarray:
        """How far opinions against items push them and their like down, ``[n] float32``.

        A rule and not learnt, since few logs hold enough bad reviews to learn it from: in units of
        the spread of ``scores``, nothing for what is unlike, all of it for the item itself.
        """
        if not len(encoded.disliked_rows):
            return np.zeros(len(rows), np.float32)
        embeddings = self.sources.index.embeddings
        likeness = (embeddings[rows] @ embeddings[encoded.disliked_rows].T).max(axis=1)
        share = np.clip((likeness - _UNLIKE) / (1.0 - _UNLIKE), 0.0, 1.0)
        spread = float(scores.std()) if len(scores) > 1 else 1.0
        return np.asarray(_PUSH_SPREADS * spread * share, np.float32)

    def _lifted(self, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """How far a surge lifts items on the page of somebody of whom nothing is known, ``[n]``.

        A rule, since a log holds few promotions: what is wanted ``_SURGE_RATIO`` times as much in
        this hour as in the days before is shown to whoever has given no hint of their own.
        """
        if encoded.is_search or len(encoded.rows) or len(encoded.bought_rows):
            return np.zeros(len(rows), np.float32)
        time, sources = encoded.rank_request.time, self.sources
        usual = sources.trend.at(rows, time) * sources.surge.half_life_days
        usual /= sources.trend.half_life_days
        is_surging = 1.0 + sources.surge.at(rows, time) >= _SURGE_RATIO * (1.0 + usual)
        # To the top and no further: among themselves those that surge most lead.
        lead = np.log1p(sources.surge.at(rows, time)) * is_surging
        to_top = scores.max(initial=-np.inf) - scores + lead
        return np.where(is_surging, to_top, 0.0).astype(np.float32)

    def event_effects(
        self, shortlist: Shortlist, count: int, positions: Sequence[int]
    ) -> np.ndarray:
        """How the score of the first ``count`` results would fall without each of some events.

        Args:
            positions: Places in the session's events.

        Returns:
            ``[count, len(positions)] float32``: score as it is minus score without the event.
        """
        effects = np.zeros((min(count, len(shortlist.rows)), len(positions)), np.float32)
        rank_request = shortlist.encoded.rank_request
        for column, position in enumerate(positions):
            session = rank_request.session.without(position)
            text = rank_request.text if session.search_text == rank_request.text else ""
            other = replace(rank_request, session=session, text=text)
            again = self.rescored(other, shortlist)
            effects[:, column] = (shortlist.scores - again)[: len(effects)]
        return effects

    def rescored(self, rank_request: RankRequest, shortlist: Shortlist) -> np.ndarray:
        """Scores of another answer's items under ``question``, in their order, ``[n] float32``.

        All of them, since some features are relative to the list.
        """
        rows = shortlist.rows
        encoded = self.read(rank_request)
        found = self.sources.find(encoded)
        ranks = np.full((len(rows), found.ranks.shape[1]), -1, np.int32)
        place = np.minimum(np.searchsorted(found.rows, rows), max(0, len(found.rows) - 1))
        inside = found.rows[place] == rows if len(found.rows) else np.zeros(len(rows), bool)
        ranks[inside] = found.ranks[place[inside]]
        candidates = Candidates(rows, ranks, found.scores, found.missing)
        features = feature_matrix(FeatureContext(encoded, candidates, self.sources))
        # Opinions push in units of the answer that is explained.
        pushed = self._pushed_away(encoded, rows, shortlist.unpushed)
        return self._scores(encoded, candidates, features) - pushed

    def feature_effects(self, shortlist: Shortlist, count: int, means: np.ndarray) -> np.ndarray:
        """How much each feature lifts the first ``count`` scores over its training mean.

        Returns:
            ``[count, features] float32``; zeros where the reranker is away.
        """
        features = shortlist.features[:count]
        if self.reranker is None:
            return np.zeros_like(features)
        changed = np.repeat(features[:, None, :], len(means), axis=1)
        diagonal = np.arange(len(means))
        changed[:, diagonal, diagonal] = means
        scores = self.reranker.scores(changed.reshape(-1, len(means))).reshape(features.shape)
        return shortlist.scores[:count, None] - scores
