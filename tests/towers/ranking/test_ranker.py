"""The pipeline from a request to a ranked shortlist."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from tests.towers import shelf
from towers.bundle.golden import check_golden, golden_answers
from towers.datasets.ranking_lists import basket_rows
from towers.ranking.explanations import event_effects, feature_effects
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURE_NAMES, feature_matrix
from towers.ranking.litert_models import LiteModel
from towers.ranking.ranker import CANDIDATE_LIMIT, Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.text.query_rewriter import clear_caches

NOW = END_TIME


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """Fresh sources for this file; tests that change them take their own."""
    return shelf.ranker()


def session_of(*item_ids: str, query: str = "") -> Session:
    session = Session.empty("v")
    for number, item_id in enumerate(item_ids):
        session = session.after(shelf.view(item_id, NOW - 100 + number))
    return session.after(shelf.search(query, NOW)) if query else session


def search_for(query: str, *item_ids: str) -> RankRequest:
    return RankRequest(session_of(*item_ids, query=query), NOW, query)


QUESTIONS = [
    RankRequest(Session.empty("v"), NOW),
    RankRequest(session_of("p0004", "p0020", "p0005"), NOW),
    search_for("espresso"),
    search_for("智能手机 轻薄", "p0004"),
    RankRequest(session_of("p0004", query="espresso"), NOW, excluded=np.array([4, 5, 6])),
]


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_a_shortlist_is_the_candidates_by_the_rerankers_scores(ranker: Ranker, number: int) -> None:
    shortlist = ranker.rank(QUESTIONS[number])
    found = ranker.candidates(shortlist.encoded)
    assert sorted(shortlist.rows.tolist()) == found.rows.tolist()
    scores = dict(
        zip(
            shortlist.rows.tolist(),
            ranker.reranker.scores(shortlist.features).tolist(),
            strict=True,
        )
    )
    expected = sorted(scores, key=lambda row: (-scores[row], row))
    assert shortlist.rows.tolist() == expected
    assert shortlist.scores.tolist() == pytest.approx([scores[row] for row in expected], abs=1e-5)
    by_row = dict(zip(found.rows.tolist(), found.ranks.tolist(), strict=True))
    assert shortlist.ranks.tolist() == [by_row[row] for row in shortlist.rows.tolist()]
    assert shortlist.features.shape == (len(shortlist.rows), len(FEATURE_NAMES))
    assert shortlist.missing == ()


def test_the_same_question_has_the_same_answer(ranker: Ranker) -> None:
    for rank_request in QUESTIONS:
        one, other = ranker.rank(rank_request), ranker.rank(rank_request)
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.scores, other.scores)


def test_threads_get_the_answers_of_one_alone(ranker: Ranker) -> None:
    expected = [ranker.rank(rank_request).rows.tolist() for rank_request in QUESTIONS]
    lexical = ranker.sources.lexical
    assert lexical is not None
    wrong: list[int] = []
    barrier = threading.Barrier(4)

    def ask(times: int) -> None:
        for number in range(times):
            position = number % len(QUESTIONS)
            if not position:
                # All threads meet empty caches, and fill them together.
                barrier.wait()
                lexical.clear()
                clear_caches()
            if ranker.rank(QUESTIONS[position]).rows.tolist() != expected[position]:
                wrong.append(position)

    threads = [threading.Thread(target=ask, args=(25,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_without_a_reranker_the_sources_ranks_are_fused_and_the_answer_says_so() -> None:
    ranker = shelf.ranker()
    ranker.reranker = None
    shortlist = ranker.rank(QUESTIONS[1])
    assert shortlist.missing == ("reranker",)
    by_hand = [sum(1 / (60 + rank) for rank in ranks if rank >= 0) for ranks in shortlist.ranks]
    assert shortlist.scores.tolist() == pytest.approx(by_hand)
    assert by_hand == sorted(by_hand, reverse=True)
    means = np.zeros(len(FEATURE_NAMES), np.float32)
    assert not feature_effects(ranker, shortlist, np.arange(3), means).any()


def test_parts_that_are_away_are_all_named() -> None:
    ranker = shelf.ranker()
    ranker.reranker, ranker.sources.lexical = None, None
    assert ranker.rank(search_for("espresso")).missing == ("lexical", "reranker")


def test_too_many_candidates_are_cut_by_the_fixed_fusion(
    ranker: Ranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = ranker.read(QUESTIONS[1])
    whole = ranker.sources.find(encoded)
    monkeypatch.setattr("towers.ranking.ranker.CANDIDATE_LIMIT", 40)
    cut = ranker.candidates(encoded)
    assert len(cut.rows) == 40 < len(whole.rows) <= CANDIDATE_LIMIT
    fusion = dict(zip(whole.rows.tolist(), ranker.fused(encoded, whole).tolist(), strict=True))
    worst_kept = min(fusion[row] for row in cut.rows.tolist())
    assert all(value <= worst_kept for row, value in fusion.items() if row not in cut.rows)
    assert cut.rows.tolist() == sorted(cut.rows.tolist())


def test_nothing_allowed_is_an_empty_answer(ranker: Ranker) -> None:
    nothing = np.zeros(240, bool)
    for rank_request in QUESTIONS:
        shortlist = ranker.rank(replace(rank_request, mask=nothing))
        assert len(shortlist.rows) == len(shortlist.scores) == 0
        assert event_effects(ranker, shortlist, np.arange(0), range(0)).shape == (0, 0)


def test_events_of_known_items_are_counted_in_both_popularities() -> None:
    ranker = shelf.ranker()
    before = [
        counts.at(np.array([9]), NOW)[0]
        for counts in (ranker.sources.popularity, ranker.sources.trend)
    ]
    bought = Event("n", EventType.PURCHASE, "v", NOW, item_id="p0009")
    assert ranker.record(bought)
    after = [
        counts.at(np.array([9]), NOW)[0]
        for counts in (ranker.sources.popularity, ranker.sources.trend)
    ]
    assert after == pytest.approx([value + 1.0 for value in before])
    assert not ranker.record(replace(bought, item_id="unknown"))
    assert ranker.record(shelf.search("milk", NOW))


def test_golden_answers_come_again_from_the_same_ranker(ranker: Ranker) -> None:
    queries = ("moccado espresso", "智能手机", "tomato")
    golden = golden_answers(ranker, queries, time=NOW)
    assert [entry["query"] for entry in golden] == list(queries)
    model = LiteModel(shelf.models().reranker)
    for entry in golden:
        session = Session.empty("").after(shelf.search(entry["query"], NOW))
        encoded = ranker.read(RankRequest(session, NOW, entry["query"]))
        found = ranker.candidates(encoded)
        features = feature_matrix(FeatureContext(encoded, found, ranker.sources))
        scores = model.run(features=features).tolist()
        best = sorted(
            zip(scores, found.rows.tolist(), strict=True), key=lambda one: (-one[0], one[1])
        )
        ids = [ranker.sources.catalog.item_ids[row] for _, row in best[:10]]
        assert entry["item_ids"] == ids
    check_golden(ranker, golden)
    check_golden(ranker, ())


def test_what_is_in_the_basket_is_told_by_row(ranker: Ranker) -> None:
    put = Event("c", EventType.ADD_TO_CART, "v", NOW - 9, item_id="p0030")
    unknown = replace(put, item_id="unknown")
    session = session_of("p0004").after(put).after(unknown)
    assert basket_rows(ranker, session).tolist() == [30]
    assert basket_rows(ranker, Session.empty("v")).tolist() == []


def test_the_query_tower_reads_the_correction_of_a_typo(ranker: Ranker) -> None:
    lexical = ranker.sources.lexical
    assert lexical is not None
    word = max((w for w in lexical.rewriter.counts if w.isalpha() and len(w) > 6), key=len)
    slip = word[:3] + word[4:]
    assert lexical.rewriter.counts.get(slip) is None and lexical.parse(slip).corrections == {
        slip: word
    }
    nearness = {}
    for text in (word, slip):
        nearness[text] = ranker.read(search_for(text)).query_embedding
    ranker.sources.lexical = None
    try:
        as_typed = ranker.read(search_for(slip)).query_embedding
    finally:
        ranker.sources.lexical = lexical
    assert nearness[slip] @ nearness[word] > as_typed @ nearness[word]
