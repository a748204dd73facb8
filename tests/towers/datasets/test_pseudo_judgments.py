"""Made queries, and the gains of items for what they mean."""

from __future__ import annotations

import numpy as np
import pytest

from data.records import Item
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.datasets.examples import query_fold
from towers.datasets.head_queries import head_queries
from towers.datasets.pseudo_judgments import (
    HELD_OUT_FOLDS,
    RARE,
    MadeQuery,
    graded,
    held_out_queries,
    made_queries,
)
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex
from towers.ranking.ranker import Ranker
from towers.retrieval.candidates import Sources
from towers.retrieval.sources.learnt import Learnt
from towers.retrieval.sources.lexical import Lexical

_ITEMS = [
    Item("camera", "Compact camera black", category=("Photo", "Cameras")),
    Item("bag", "Camera bag for compact models", category=("Photo", "Bags")),
    Item("lens", "Camera lens 50 mm", category=("Photo", "Lenses")),
    Item("rug", "Wool rug", category=("Home", "Rugs")),
    Item("other", "System camera", category=("Photo", "Cameras")),
]
_CAMERA, _BAG, _LENS, _RUG, _OTHER = range(5)


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    vectors = np.eye(5, 16, dtype=np.float32)
    sources = Sources(
        Catalog.of(_ITEMS, TextConfig()),
        [Learnt(ItemIndex.build(vectors, shelf.CONFIG.index, vectors))],
        config=shelf.CONFIG.sources,
    )
    sources.put(Lexical.name, Lexical(LexicalIndex.build(_ITEMS)))
    return shelf.ranker_of(sources)


def gains(ranker: Ranker, text: str, meant: str = "", row: int = -1) -> list[float]:
    query = MadeQuery(text, meant or text, row)
    found = graded(ranker, query, np.arange(5))
    assert found.dtype == np.float32 and np.isfinite(found).all()
    assert (found >= 0).all() and found.max() <= 1
    return found.tolist()


def test_the_thing_comes_before_what_goes_with_it(ranker: Ranker) -> None:
    found = gains(ranker, "camera")
    assert found[_CAMERA] == found[_OTHER] == 1.0
    assert found[_CAMERA] > found[_BAG] > 0 and found[_CAMERA] > found[_LENS] > 0
    assert found[_RUG] == 0


def test_half_of_the_words_is_the_least(ranker: Ranker) -> None:
    found = gains(ranker, "compact camera")
    assert found[_CAMERA] == 1.0 > found[_BAG] > 0
    assert found[_RUG] == 0
    # One of three words, none of them rarer than the others.
    assert gains(ranker, "wool camera bag")[_RUG] == 0


def test_a_typo_does_not_change_what_is_meant(ranker: Ranker) -> None:
    assert gains(ranker, "camrea bag", "camera bag") == gains(ranker, "camera bag")
    assert gains(ranker, "zzzz", "camera bag") == gains(ranker, "camera bag")


def test_the_item_that_a_query_was_made_of_is_always_relevant(ranker: Ranker) -> None:
    assert gains(ranker, "camera", row=_LENS)[_LENS] > gains(ranker, "camera")[_LENS]
    assert gains(ranker, "camera", row=_RUG)[_RUG] > 0


def test_a_query_without_words_wants_its_own_item_and_no_match_gives_no_gains(
    ranker: Ranker,
) -> None:
    assert gains(ranker, "!!!", row=_BAG) == [0.0, 1.0, 0.0, 0.0, 0.0]
    assert graded(ranker, MadeQuery("rug", "rug"), np.array([_CAMERA, _BAG])).tolist() == [0, 0]
    assert graded(ranker, MadeQuery("rug", "rug"), np.zeros(0, np.int64)).shape == (0,)


def test_made_queries_are_distinct_limited_and_decided_by_the_seed() -> None:
    catalog = shelf.catalog()
    made = made_queries(catalog, 200, seed=1)
    assert 100 < len(made) <= 200 and len(set(made)) == len(made)
    assert made == made_queries(catalog, 200, seed=1) != made_queries(catalog, 200, seed=2)
    of_items = [query for query in made if query.row >= 0]
    assert of_items and len(of_items) < len(made)
    assert any(query.text != query.meant for query in of_items)
    assert made_queries(Catalog.of([], TextConfig()), 200, seed=1) == []


def test_what_is_held_out_is_in_no_head_query_that_trains() -> None:
    catalog = shelf.catalog()
    held_out = {q.meant for q in held_out_queries(catalog, seed=1) if q.kind != RARE}
    heads = {q.meant for q in made_queries(catalog, 10_000, seed=1) if q.row < 0}
    assert held_out and heads and held_out.isdisjoint(heads)
    everything = {query.meant for query in head_queries(catalog, limit=400, seed=1)}
    assert held_out | heads == everything
    assert {query_fold(meant) in HELD_OUT_FOLDS for meant in held_out} == {True}


def test_rare_words_are_those_of_one_title_and_ask_for_its_item() -> None:
    titles = [
        "Bosch GSB18V55 drill",
        "Bosch drill oak",
        "Oak table T9",
        "oak (walnut) chair",
        "Rugs",
    ]
    items = [Item(f"i{number}", title) for number, title in enumerate(titles)]
    catalog = Catalog.of(items, TextConfig())
    rare = [query for query in held_out_queries(catalog, seed=1) if query.kind == RARE]
    # Not "t9" and "rugs", which are short, nor "(walnut)", which has signs.
    assert {query.text for query in rare} == {"gsb18v55", "table", "chair"}
    for query in rare:
        assert query.meant == query.text
        assert sum(query.text in title.lower().split() for title in titles) == 1
    assert {query.stems for query in rare} >= {("gsb18v55",), ("tabl",)}
