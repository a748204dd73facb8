"""From a question to a ranked shortlist: read, find candidates, compute features, score.

Training of the reranker, evaluation and the server all go through here, so that a figure is what a
shopper gets.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.records import Event
from towers.config import Config
from towers.ranking.adjustments import feedback_push, surge_lift
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import feature_matrix
from towers.ranking.litert_models import QueryEncoder, Reranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.fusion import fused_ranks, fused_scores
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.sessions.query_input import query_input
from towers.sessions.session_summary import SessionSummary

CANDIDATE_LIMIT = 256
"""Most candidates that are scored for one request."""


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

    def record(self, event: Event, *, is_counted: bool = False) -> bool:
        """Tells the sources of an event; false if its item is not known.

        Args:
            is_counted: It is in the sources' counts already.
        """
        row = self.sources.catalog.row_of.get(event.item_id, -1)
        if row < 0:
            return not event.item_id
        self.sources.take_in_event(row, event, is_counted=is_counted)
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
                rank_request = replace(rank_request, done_with=done_with)
        parse = self.sources.parse
        query = parse(rank_request.text or rank_request.session.pending_search)
        inputs = query_input(
            rank_request.session,
            rank_request.time,
            row_of=self.sources.catalog.row_of,
            known_types=self.known_types,
            config=self.config,
            # Of a slip the tower knows the trigrams alone, of its correction what it means.
            parse=parse,
        )
        query_embedding = self.encoder.encode(inputs, self.sources.index.embeddings)
        summary = SessionSummary.of(rank_request.session, rank_request.time, self.sources.catalog)
        return EncodedRequest(rank_request, query, inputs, query_embedding, summary)

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
        learnt = self.sources.index.scores(encoded.query_embedding, candidates.rows)
        return fused_scores(candidates.scores["lexical"].at(candidates.rows), learnt)

    def rank(self, rank_request: RankRequest) -> Shortlist:
        """The whole way."""
        encoded = self.read(rank_request)
        candidates = self.candidates(encoded)
        features = feature_matrix(FeatureContext(encoded, candidates, self.sources))
        missing = (*candidates.missing, *(("reranker",) if self.reranker is None else ()))
        unpushed = self.model_scores(encoded, candidates, features)
        pushed = feedback_push(self.sources, encoded, candidates.rows, unpushed)
        scores = unpushed - pushed + surge_lift(self.sources, encoded, candidates.rows, unpushed)
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
        similarity = self.sources.index.scores(encoded.query_embedding, rows)
        lowest = shortlist.scores[-1] if len(shortlist.scores) else np.float32(0)
        below = similarity - similarity.max(initial=-np.inf) if len(rows) else similarity
        return rows, (lowest - 1e-3 + below).astype(np.float32)

    def model_scores(
        self, encoded: EncodedRequest, candidates: Candidates, features: np.ndarray
    ) -> np.ndarray:
        if self.reranker is None:
            return self.fused(encoded, candidates)
        return self.reranker.scores(features)
