"""Items that were shown or could have been, with their features and what was done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from towers.ranking.calibration import calibration_inputs
from towers.ranking.litert_models import Reranker
from towers.sessions.session import Session

PLACES_PER_SURFACE = 40
"""Ranks on a page that are told apart; later ones count as the last."""

PLACE_COUNT = 1 + 2 * PLACES_PER_SURFACE
"""Codes of places: 0 where it is not known, then those of searches, then those of browse pages."""

_IGNORED_PER_ANSWER = 31


def place_codes(ranks: np.ndarray, *, is_search: bool) -> np.ndarray:
    """``[n] int32`` codes of ``ranks [n]`` from 0 on the first page."""
    first = 1 if is_search else 1 + PLACES_PER_SURFACE
    codes: np.ndarray = (first + np.minimum(ranks, PLACES_PER_SURFACE - 1)).astype(np.int32)
    return codes


@dataclass(frozen=True, eq=False)
class ExposedAnswer:
    """One answer.

    Args:
        list_features: ``[m, features] float32`` of the whole shortlist.
        shown: ``[n] int64`` positions in the shortlist of the items that count.
        places: ``[n] int32`` codes of where they were shown.
        labels: ``[n, actions] bool``.
        session, is_search: Of the request.
        half: 0 or 1, the same for all answers to one visitor.
    """

    list_features: np.ndarray
    shown: np.ndarray
    places: np.ndarray
    labels: np.ndarray
    session: Session
    is_search: bool
    half: int

    def sampled(self, rng: np.random.Generator) -> ExposedAnswer:
        """Every item that something was done with, and a few of the others, without the list.

        The network learns order from them; how often actions happen is for the calibration.
        """
        is_taken = self.labels.any(axis=1)
        chosen, ignored = np.flatnonzero(is_taken), np.flatnonzero(~is_taken)
        if len(ignored) > _IGNORED_PER_ANSWER:
            ignored = rng.choice(ignored, _IGNORED_PER_ANSWER, replace=False)
        chosen = np.concatenate([chosen, ignored])
        return replace(
            self,
            list_features=self.list_features[self.shown[chosen]],
            shown=np.arange(len(chosen)),
            places=self.places[chosen],
            labels=self.labels[chosen],
        )


@dataclass(frozen=True, eq=False)
class Exposures:
    """Rows of items, one for each that was shown.

    Args:
        features: ``[n, features] float32``.
        places: ``[n] int32`` codes.
        labels: ``[n, actions] bool``.
        inputs: ``[n, len(INPUT_NAMES)] float64`` of the calibration; empty where nobody asks for them.
        halves: ``[n]`` 0 or 1, by visitor.
    """

    features: np.ndarray
    places: np.ndarray
    labels: np.ndarray
    inputs: np.ndarray
    halves: np.ndarray

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def only(self, kept: np.ndarray) -> Exposures:
        """The rows at ``kept``, flags or numbers."""
        return Exposures(
            self.features[kept],
            self.places[kept],
            self.labels[kept],
            self.inputs[kept] if len(self.inputs) else self.inputs,
            self.halves[kept],
        )

    def columns(self, actions: Sequence[int]) -> dict[str, np.ndarray]:
        """Columns of the network for the actions at these positions."""
        labels = self.labels[:, list(actions)].astype(np.float32)
        return {"features": self.features, "places": self.places, "labels": labels}


def rows_of(answers: Sequence[ExposedAnswer], reranker: Reranker | None = None) -> Exposures:
    """The items that count of every answer; with the inputs of the calibration, given a reranker."""
    inputs = [_inputs(answer, reranker) for answer in answers] if reranker else []
    return Exposures(
        np.concatenate([answer.list_features[answer.shown] for answer in answers]),
        np.concatenate([answer.places for answer in answers]),
        np.concatenate([answer.labels for answer in answers]),
        np.concatenate(inputs) if inputs else np.zeros((0, 0)),
        np.concatenate([np.full(len(answer.shown), answer.half) for answer in answers]),
    )


def _inputs(answer: ExposedAnswer, reranker: Reranker) -> np.ndarray:
    scores = reranker.scores(answer.list_features)
    own = scores[answer.shown]
    return calibration_inputs(own, scores, answer.session, is_search=answer.is_search)
