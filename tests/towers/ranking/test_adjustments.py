"""Fixed rules that adjust the model's scores, each a column of its own."""

from __future__ import annotations

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from tests.towers import shelf
from towers.ranking.adjustments import cheapness
from towers.ranking.shortlist import Shortlist
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

NOW = END_TIME


def disliking(item_id: str) -> Session:
    session = Session.empty("v").after(shelf.view("p0004", NOW - 100))
    bad = Event("r", EventType.REVIEW, "v", NOW - 50, item_id=item_id, rating=1.0)
    return session.after(bad)


def test_what_is_disliked_is_pushed_down_with_its_like_and_nothing_else_moves() -> None:
    ranker = shelf.ranker()
    embeddings = ranker.sources.index.embeddings
    shortlist = ranker.rank(RankRequest(disliking("p0030"), NOW))
    scores = ranker.reranker.scores(shortlist.features)
    fall = scores - shortlist.scores
    similarity = embeddings[shortlist.rows] @ embeddings[30]
    # The nearest 2 % of 240 items, itself included: four others.
    fifth = sorted((embeddings[:240] @ embeddings[30]).tolist(), reverse=True)[4]
    assert fifth > 0.3
    expected = 3.0 * float(scores.std()) * np.clip((similarity - fifth) / (1 - fifth), 0.0, 1.0)
    assert fall.tolist() == pytest.approx(expected.tolist(), abs=1e-4)
    assert 1 <= np.count_nonzero(fall > 1e-4) <= 5
    assert fall.argmax() == shortlist.rows.tolist().index(30)
    assert set(shortlist.adjustments) == {"negative_feedback"}


def test_what_is_as_similar_to_a_liked_item_is_not_pushed() -> None:
    ranker = shelf.ranker()
    embeddings = ranker.sources.index.embeddings[:240]
    nearest = np.argsort(-(embeddings @ embeddings[30]), kind="stable")
    liked = int(nearest[nearest != 30][0])
    favourite = Event("f", EventType.FAVORITE, "v", NOW - 20, item_id=f"p{liked:04}")
    pushed = []
    for session in (disliking("p0030"), disliking("p0030").after(favourite)):
        request = RankRequest(session, NOW, mask=np.isin(np.arange(240), nearest[:12]))
        shortlist = ranker.rank(request)
        column = shortlist.adjustments["negative_feedback"]
        pushed.append(dict(zip(shortlist.rows.tolist(), column.tolist(), strict=True)))
    before, after = pushed
    assert before[liked] < 0 and before[30] < before[liked]
    assert after[30] < 0 and after[liked] == 0
    to_liked, to_disliked = embeddings @ embeddings[liked], embeddings @ embeddings[30]
    for row, push in after.items():
        assert push == 0 or to_disliked[row] > to_liked[row]


def shortlists() -> list[Shortlist]:
    ranker = shelf.ranker()
    for number in range(60):
        event = Event(f"b{number}", EventType.PURCHASE, f"c{number}", NOW, item_id="p0030")
        ranker.record(event)
    session = Session.empty("v").after(shelf.search("p0033", NOW))
    return [
        ranker.rank(RankRequest(Session.empty(""), NOW)),
        ranker.rank(RankRequest(disliking("p0030"), NOW)),
        ranker.rank(RankRequest(session, NOW, "p0033")),
    ]


def test_scores_are_the_sum_of_the_columns_and_the_order() -> None:
    names = []
    for shortlist in shortlists():
        boost = np.linspace(-1, 1, len(shortlist.rows)).astype(np.float32)
        for one in (shortlist, shortlist.merchandised({"spring": boost, "sale": -2 * boost})):
            total = one.model_scores.astype(float)
            for column in (*one.adjustments.values(), *one.merchandising.values()):
                total = total + column
            assert one.scores.tolist() == pytest.approx(total.tolist(), rel=1e-5, abs=1e-5)
            assert (np.diff(one.scores) <= 0).all()
        names.append([*shortlist.adjustments])
    assert names == [["surge"], ["negative_feedback"], ["exact_code"]]


def test_cheapness_is_the_share_of_peers_that_are_dearer() -> None:
    prices = np.array([5.0, 9.0, 9.0, 30.0, 7.0])
    everyone = np.ones((5, 5), bool)
    expected = [4 / 4, 1.5 / 4, 1.5 / 4, 0.0, 3 / 4]
    assert cheapness(prices, everyone).tolist() == pytest.approx(expected)
    categories = np.array([1, 1, 2, 2, 3])
    in_category = cheapness(prices, categories[:, None] == categories)
    assert in_category.tolist() == [1.0, 0.0, 1.0, 0.0, 0.5]


def test_a_shortlist_is_frozen_all_the_way_down() -> None:
    shortlist = shortlists()[1]
    arrays = [shortlist.rows, shortlist.scores, shortlist.model_scores, shortlist.features]
    arrays += [shortlist.ranks, *shortlist.adjustments.values()]
    arrays += [shortlist.encoded.rank_request.excluded]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    with pytest.raises(TypeError):
        shortlist.adjustments["other"] = shortlist.scores  # type: ignore[index]
