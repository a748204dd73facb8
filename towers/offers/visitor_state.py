"""A visitor's purchases, session and taste at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from towers.catalog.items import Catalog
from towers.read_only import freeze
from towers.sessions.session import Session
from towers.sessions.session_summary import SessionSummary

_TASTE_HALF_LIFE_DAYS = 30.0
_SESSION_WEIGHT = 2.0
"""Weight of what the current session is about, against that of all purchases before."""


@dataclass(frozen=True, slots=True, eq=False)
class VisitorState:
    """A visitor at one moment; its arrays are read-only.

    Args:
        visitor_id: Empty for an anonymous visitor.
        time: Seconds since 1970.
        bought_rows, bought_counts, bought_days: ``[m]`` as in ``SessionSummary``.
        rows, interest: ``[n]`` items of the current session and of the cart, and their weights.
        disliked_rows: ``[k] int64``.
        taste: ``[dim] float32`` unit vector, the mean embedding of what was bought (half-life 30
            days) and of what the session is about; zero without either.
        visit_count: Sessions with a purchase.
        visit_days: Days since the last one; infinite before the first.
    """

    visitor_id: str
    time: float
    bought_rows: np.ndarray
    bought_counts: np.ndarray
    bought_days: np.ndarray
    rows: np.ndarray
    interest: np.ndarray
    disliked_rows: np.ndarray
    taste: np.ndarray
    visit_count: int
    visit_days: float

    def __post_init__(self) -> None:
        freeze(self.bought_rows, self.bought_counts, self.bought_days)
        freeze(self.rows, self.interest, self.disliked_rows, self.taste)

    @classmethod
    def of(
        cls,
        session: Session,
        time: float,
        catalog: Catalog,
        embeddings: np.ndarray,
        cart: Sequence[str] = (),
    ) -> VisitorState:
        """The state of a session at ``time``; items of the cart count like those of the session.

        Args:
            embeddings: ``[rows, dim] float32`` unit rows.
            cart: Item ids; unknown ones are left out.
        """
        summary = SessionSummary.of(session.at(time), time, catalog)
        in_cart = catalog.rows(cart)
        in_cart = in_cart[in_cart >= 0]
        rows = np.concatenate([in_cart, summary.rows])
        interest = np.concatenate([np.full(len(in_cart), 2.0, np.float32), summary.interest])
        last = session.last_purchase_time
        return cls(
            session.visitor_id,
            time,
            summary.bought_rows,
            summary.bought_counts,
            summary.bought_days,
            rows,
            interest,
            summary.disliked_rows,
            _taste(summary, rows, interest, embeddings),
            session.visit_count,
            max(0.0, time - last) / 86_400.0 if last else float("inf"),
        )

    @property
    def is_known(self) -> bool:
        """Whether anything is known of what the visitor wants."""
        return bool(len(self.bought_rows) or len(self.rows))


def _taste(
    summary: SessionSummary, rows: np.ndarray, interest: np.ndarray, embeddings: np.ndarray
) -> np.ndarray:
    recency = 0.5 ** (summary.bought_days / _TASTE_HALF_LIFE_DAYS)
    taste = _mean(summary.bought_rows, np.log1p(summary.bought_counts) * recency, embeddings)
    taste = taste + _SESSION_WEIGHT * _mean(rows, interest, embeddings)
    norm = float(np.linalg.norm(taste))
    return (taste / norm if norm > 1e-9 else taste).astype(np.float32)


def _mean(rows: np.ndarray, weights: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    total = float(weights.sum())
    if not total > 0.0:
        return np.zeros(embeddings.shape[1])
    mean: np.ndarray = (weights / total) @ embeddings[rows]
    return mean
