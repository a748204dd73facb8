"""Explanations, held against the ranker itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from tests.towers import shelf
from towers.catalog.filters import Filter
from towers.ranking.explanations import event_effects, rescored
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

NOW = END_TIME


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return shelf.ranker()


def session_of(*item_ids: str, query: str = "") -> Session:
    session = Session.empty("v")
    for number, item_id in enumerate(item_ids):
        session = session.after(shelf.view(item_id, NOW - 100 + number))
    return session.after(shelf.search(query, NOW)) if query else session


def disliking(item_id: str) -> Session:
    bad = Event("r", EventType.REVIEW, "v", NOW - 50, item_id=item_id, rating=1.0)
    return session_of("p0004", "p0020").after(bad)


REQUESTS = [
    RankRequest(Session.empty("v"), NOW),
    RankRequest(session_of("p0004", "p0020", "p0005"), NOW),
    RankRequest(session_of(query="espresso"), NOW, "espresso"),
    RankRequest(session_of("p0004", query="p0033"), NOW, "p0033"),
    RankRequest(disliking("p0030"), NOW),
]


@pytest.mark.parametrize("number", range(len(REQUESTS)))
def test_under_the_same_request_the_models_scores_are_the_same(ranker: Ranker, number: int) -> None:
    shortlist = ranker.rank(REQUESTS[number])
    again = rescored(ranker, [REQUESTS[number]], shortlist, np.arange(len(shortlist.rows)))
    assert again[:, 0].tolist() == pytest.approx(shortlist.model_scores.tolist(), abs=1e-5)


def test_an_event_that_says_nothing_has_hardly_an_effect(ranker: Ranker) -> None:
    """An old view of an unknown item changes no score by more than its mere presence."""
    known = session_of("p0004", "p0020", "p0005", "p0006", "p0007", "p0008", "p0009", "p0010")
    unknown = replace(known.events[0], item_id="unknown", time=NOW - 200)
    session = known.after(unknown)
    assert session.events[0].item_id == "unknown"
    shortlist = ranker.rank(RankRequest(session, NOW))
    effects = event_effects(ranker, shortlist, np.arange(10), range(len(session.events)))
    # It has left the tower's slots already, so nothing reads it at all.
    assert len(session.events) > shelf.CONFIG.towers.event_slot_count
    assert np.abs(effects[:, 0]).max() < 1e-5 < np.abs(effects[:, -1]).max()


def test_the_effect_of_the_search_is_that_of_its_words_too(ranker: Ranker) -> None:
    """Against ranking the browse page for real, where all allowed items are candidates of both."""
    mask = ranker.sources.catalog.mask(Filter(category=("Kitchen",)))
    session = session_of("p0004", query="espresso")
    shortlist = ranker.rank(RankRequest(session, NOW, "espresso", mask=mask))
    browsing = ranker.rank(RankRequest(session.without(1), NOW, mask=mask))
    assert sorted(browsing.rows.tolist()) == sorted(shortlist.rows.tolist())
    without = dict(zip(browsing.rows.tolist(), browsing.model_scores.tolist(), strict=True))
    effects = event_effects(ranker, shortlist, np.array([3, 0, 7]), [1])
    for position, effect in zip((3, 0, 7), effects[:, 0].tolist(), strict=True):
        expected = float(shortlist.model_scores[position]) - without[int(shortlist.rows[position])]
        assert effect == pytest.approx(expected, abs=2e-5)
