"""Golden queries with the answers of the released bundle, which a load must reproduce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.errors import BundleError
from data.records import Event, EventType
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

_TOP = 10
_AGREEMENT = 0.8
"""Least share of the items to reproduce; another CPU may swap near-equal items."""


def golden_answers(
    ranker: Ranker, queries: Sequence[str], *, time: float
) -> tuple[dict[str, Any], ...]:
    """The top items of each query at ``time``, for an anonymous visitor."""
    return tuple(
        {"query": query, "time": time, "item_ids": _answer(ranker, query, time)}
        for query in queries
    )


def check_golden(ranker: Ranker, golden: Sequence[Mapping[str, Any]]) -> None:
    """Runs the golden queries again.

    Raises:
        BundleError: The answers differ from those of the release, or a stage fails.
    """
    for entry in golden:
        expected = set(entry["item_ids"])
        try:
            received = set(_answer(ranker, str(entry["query"]), float(entry["time"])))
        except Exception as error:
            raise BundleError(
                f"golden query {entry['query']!r}: expected an answer, received: {error}"
            ) from error
        if len(expected & received) < _AGREEMENT * len(expected):
            raise BundleError(
                f"golden query {entry['query']!r}: expected items {', '.join(sorted(expected))},"
                f" received {', '.join(sorted(received))}"
            )


def _answer(ranker: Ranker, query: str, time: float) -> list[str]:
    search = Event("", EventType.SEARCH, "", time, query=query)
    shortlist = ranker.rank(RankRequest(Session.empty("").after(search), time, query))
    return [ranker.sources.catalog.item_ids[row] for row in shortlist.rows[:_TOP]]
