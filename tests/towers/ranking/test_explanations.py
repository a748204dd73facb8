"""Explanations, held against the ranker itself."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from tests.towers import shelf
from towers.catalog.filters import Filter
from towers.ranking.explanations import event_effects, rescored
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import feature_matrix
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import Candidates
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


def removed_for_real(
    ranker: Ranker, rank_request: RankRequest, shortlist: Shortlist, event_index: int
) -> np.ndarray:
    """The model's scores of a list whose event never was: every source asked, every feature anew."""
    session = rank_request.session.without(event_index)
    text = rank_request.text if session.search_text == rank_request.text else ""
    encoded = ranker.read(replace(rank_request, session=session, text=text))
    found = ranker.sources.find(encoded)
    place_of = {row: place for place, row in enumerate(found.rows.tolist())}
    ranks = np.full((len(shortlist.rows), found.ranks.shape[1]), -1, np.int32)
    for position, row in enumerate(shortlist.rows.tolist()):
        if row in place_of:
            ranks[position] = found.ranks[place_of[row]]
    again = Candidates(shortlist.rows, ranks, found.scores, ())
    assert ranker.reranker is not None
    features = feature_matrix(FeatureContext(encoded, again, ranker.sources))
    return ranker.reranker.scores(features)


def test_an_effect_is_that_of_removing_the_event_for_real_in_200_of_200(ranker: Ranker) -> None:
    rng = random.Random(5)
    ids = ranker.sources.catalog.item_ids
    types = (EventType.VIEW, EventType.VIEW, EventType.ADD_TO_CART, EventType.PURCHASE)
    case_count, moved_count = 0, 0
    while case_count < 200:
        session = Session.empty("v")
        for number in range(rng.randint(1, 6)):
            event = Event(
                f"e{number}", rng.choice(types), "v", NOW - 900 + 100 * number, rng.choice(ids)
            )
            session = session.after(event)
        text = rng.choice(("", "", "espresso", "kitchen lamp", "running shoes"))
        if text:
            session = session.after(shelf.search(text, NOW))
        rank_request = RankRequest(session, NOW, text)
        shortlist = ranker.rank(rank_request)
        positions = np.array(rng.sample(range(len(shortlist.rows)), min(20, len(shortlist.rows))))
        indexes = range(len(session.events))[: 200 - case_count]
        effects = event_effects(ranker, shortlist, positions, indexes)
        for column, event_index in enumerate(indexes):
            without = removed_for_real(ranker, rank_request, shortlist, event_index)
            expected = (shortlist.model_scores - without)[positions]
            assert effects[:, column] == pytest.approx(expected, abs=1e-5), (case_count, text)
            moved_count += bool(np.abs(expected).max() > 1e-3)
            case_count += 1
    assert moved_count > 150
