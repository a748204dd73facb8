"""The ranked shortlist of one request, whose score is the sum of three columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from towers.compiled import I64, NONE, compiled, read, written
from towers.falling_order import falling_order
from towers.read_only import freeze, read_only, read_only_columns
from towers.retrieval.candidates import Candidates
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.sparse_scores import SparseScores

_NO_COLUMNS: Mapping[str, np.ndarray] = MappingProxyType({})
_NO_PLACES = read_only(np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The shortlist of one request, best first; its arrays are read-only.

    Args:
        rows: ``[n] int64`` item rows.
        model_scores: ``[n] float32`` reranker logits, or fusion scores where it is absent.
            Explanations and purchase probabilities use these.
        adjustments: ``[n] float32`` by name: rule-based score adjustments of the ranker, possibly
            negative. Only those that affect an item of the list.
        merchandising: ``[n] float32`` by name: boosts and pins of the shop's rules.
        candidate_features: ``[candidates, features] float32``, in any order; zeros where ``features``
            is missing.
        ranks: ``[n, sources] int32`` rank in each source from 0, −1 where it did not find the item.
        source_scores: Scores of all items that a source evaluated, by source name.
        encoded: The encoded request.
        missing: Stages that were absent or failed.
        without_filter: The candidates of a filtered request without its filter, if they were asked for.
        places: ``[n] int64`` row of each item in ``candidate_features``; empty: in this order.

    Attributes:
        scores: ``[n] float32`` sum of the three columns, falling; ties by row.
    """

    rows: np.ndarray
    model_scores: np.ndarray
    adjustments: Mapping[str, np.ndarray]
    merchandising: Mapping[str, np.ndarray]
    candidate_features: np.ndarray
    ranks: np.ndarray
    source_scores: Mapping[str, SparseScores]
    encoded: EncodedRequest
    missing: tuple[str, ...]
    without_filter: Candidates | None = None
    places: np.ndarray = field(default_factory=lambda: _NO_PLACES)
    scores: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        scores = self.model_scores
        for column in (*self.adjustments.values(), *self.merchandising.values()):
            scores = scores + column
        order = falling_order(scores, self.rows)
        put = object.__setattr__
        put(self, "scores", scores[order])
        put(self, "candidate_features", read_only(self.candidate_features))
        put(self, "rows", self.rows[order])
        put(self, "model_scores", self.model_scores[order])
        put(self, "places", self.places[order] if len(self.places) else order)
        put(self, "ranks", self.ranks[order])
        put(self, "adjustments", _in_order(self.adjustments, order))
        put(self, "merchandising", _in_order(self.merchandising, order))
        freeze(self.scores, self.rows, self.model_scores, self.places, self.ranks)

    @classmethod
    def of(
        cls,
        candidates: Candidates,
        encoded: EncodedRequest,
        features: np.ndarray,
        columns: tuple[np.ndarray, Mapping[str, np.ndarray]],
        missing: tuple[str, ...],
        without_filter: Candidates | None = None,
    ) -> Shortlist:
        """Candidates in the order of their scores; ``columns`` are the model's and adjustments."""
        model_scores, adjustments = columns
        return cls(
            candidates.rows,
            model_scores,
            adjustments,
            _NO_COLUMNS,
            features,
            candidates.ranks,
            candidates.scores,
            encoded,
            missing,
            without_filter,
        )

    @property
    def features(self) -> np.ndarray:
        """``[n, features] float32`` in the order of the list, a copy: few requests read them all."""
        features = self.candidate_features[self.places]
        freeze(features)
        return features

    def features_at(self, positions: np.ndarray) -> np.ndarray:
        """``[m, features] float32`` of the items at ``positions [m]`` of the list, a copy."""
        return self.candidate_features[self.places[positions]]

    def merchandised(self, merchandising: Mapping[str, np.ndarray]) -> Shortlist:
        """The list reordered by the shop's rules, ``[n]`` by rule name."""
        return replace(self, merchandising=merchandising) if merchandising else self

    def only(self, kept: np.ndarray, encoded: EncodedRequest) -> Shortlist:
        """The list restricted to ``kept [n] bool``, for a request that allows only these."""
        return self._at(np.flatnonzero(kept), encoded)

    def first(self, count: int) -> Shortlist:
        """The first ``count`` of the list."""
        return self if count >= len(self.rows) else self._at(slice(count), self.encoded)

    def adjusted(self, name: str, column: np.ndarray, order: np.ndarray) -> Shortlist:
        """The list with another adjustment, which puts it in another order.

        Args:
            column: ``[n] float32`` in the present order.
            order: ``[n] int64`` present positions in the new order, by falling scores.
        """
        columns = {**self.adjustments, name: column}
        return self._at(order, self.encoded, self.scores + column, columns)

    def reordered(self, order: np.ndarray, causes: Mapping[str, np.ndarray]) -> Shortlist:
        """The list in another order, in which every place keeps its score.

        An item at another place takes the score of that place; the difference to its own, up to the
        rounding of float32, is an adjustment.

        Args:
            order: ``[n] int64`` present positions in the new order.
            causes: ``[n] bool`` by name of the adjustment, in the present order: whom it moved. Of
                several causes of an item the first counts; each item that moves has one.
        """
        scores = np.empty_like(self.scores)
        scores[order] = self.scores
        column, columns = scores - self.scores, dict(self.adjustments)
        for name, flags in causes.items():
            part = np.where(flags, column, np.float32(0))
            if part.any():
                columns[name] = part
            column = column - part
        return self._at(order, self.encoded, scores, columns)

    def _at(
        self,
        places: np.ndarray | slice,
        encoded: EncodedRequest,
        scores: np.ndarray | None = None,
        adjustments: Mapping[str, np.ndarray] | None = None,
    ) -> Shortlist:
        """Some of the list in an order that its scores have; so nothing has to be sorted."""
        other = object.__new__(Shortlist)
        put = object.__setattr__
        put(other, "rows", self.rows[places])
        put(other, "model_scores", self.model_scores[places])
        put(other, "places", self.places[places])
        put(other, "ranks", self.ranks[places])
        put(other, "candidate_features", self.candidate_features)
        put(other, "source_scores", self.source_scores)
        put(other, "missing", self.missing)
        put(other, "without_filter", self.without_filter)
        put(other, "scores", (self.scores if scores is None else scores)[places])
        put(other, "adjustments", _in_order(adjustments or self.adjustments, places))
        put(other, "merchandising", _in_order(self.merchandising, places))
        put(other, "encoded", encoded)
        freeze(other.scores, other.rows, other.model_scores, other.places, other.ranks)
        return other

    def positions_of(self, rows: np.ndarray) -> np.ndarray:
        """Positions of items on the list, from 0; −1 if not on it, ``[m] int64``."""
        return positions_among(self.rows, rows)


def positions_among(listed: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Positions of ``rows [m] int64`` in ``listed [n] int64``; −1 if not there, ``[m] int64``."""
    positions = np.empty(len(rows), np.int64)
    _find_positions(listed, rows, positions)
    return positions


def _in_order(
    columns: Mapping[str, np.ndarray], order: np.ndarray | slice
) -> Mapping[str, np.ndarray]:
    if not columns:
        return _NO_COLUMNS
    return read_only_columns({name: column[order] for name, column in columns.items()})


@compiled(NONE, read(I64), read(I64), written(I64))
def _find_positions(listed: np.ndarray, rows: np.ndarray, positions: np.ndarray) -> None:
    # Pages and lists are short: pairwise comparison is faster than sorting.
    for place in range(len(rows)):
        positions[place] = -1
        for position in range(len(listed)):
            if listed[position] == rows[place]:
                positions[place] = position
                break
