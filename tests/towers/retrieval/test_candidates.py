"""Candidates: the union of what the sources find, and never an item that is not allowed."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType, Item
from data.synthetic import END_TIME
from tests.towers import shelf
from towers.catalog.filters import Filter
from towers.catalog.items import Catalog
from towers.config import IndexConfig
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex
from towers.ranking.ranker import Ranker
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.sources.lexical import Lexical
from towers.retrieval.sources.popular import Popular
from towers.sessions.session import Session
from towers.training.baselines import BASELINES, two_towers

NOW = END_TIME
SOURCES = ("learnt", "lexical", "semantic", "covisited", "neighbours", "bought", "popular")


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """Fresh sources for this file; tests that change them take their own."""
    return shelf.ranker()


def session_of(*item_ids: str, bought: tuple[str, ...] = (), query: str = "") -> Session:
    session = Session.empty("v")
    for number, item_id in enumerate(bought):
        event = Event(f"b{number}", EventType.PURCHASE, "v", NOW - 10_000 + number, item_id)
        session = session.after(event)
    for number, item_id in enumerate(item_ids):
        session = session.after(shelf.view(item_id, NOW - 100 + number))
    return session.after(shelf.search(query, NOW)) if query else session


def ask(
    ranker: Ranker, session: Session, text: str = "", **conditions: np.ndarray
) -> tuple[EncodedRequest, Candidates]:
    encoded = ranker.read(RankRequest(session, NOW, text, **conditions))
    return encoded, ranker.sources.find(encoded)


def list_of(found: Candidates, source: str) -> list[int]:
    """Rows that a source found, by their rank."""
    ranks = found.ranks[:, SOURCES.index(source)]
    placed = sorted((int(rank), int(row)) for rank, row in zip(ranks, found.rows, strict=True))
    rows = [row for rank, row in placed if rank >= 0]
    assert [rank for rank, _ in placed if rank >= 0] == list(range(len(rows)))
    return rows


def made_session(rng: random.Random) -> Session:
    ids = [item.item_id for item in shelf.items()]
    seen = rng.sample(ids, rng.randint(0, 6))
    query = rng.choice(["", "", "espresso", "智能手机", "moccado beans", "tomato"])
    return session_of(*seen, bought=tuple(rng.sample(ids, rng.randint(0, 9))), query=query)


def made_filter(rng: random.Random) -> Filter:
    item = rng.choice(shelf.items())
    return Filter(
        category=rng.choice([(), item.category[:1], item.category]),
        brands=rng.choice([(), (), (item.brand,)]),
        min_price=rng.choice([None, None, item.price]),
        max_price=rng.choice([None, None, item.price]),
        in_stock_only=rng.random() < 0.3,
    )


@pytest.mark.parametrize("narrow_rows", [20_000, 5])
def test_no_source_ever_brings_an_item_that_is_not_allowed(
    narrow_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("towers.retrieval.allowed_items._NARROW_ROWS", narrow_rows)
    ranker, rng = shelf.ranker(), random.Random(5)
    catalog = ranker.sources.catalog
    for item in rng.sample(shelf.items(), 20):
        catalog.upsert(replace(item, in_stock=False))
    for item in rng.sample(shelf.items(), 25):
        catalog.remove(item.item_id)
    for _ in range(150):
        mask = catalog.mask(made_filter(rng))
        excluded = np.array(rng.sample(range(240), rng.choice([0, 0, 12])), np.int64)
        session = made_session(rng)
        text = session.pending_search if rng.random() < 0.7 else ""
        _, found = ask(ranker, session, text, mask=mask, excluded=excluded)
        allowed = catalog.listed[:240] if mask is None else mask
        assert allowed[found.rows].all()
        assert not np.isin(found.rows, excluded).any()


@pytest.mark.parametrize("narrow_rows", [20_000, 0])
def test_the_learnt_source_is_never_short_while_allowed_items_exist(
    narrow_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where most of the shop is filtered, excluded or gone, and what is left lies far away."""
    monkeypatch.setattr("towers.retrieval.allowed_items._NARROW_ROWS", narrow_rows)
    ranker, rng = shelf.ranker(), random.Random(6)
    sources = ranker.sources
    sources.config = replace(sources.config, learnt_count=15)
    for gone in (0, 200):
        for item in shelf.items()[:gone]:
            sources.catalog.remove(item.item_id)
        for _ in range(40):
            mask = sources.catalog.mask(made_filter(rng))
            excluded = np.array(rng.sample(range(240), rng.choice([0, 30])), np.int64)
            session = made_session(rng)
            encoded, found = ask(ranker, session, "", mask=mask, excluded=excluded)
            allowed = sources.catalog.listed[:240].copy() if mask is None else mask.copy()
            allowed[excluded] = False
            learnt = list_of(found, "learnt")
            assert len(learnt) == min(15, int(allowed.sum()))
            assert sources.allowed_count(encoded.rank_request) == int(allowed.sum())


def test_the_nearest_items_are_those_of_a_full_sort(ranker: Ranker) -> None:
    rng = random.Random(7)
    for _ in range(40):
        mask = ranker.sources.catalog.mask(made_filter(rng))
        excluded = np.array(rng.sample(range(240), 9), np.int64)
        encoded, found = ask(ranker, made_session(rng), "", mask=mask, excluded=excluded)
        scores = ranker.sources.index.embeddings @ encoded.query_embedding
        rows = [
            row
            for row in range(240)
            if (mask is None or mask[row]) and row not in excluded.tolist()
        ]
        expected = sorted(rows, key=lambda row: (-scores[row], row))[:100]
        assert scores[list_of(found, "learnt")].tolist() == scores[expected].tolist()
        nearest = ranker.sources.nearest(encoded, 7)
        assert scores[nearest].tolist() == scores[expected[:7]].tolist()


def test_a_masked_search_through_the_tree_is_as_long_as_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With ScaNN's tree, a mask of the farthest third of the shop still fills the list."""
    monkeypatch.setattr("towers.retrieval.allowed_items._NARROW_ROWS", 10)
    ranker = shelf.ranker()
    embeddings = shelf.models().embeddings
    ranker.sources.index = ItemIndex.build(
        embeddings, IndexConfig(exact_item_limit=0, neighbours_checked=20), embeddings[:30]
    )
    encoded = ranker.read(RankRequest(session_of("p0000"), NOW))
    scores = embeddings @ encoded.query_embedding
    mask = scores < np.quantile(scores, 0.33)
    _, found = ask(ranker, session_of("p0000"), mask=mask)
    learnt = list_of(found, "learnt")
    assert len(learnt) == min(100, int(mask.sum())) and mask[learnt].all()


def surging_first(sources: Sources, rows: np.ndarray) -> np.ndarray:
    """Of the five items most in demand this hour those in eight times the usual, then ``rows``."""
    top = sources.surge.top(5)
    # An hour's share of the demand of three days.
    usual = sources.trend.at(top, NOW) / 72
    surging = top[1 + sources.surge.at(top, NOW) >= 8 * (1 + usual)]
    return np.array(list(dict.fromkeys([*surging.tolist(), *rows.tolist()])))


def test_every_source_lists_what_it_says_itself(ranker: Ranker) -> None:
    sources, rng = ranker.sources, random.Random(8)
    for _ in range(30):
        session = made_session(rng)
        encoded, found = ask(ranker, session)
        weights = encoded.summary.interest[:10] * 0.8 ** np.arange(
            min(10, len(encoded.summary.rows))
        )
        expected = {
            "covisited": sources.cooccurrence.together(encoded.summary.rows[:10], weights).top(40),
            "neighbours": sources.session_knn.votes(encoded.summary.rows).top(40),
            "popular": surging_first(sources, sources.trend.top(50))[:20],
        }
        if not len(encoded.summary.rows):
            expected["covisited"] = expected["neighbours"] = np.zeros(0)
        for source, rows in expected.items():
            assert list_of(found, source) == rows.tolist(), source
        if encoded.text:
            rows, scores = sources.lexical.search(sources.lexical.parse(encoded.text), 60)
            assert list_of(found, "lexical") == rows.tolist()
            assert np.array_equal(found.scores["lexical"].at(rows), scores)
        most = sorted(
            range(len(encoded.summary.bought_rows)),
            key=lambda position: -encoded.summary.bought_counts[position],
        )
        assert list_of(found, "bought") == encoded.summary.bought_rows[most][:60].tolist()


def test_the_union_holds_each_row_once_with_the_rank_in_every_source(ranker: Ranker) -> None:
    _, found = ask(ranker, session_of("p0004", "p0020", bought=("p0004", "p0011")))
    assert found.rows.tolist() == sorted(set(found.rows.tolist()))
    union = set().union(*(list_of(found, source) for source in SOURCES))
    assert union == set(found.rows.tolist())
    assert found.ranks.shape == (len(found.rows), len(SOURCES))


def test_a_search_asks_words_and_meaning_alone(ranker: Ranker) -> None:
    session = session_of("p0004", bought=("p0011",), query="espresso")
    _, found = ask(ranker, session, "espresso")
    for source in ("covisited", "neighbours", "bought", "popular"):
        assert list_of(found, source) == []
    assert list_of(found, "lexical") and list_of(found, "learnt")
    # What was clicked still scores the items that words find.
    assert len(found.scores["covisited"].rows)


def test_a_pending_search_brings_its_words_to_the_next_browse_page(ranker: Ranker) -> None:
    _, found = ask(ranker, session_of("p0004", query="espresso"))
    assert list_of(found, "lexical") and list_of(found, "popular")


@pytest.mark.parametrize(
    ("away", "text", "missing"),
    [
        ("lexical", "espresso", ("lexical",)),
        ("lexical", "", ()),
        ("cooccurrence", "", ("covisited",)),
        ("session_knn", "", ("neighbours",)),
        ("cooccurrence", "espresso", ()),
    ],
)
def test_a_source_that_is_away_is_named_and_the_others_answer(
    away: str, text: str, missing: tuple[str, ...]
) -> None:
    ranker = shelf.ranker()
    setattr(ranker.sources, away, None)
    session = session_of("p0004", "p0010", query=text)
    _, found = ask(ranker, session, text)
    assert found.missing == missing
    assert len(list_of(found, "learnt")) == 100


def test_nothing_allowed_is_nothing_found(ranker: Ranker) -> None:
    nothing = np.zeros(240, bool)
    encoded, found = ask(ranker, session_of("p0004"), mask=nothing)
    assert len(found.rows) == 0 and found.ranks.shape == (0, len(SOURCES))
    assert ranker.sources.allowed_count(encoded.rank_request) == 0


def test_an_item_that_came_in_after_the_mask_was_made_is_not_shown() -> None:
    ranker = shelf.ranker()
    mask = ranker.sources.catalog.mask(Filter(in_stock_only=True))
    new = replace(shelf.items()[4], item_id="new")
    row, _ = ranker.sources.catalog.upsert(new)
    ranker.sources.index.put(row, shelf.models().embeddings[4])
    assert row == 240
    encoded, found = ask(ranker, session_of("p0004"), mask=mask)
    assert row not in found.rows and row not in ranker.sources.nearest(encoded, 300)
    encoded, _ = ask(ranker, session_of("p0004"))
    assert row in ranker.sources.nearest(encoded, 300)


def popular_of(sources: Sources, time: float) -> list[int]:
    return sources.popular.rows(time, 20)[:5].tolist()


def test_what_is_popular_is_looked_up_every_few_seconds() -> None:
    sources = shelf.sources(None)
    before = popular_of(sources, NOW)
    irrelevant = next(row for row in range(239, -1, -1) if row not in sources.trend.top(50))
    for number in range(500):
        event = Event(f"n{number}", EventType.PURCHASE, f"v{number}", NOW, "i")
        sources.take_in_event(irrelevant, event)
    assert popular_of(sources, NOW + 4.9) == before
    assert popular_of(sources, NOW + 5.0)[0] == irrelevant
    # A clock that goes back asks anew as well.
    assert popular_of(sources, NOW - 100)[0] == irrelevant


def test_where_little_happened_lately_the_popular_of_longer_ago_fill_up() -> None:
    sources = shelf.sources(None)
    sources.popular = Popular(popularity=sources.popularity)
    sources.trend.add(7, 1.0, NOW)
    rows = sources.popular.rows(NOW, 20)
    long = sources.popularity.top(200)
    assert rows.tolist() == [7, *(row for row in long.tolist() if row != 7)]


@pytest.mark.parametrize("name", [*BASELINES, "two_towers"])
def test_a_baseline_fills_its_list_with_listed_items_each_once(name: str) -> None:
    ranker, rng = shelf.ranker(), random.Random(9)
    for item in rng.sample(shelf.items(), 30):
        ranker.sources.catalog.remove(item.item_id)
    baseline = BASELINES.get(name, two_towers)
    relevant = set(ranker.sources.popularity.top(1_000).tolist())
    for _ in range(20):
        excluded = np.array(rng.sample(range(240), 10), np.int64)
        encoded, _ = ask(ranker, made_session(rng), excluded=excluded)
        rows = baseline(encoded, ranker.sources, 20)
        allowed = {row for row in relevant if ranker.sources.catalog.listed[row]} - set(
            excluded.tolist()
        )
        assert len(rows) == len(set(rows.tolist())) == min(20, len(allowed))
        assert ranker.sources.catalog.listed[rows].all()
        assert not np.isin(rows, excluded).any()


def test_baselines_rank_by_what_their_names_say(ranker: Ranker) -> None:
    sources = ranker.sources
    encoded, _ = ask(ranker, session_of("p0004", "p0020", bought=("p0030", "p0031", "p0030")))
    long = sources.popularity.top(300)
    assert BASELINES["popular"](encoded, sources, 30).tolist() == long[:30].tolist()
    trend = sources.trend.top(300)
    assert BASELINES["trending"](encoded, sources, 30).tolist() == trend[:30].tolist()
    assert BASELINES["bought_most"](encoded, sources, 2).tolist() == [30, 31]
    nearest = sources.session_knn.votes(encoded.summary.rows).top(10)
    assert BASELINES["session_knn"](encoded, sources, 10).tolist() == nearest.tolist()
    together = sources.cooccurrence.together(encoded.summary.rows, encoded.summary.interest).top(10)
    assert BASELINES["covisited"](encoded, sources, 10).tolist() == together.tolist()


@pytest.mark.parametrize("name", BASELINES)
def test_an_anonymous_visitor_gets_what_is_popular_from_every_baseline_but_the_trend(
    ranker: Ranker, name: str
) -> None:
    encoded, _ = ask(ranker, Session.empty("v"))
    counts = ranker.sources.trend if name == "trending" else ranker.sources.popularity
    found = BASELINES[name](encoded, ranker.sources, 10)
    assert found.tolist() == counts.top(10).tolist()


@pytest.mark.parametrize("name", ["covisited", "session_knn"])
def test_a_baseline_whose_source_is_away_falls_back_to_what_is_popular(name: str) -> None:
    ranker = shelf.ranker()
    encoded, _ = ask(ranker, session_of("p0004"))
    ranker.sources.cooccurrence = ranker.sources.session_knn = None
    popular = ranker.sources.popularity.top(10)
    assert BASELINES[name](encoded, ranker.sources, 10).tolist() == popular.tolist()


def test_words_find_as_many_allowed_items_as_there_are_however_low_they_stand(
    tmp_path: Path,
) -> None:
    # A short title stands above a long one: all that is allowed stands below what is not.
    items = [
        Item(f"i{n}", "paint" if n < 900 else "paint" + " and more" * 20) for n in range(1_000)
    ]
    words, catalog = LexicalIndex.build(items, tmp_path), Catalog.of(items, shelf.CONFIG.text)
    mask = np.arange(1_000) >= 900
    allowed = AllowedItems(catalog, mask, np.zeros(0, np.int64))
    assert allowed.widened(40) == 800
    query = words.parse("paint")
    rows, scores, _ = Lexical(words).hits(query, allowed, 40)
    assert len(rows) == len(scores) and len(allowed.only(rows)) >= 40
    everything = allowed.only(words.search(query, 1_000)[0])
    assert allowed.only(rows)[:40].tolist() == everything[:40].tolist()
