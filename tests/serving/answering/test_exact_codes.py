"""Who types an item's own id is shown that item first, whatever the models think of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from data.records import Item
from data.synthetic import END_TIME
from serving.api.requests import Filter, SearchRequest
from serving.engine import Engine
from tests.serving.answering.test_explanations import BAD_REVIEW
from tests.towers import shelf
from towers.ranking.adjustments import EXACT_CODE

NOW = END_TIME + 60.0


def first(engine: Engine, query: str, count: int = 1, filter_: Filter | None = None) -> list[str]:
    request = SearchRequest(query, "v", count, filter=filter_ or Filter(), record=False)
    return [result.item_id for result in engine.search(request).results]


def test_the_own_id_of_every_item_finds_it_first(shelf_engine: Callable[..., Engine]) -> None:
    # Not even a boost of everything else, or a bad review, comes before it.
    rules = '[[boost]]\ncategories = ["Kitchen", "Garden"]\nstrength = 10\n'
    engine = shelf_engine(rules * 3)
    engine.record([shelf.view("p0004", NOW - 20), BAD_REVIEW])
    ids = engine.bundle.catalog.item_ids
    assert len(ids) == 240
    assert [first(engine, one) for one in ids] == [[one] for one in ids]
    titled = [
        f"{engine.bundle.catalog.titles[row].split()[0]} {one}" for row, one in enumerate(ids)
    ]
    assert [first(engine, one) for one in titled] == [[one] for one in ids]
    engine.bundle.ranker.reranker = None
    assert [first(engine, one) for one in ids] == [[one] for one in ids]


def test_part_of_an_id_is_no_id(shelf_engine: Callable[..., Engine]) -> None:
    engine = shelf_engine()
    plain = engine.search(SearchRequest("p012", page_size=100, record=False))
    assert all(one.adjustments == () for one in plain.results)
    answer = engine.search(SearchRequest("p0123", page_size=3, record=False))
    lifted = [{part.name for part in one.adjustments} & {EXACT_CODE} for one in answer.results]
    assert lifted == [{EXACT_CODE}, set(), set()]
    assert answer.results[0].item_id == "p0123"
    parts = sum(part.amount for part in answer.results[0].adjustments)
    assert answer.results[0].score == pytest.approx(answer.results[0].model_score + parts, rel=1e-5)


@pytest.mark.parametrize("item_id", ["m1", "17", "oat-drink", "Ä", "K 9"])
def test_an_id_that_is_short_or_a_word_finds_its_item_too(
    shelf_engine: Callable[..., Engine], item_id: str
) -> None:
    engine = shelf_engine()
    engine.update_items([Item(item_id, "Garden gnome", category=("Garden",), price=3.0)])
    answer = engine.search(SearchRequest(item_id, page_size=5, record=False))
    assert answer.results[0].item_id == item_id
    assert answer.results[0].sources and answer.relaxations == ()
    # What must not be shown stays away.
    assert item_id not in first(engine, item_id, 100, Filter(category=("Kitchen",)))
    engine.delete_items([item_id])
    assert item_id not in first(engine, item_id, 100)


@pytest.mark.parametrize(
    ("typed", "found"), [("k9", "K9"), ("GNOME-2", "gnome-2"), ("usb", None), ("4k", None)]
)
def test_an_id_with_a_digit_is_known_in_other_letters_and_what_is_a_word_is_none(
    shelf_engine: Callable[..., Engine], typed: str, found: str | None
) -> None:
    engine = shelf_engine()
    ids = ("K9", "gnome-2", "USB", "4K")
    engine.update_items([Item(one, "Garden dwarf") for one in ids] + [Item("tv", "Screen 4k")])
    answer = engine.search(SearchRequest(typed, page_size=5, record=False))
    lifted = [
        result.item_id
        for result in answer.results
        if EXACT_CODE in {part.name for part in result.adjustments}
    ]
    assert lifted == ([] if found is None else [found])
    if found is not None:
        # Nothing holds the typed text as a word, and the item is what was asked for all the same.
        assert answer.results[0].item_id == found and answer.relevant_count == 1
    # With both in the catalogue, the one that was typed.
    engine.update_items([Item(typed, "Garden gnome")])
    assert first(engine, typed) == [typed]


def test_an_own_id_comes_before_the_same_number_of_other_items(
    shelf_engine: Callable[..., Engine],
) -> None:
    engine = shelf_engine()
    goods = [
        Item(f"new{n}", "Velox shoes", category=("Sports",), attributes={"SKU": "KX-900"})
        for n in range(5)
    ]
    goods += [Item("KX900", "Rake"), Item("kx 900", "Other rake")]
    engine.update_items(goods)
    found = first(engine, "KX900", 8)
    assert found[0] == "KX900" and found[1] == "kx 900"
    assert sorted(found[2:7]) == [f"new{n}" for n in range(5)]
    found = first(engine, "velox kx-900", 8)
    assert sorted(found[:2]) == ["KX900", "kx 900"] and set(found[2:7]) == {
        f"new{n}" for n in range(5)
    }
