"""Scores of a filtered request's items in the list without the filter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.towers import shelf
from tests.towers.ranking.test_ranker import QUESTIONS
from towers.catalog.filters import Filter
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.retrieval.sources.session_knn import SessionKnn

FILTERS = [Filter(category=("Kitchen",)), Filter(max_price=60.0), Filter(brands=("No such",))]


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return shelf.ranker()


def filtered(ranker: Ranker, rank_request: RankRequest, asked: Filter) -> RankRequest:
    return replace(rank_request, mask=ranker.sources.catalog.mask(asked))


@pytest.mark.parametrize("asked", FILTERS, ids=["category", "price", "nothing left"])
@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_scores_without_the_filter_are_those_beside_the_list_that_was_never_filtered(
    ranker: Ranker, number: int, asked: Filter
) -> None:
    plain = ranker.rank(QUESTIONS[number])
    narrowed = filtered(ranker, QUESTIONS[number], asked)
    rows = ranker.rank(narrowed).rows
    expected = ranker.scores_beside(plain, rows)
    for prepares in (True, False):
        shortlist = ranker.rank(narrowed, also_without_filter=prepares)
        assert (shortlist.without_filter is not None) is prepares
        assert shortlist.rows.tolist() == rows.tolist()
        # Items far from the list too, as other sort orders show them.
        scores, of_list, _ = ranker.without_filter(shortlist, rows)
        assert scores == pytest.approx(expected, abs=1e-5)
        assert sorted(of_list.tolist()) == pytest.approx(
            sorted(plain.model_scores.tolist()), abs=1e-5
        )
        far = np.arange(0, 240, 7)
        scores, *_ = ranker.without_filter(shortlist, far)
        assert scores == pytest.approx(ranker.scores_beside(plain, far), abs=1e-5)


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_preparing_for_the_list_without_the_filter_does_not_change_the_filtered_one(
    ranker: Ranker, number: int
) -> None:
    narrowed = filtered(ranker, QUESTIONS[number], FILTERS[0])
    one, other = (ranker.rank(narrowed, also_without_filter=prepares) for prepares in (True, False))
    assert len(one.rows) and one.rows.tolist() == other.rows.tolist()
    assert np.allclose(one.features, other.features, rtol=1e-5, atol=1e-6)
    assert one.scores == pytest.approx(other.scores, abs=1e-5)


def test_a_request_without_a_filter_prepares_nothing(ranker: Ranker) -> None:
    assert ranker.rank(QUESTIONS[2], also_without_filter=True).without_filter is None


def test_a_filter_costs_no_second_vote_of_the_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    ranker = shelf.ranker()
    counted: list[int] = []
    votes = SessionKnn.votes

    def counting(source: SessionKnn, rows: np.ndarray) -> object:
        counted.append(len(rows))
        return votes(source, rows)

    monkeypatch.setattr(SessionKnn, "votes", counting)
    narrowed = filtered(ranker, QUESTIONS[1], FILTERS[0])
    shortlist = ranker.rank(narrowed, also_without_filter=True)
    ranker.without_filter(shortlist, shortlist.rows[:20])
    assert counted == [3]
