"""The ranking pipeline: encode the request, retrieve candidates, compute features, score.

Reranker training, evaluation and serving all use it, so that measured quality is served quality.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from data.records import Event
from towers.config import Config
from towers.optional_stages import finite
from towers.ranking.adjustments import adjustments_of
from towers.ranking.exact_codes import with_typed_item
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURE_NAMES, feature_matrix
from towers.ranking.litert_models import QueryEncoder, Reranker
from towers.ranking.shortlist import Shortlist, positions_among
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.fusion import fused_ranks, fused_scores
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.sources.repurchase import Repurchase
from towers.sessions.dwell import dwells
from towers.sessions.query_input import QueryInput, query_input
from towers.sessions.session_summary import SessionSummary
from towers.text.parsed_query import ParsedQuery
from towers.text.query_rewriter import parsed_as_typed

_NO_ROWS = np.zeros(0, np.int64)
_NO_FEATURES = np.zeros((0, 0), np.float32)

CANDIDATE_LIMIT = 256
"""Most candidates that are reranked for one request."""


Check = Callable[[], None]
"""Called between stages; it may raise, to end work that nobody waits for."""


def no_check() -> None:
    """Lets all work go on."""


class Ranker:
    """The two stages together.

    Args:
        sources: The candidate sources.
        encoder: The query tower.
        reranker: The second stage; None: answers are fused from the sources and marked so.
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
        """Passes an event to the sources; false if its item is unknown.

        Args:
            is_counted: The sources' counts include it already.
        """
        row = self.sources.catalog.row_of.get(event.item_id, -1)
        if row < 0:
            return not event.item_id
        self.sources.take_in_event(row, event, is_counted=is_counted)
        return True

    def read(self, rank_request: RankRequest) -> EncodedRequest:
        """Encodes a request: query, query embedding, session summary.

        A browse page leaves out past purchases that are rarely bought again.
        """
        missing: list[str] = []
        run, catalog, session = self.sources.stages.run, self.sources.catalog, rank_request.session
        if not rank_request.text:
            already_bought = run(
                Repurchase.name,
                lambda: self.sources.repurchase.already_bought(session, catalog),
                _NO_ROWS,
                missing,
            )
            if len(already_bought):
                rank_request = replace(rank_request, already_bought=already_bought)
        text, is_literal = rank_request.text, rank_request.is_literal
        query = self.parse(text or session.pending_search, missing, is_literal=is_literal)
        # Both the query tower and the features read it.
        dwell_shares = dwells(session.events)
        encode = partial(self._encoded, rank_request, query, dwell_shares, missing)
        encoded: tuple[QueryInput, np.ndarray] | None = run("query_tower", encode, None, missing)
        inputs, query_embedding = encoded or (
            None,
            np.zeros(self.sources.index.shape.dim, np.float32),
        )
        summary = SessionSummary.of(session, rank_request.time, catalog, dwell_shares)
        return EncodedRequest(rank_request, query, inputs, query_embedding, summary, tuple(missing))

    def parse(self, text: str, missing: list[str], *, is_literal: bool = False) -> ParsedQuery:
        """Parses a query; as typed where the lexical index fails, which is added to ``missing``."""
        parse = partial(self.sources.parse, text, is_literal=is_literal)
        parsed: ParsedQuery | None = self.sources.stages.run("lexical", parse, None, missing)
        return parsed_as_typed(text) if parsed is None else parsed

    def _encoded(
        self,
        rank_request: RankRequest,
        query: ParsedQuery,
        dwell_shares: Sequence[float],
        missing: list[str],
    ) -> tuple[QueryInput, np.ndarray]:
        def parse(text: str) -> ParsedQuery:
            # With corrections: of a misspelt word the tower knows only the trigrams.
            is_same = text == query.text
            return query if is_same else self.parse(text, missing, is_literal=is_literal)

        is_literal = rank_request.is_literal
        inputs = query_input(
            rank_request.session,
            rank_request.time,
            row_of=self.sources.catalog.row_of,
            known_types=self.known_types,
            config=self.config,
            parse=parse,
            dwell_shares=dwell_shares,
        )
        return inputs, finite(self.encoder.encode(inputs, self.sources.index.embeddings))

    def candidates(
        self, encoded: EncodedRequest, found_before: Candidates | None = None
    ) -> Candidates:
        """At most ``CANDIDATE_LIMIT`` candidates, selected by reciprocal rank fusion of the sources.

        The item whose id equals the query may be added.

        Args:
            found_before: Candidates of the same request with other allowed items, if known: saves
                time.
        """
        found = self.sources.find(encoded, found_before)
        if len(found.rows) > CANDIDATE_LIMIT:
            # By ranks: at the end of the lists the scores of hundreds of items are not worth their cost.
            order = np.argsort(-fused_ranks(found.ranks), kind="stable")
            kept = np.sort(order[:CANDIDATE_LIMIT])
            found = Candidates(found.rows[kept], found.ranks[kept], found.scores, found.missing)
        return with_typed_item(self.sources, encoded, found)

    def fused(self, encoded: EncodedRequest, candidates: Candidates) -> np.ndarray:
        """Fusion scores, ``[n] float32``: score fusion for searches, else reciprocal rank fusion."""
        if not (encoded.is_search and len(candidates.scores["lexical"].rows)):
            return fused_ranks(candidates.ranks)
        learnt = self.sources.index.scores(encoded.query_embedding, candidates.rows)
        of_text = self.sources.semantic_scores(encoded.query, candidates.rows)
        return fused_scores(candidates.scores["lexical"].at(candidates.rows), learnt, of_text)

    def rank(
        self,
        rank_request: RankRequest,
        *,
        also_without_filter: bool = False,
        before_stage: Check = no_check,
    ) -> Shortlist:
        """The whole pipeline.

        Args:
            also_without_filter: Also finds the candidates of a filtered request without its filter,
                for ``without_filter``.
            before_stage: Called before retrieval and before features are computed and scored; what
                it raises ends the work.
        """
        encoded = self.read(rank_request)
        return self.ranked(
            encoded, also_without_filter=also_without_filter, before_stage=before_stage
        )

    def ranked(
        self,
        encoded: EncodedRequest,
        *,
        also_without_filter: bool = False,
        before_stage: Check = no_check,
    ) -> Shortlist:
        """The pipeline from an encoded request on."""
        before_stage()
        candidates = self.candidates(encoded)
        unfiltered = None
        if also_without_filter and encoded.rank_request.is_narrowed:
            unfiltered = self.candidates(_without_filter(encoded), candidates)
        missing = [*dict.fromkeys((*encoded.missing, *candidates.missing))]
        before_stage()
        features, model_scores = self._scored(encoded, candidates, missing)
        adjustments = adjustments_of(self.sources, encoded, candidates, model_scores, missing)
        columns = (model_scores, adjustments)
        return Shortlist.of(candidates, encoded, features, columns, tuple(missing), unfiltered)

    def _scored(
        self, encoded: EncodedRequest, candidates: Candidates, missing: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Features and the model's scores; fusion scores where either fails."""
        run, reranker = self.sources.stages.run, self.reranker
        scores = None

        def computed() -> np.ndarray:
            return feature_matrix(FeatureContext(encoded, candidates, self.sources))

        features = run("features", computed, _NO_FEATURES, missing)
        if features is _NO_FEATURES:
            features = np.zeros((len(candidates.rows), len(FEATURE_NAMES)), np.float32)
        elif reranker is not None:
            scores = run("reranker", lambda: finite(reranker.scores(features)), None, missing)
        if scores is None:
            if "reranker" not in missing:
                missing.append("reranker")
            scores = self.fused(encoded, candidates)
        return features, scores

    def scores_beside(self, shortlist: Shortlist, rows: np.ndarray) -> np.ndarray:
        """The model's scores of any items in the context of a shortlist, ``[m] float32``.

        An item of the list keeps its score. Any other is scored with list-relative features computed
        against the list, so that its score does not depend on the other items of the call.

        Raises:
            ValueError: The list was not ranked by the reranker.
        """
        if self.reranker is None or "reranker" in shortlist.missing:
            raise ValueError("scores: expected a list that the reranker scored, received another")
        positions = shortlist.positions_of(rows)
        is_listed = positions >= 0
        scores = np.zeros(len(rows), np.float32)
        scores[is_listed] = shortlist.model_scores[positions[is_listed]]
        others = rows[~is_listed]
        if len(others):
            count = len(shortlist.rows)
            listed = Candidates(
                shortlist.rows, shortlist.ranks, shortlist.source_scores, shortlist.missing
            )
            context = FeatureContext(
                shortlist.encoded, _with_others(listed, others), self.sources, count
            )
            features = finite(feature_matrix(context)[count:])
            scores[~is_listed] = finite(self.reranker.scores(features))
        return scores

    def without_filter(
        self, shortlist: Shortlist, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As ``scores_beside``, in the context of the list without the request's filter.

        One pass over features and model for that list and the items together.

        Args:
            rows: ``[m] int64``, distinct.

        Returns:
            The scores of the items, ``[m] float32``, and of the list, ``[n] float32``; and the features
            of the items, ``[m, features] float32``.

        Raises:
            ValueError: There is no reranker.
        """
        if self.reranker is None:
            raise ValueError("scores: expected a reranker, received none")
        encoded, candidates = _without_filter(shortlist.encoded), shortlist.without_filter
        if candidates is None:
            candidates = self.candidates(encoded)
        count = len(candidates.rows)
        places = positions_among(candidates.rows, rows)
        is_other = places < 0
        others = rows[is_other]
        places[is_other] = np.arange(count, count + len(others))
        together = _with_others(candidates, others)
        features = feature_matrix(FeatureContext(encoded, together, self.sources, count))
        scores = finite(self.reranker.scores(features))
        return scores[places], scores[:count], features[places]


def _without_filter(encoded: EncodedRequest) -> EncodedRequest:
    return replace(encoded, rank_request=replace(encoded.rank_request, mask=None, outside=None))


def _with_others(candidates: Candidates, others: np.ndarray) -> Candidates:
    """The candidates followed by items that no source retrieved."""
    ranks = np.full((len(others), candidates.ranks.shape[1]), -1, np.int32)
    return replace(
        candidates,
        rows=np.concatenate([candidates.rows, others]),
        ranks=np.concatenate([candidates.ranks, ranks]),
    )
