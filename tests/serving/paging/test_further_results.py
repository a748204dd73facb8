"""What follows the shortlist: other matching items, then the nearest of all others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.synthetic import END_TIME
from serving.paging import further_results
from serving.paging.further_results import FurtherResults
from tests.towers import shelf
from towers.catalog.filters import Filter
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

NOW = END_TIME + 60
LAST = np.float32(0.25)


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return shelf.ranker()


def search_for(text: str) -> RankRequest:
    return RankRequest(Session.empty("v").after(shelf.search(text, NOW)), NOW, text)


def after(
    ranker: Ranker, shortlist: Shortlist, count: int, matching: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    missing: list[str] = []
    further = FurtherResults(ranker.sources, shortlist.encoded)
    if matching is not None:
        further = replace(further, matching=matching)
    found = further.after(shortlist.rows, LAST, count, missing)
    assert not missing
    return found


def test_without_matching_items_the_nearest_allowed_ones_follow(ranker: Ranker) -> None:
    mask = ranker.sources.catalog.mask(Filter(category=("Kitchen",)))
    assert mask is not None
    request = replace(search_for("espresso"), mask=mask, excluded=np.array([0, 1]))
    shortlist = ranker.rank(request)
    shortlist = shortlist.only(np.arange(len(shortlist.rows)) < 9, shortlist.encoded)
    rows, scores = after(ranker, shortlist, 1_000)
    allowed = {row for row in range(240) if mask[row]} - {0, 1}
    assert set(rows.tolist()) == allowed - set(shortlist.rows.tolist())
    nearness = ranker.sources.index.embeddings[rows] @ shortlist.encoded.query_embedding
    assert (np.diff(nearness) <= 1e-6).all()
    assert (np.diff(scores) <= 1e-6).all() and (scores < LAST).all()
    assert after(ranker, shortlist, 3)[0].tolist() == rows[:3].tolist()
    assert len(after(ranker, shortlist, 0)[0]) == 0


def test_matching_items_come_first_by_their_words_and_their_nearness(ranker: Ranker) -> None:
    shortlist = ranker.rank(search_for("espresso"))
    shortlist = shortlist.only(np.arange(len(shortlist.rows)) < 2, shortlist.encoded)
    sources, encoded = ranker.sources, shortlist.encoded
    assert sources.lexical is not None
    hits, bm25 = sources.lexical.search(encoded.query, 240)
    matching = np.sort(np.union1d(hits[:6], [0, 1]))
    rows, scores = after(ranker, shortlist, 240, matching)
    first = [row for row in matching.tolist() if row not in shortlist.rows]
    assert sorted(rows[: len(first)].tolist()) == first
    nearness = sources.index.embeddings[first] @ encoded.query_embedding
    of_words = [dict(zip(hits.tolist(), bm25.tolist(), strict=True)).get(row, 0.0) for row in first]
    fused = np.array(of_words) / max(of_words) + 0.3 * nearness / nearness.max()
    expected = [first[position] for position in np.argsort(-fused).tolist()]
    assert rows[: len(first)].tolist() == expected
    assert len(rows) == len(set(rows.tolist())) == 240 - len(shortlist.rows)
    assert (np.diff(scores) <= 1e-6).all() and (scores < LAST).all()
    assert after(ranker, shortlist, 2, matching)[0].tolist() == expected[:2]


def test_nothing_follows_where_nothing_is_allowed(ranker: Ranker) -> None:
    shortlist = ranker.rank(replace(search_for("espresso"), mask=np.zeros(240, bool)))
    assert len(after(ranker, shortlist, 5)[0]) == 0


def test_a_failing_index_is_named_and_nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    ranker = shelf.ranker()
    ranker.sources.stages.tolerate()
    shortlist = ranker.rank(search_for("espresso"))

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(ranker.sources.index, "scores", fail)
    missing: list[str] = []
    further = FurtherResults(ranker.sources, shortlist.encoded, np.array([3]))
    rows, scores = further.after(shortlist.rows[:1], LAST, 5, missing)
    assert (len(rows), len(scores)) == (0, 0) and set(missing) <= {"lexical", "learnt"} and missing


def test_scores_of_hits_in_any_order_are_those_of_a_dictionary() -> None:
    rng = np.random.default_rng(3)
    hits = rng.permutation(500)[:200]
    scores = rng.random(200).astype(np.float32)
    known = dict(zip(hits.tolist(), scores.tolist(), strict=True))
    rows = np.sort(rng.permutation(700)[:90])
    found = further_results._at(rows, hits, scores)
    assert found.dtype == np.float32
    assert found.tolist() == [known.get(row, 0.0) for row in rows.tolist()]
    nothing = np.zeros(0, np.int64)
    assert not further_results._at(rows, nothing, np.zeros(0, np.float32)).any()
