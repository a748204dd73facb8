"""Relaxations of a query, in the documented order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from towers.indexes.lexical_index import LexicalIndex
from towers.search_box.relaxation import (
    Relaxation,
    RelaxationKind,
    relaxations,
    relaxed_query,
)
from towers.text.parsed_query import Synonym

ITEMS = (
    Item("a1", "Whole milk", category=("Dairy",), brand="Farm"),
    Item("a2", "Oat milk", category=("Dairy",), brand="Oaty"),
    Item("a3", "Chocolate bar", category=("Sweets",)),
    Item("a4", "Brass door hinge", category=("Hardware",), attributes={"model": "XJ-4410"}),
    Item("a5", "Velvet couch", category=("Furniture",)),
    Item("a6", "轻薄智能手机", category=("手机",)),
    Item("a7", "Lightbulb", category=("Hardware",)),
    Item("a8", "Whole wheat bread", category=("Bakery",)),
)
CORRECTED, DROPPED, MEANING = (
    RelaxationKind.TYPO_CORRECTED,
    RelaxationKind.WORD_DROPPED,
    RelaxationKind.MEANING_ONLY,
)


@pytest.fixture(scope="module")
def lexical(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    return LexicalIndex.build(ITEMS, tmp_path_factory.mktemp("lexical"))


def told(
    lexical: LexicalIndex,
    text: str,
    *,
    without: tuple[int, ...] = (),
    synonym: Synonym | None = None,
) -> list[Relaxation]:
    def only_allowed(rows: np.ndarray) -> np.ndarray:
        return rows[~np.isin(rows, without)]

    synonyms = (synonym,) if synonym else ()
    return list(relaxations(lexical, lexical.parse(text), only_allowed, synonyms))


@pytest.mark.parametrize(
    "query",
    [
        "milk",
        "milks whole",
        "Farm dairy milk",
        "oat-milk",
        "XJ4410",
        "xj-4410",
        "智能手机",
        "手机轻薄",
    ]
    + ["light bulb"],
)
def test_nothing_is_said_where_one_item_holds_all_words(lexical: LexicalIndex, query: str) -> None:
    assert told(lexical, query) == []


def test_a_typo_is_corrected_first(lexical: LexicalIndex) -> None:
    assert told(lexical, "Choclate bar") == [Relaxation(CORRECTED, "chocolate bar")]
    assert told(lexical, "brassdoor") == [Relaxation(CORRECTED, "brass door")]
    assert told(lexical, "milk wh") == [Relaxation(CORRECTED, "milk whole")]


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("手机lether", "手机leather"),
        ("lether手机", "leather手机"),
        ("手机_lether_壳", "手机_leather_壳"),
        ("lether 手机 lethers", "leather 手机 leather"),
    ],
)
def test_a_typo_is_corrected_where_other_writing_adjoins_it(
    typed: str, corrected: str, tmp_path: Path
) -> None:
    index = LexicalIndex.build([Item("a", "手机 leather 壳"), Item("b", "手机 case")], tmp_path)
    assert told(index, typed) == [Relaxation(CORRECTED, corrected)]


def test_a_word_that_no_item_has_any_more_is_corrected_too(tmp_path: Path) -> None:
    index = LexicalIndex.build([Item("a", "Vostok"), Item("b", "Rostok")], tmp_path)
    assert told(index, "vostoks") == []
    index.put([(0, Item("a", "Umbrella"))])
    assert told(index, "vostoks") == [Relaxation(CORRECTED, "rostok")]


def test_a_word_that_no_item_has_is_dropped(lexical: LexicalIndex) -> None:
    assert told(lexical, "milk zzyzx") == [Relaxation(DROPPED, "zzyzx")]
    assert told(lexical, "choclate zzyzx") == [
        Relaxation(CORRECTED, "chocolate zzyzx"),
        Relaxation(DROPPED, "zzyzx"),
    ]


def test_the_word_that_stands_in_the_way_is_dropped_the_rarest_first(
    lexical: LexicalIndex,
) -> None:
    # One item has "oat", two have "whole" and "milk"; without "oat" one holds the rest.
    assert told(lexical, "whole oat milk") == [Relaxation(DROPPED, "oat")]


def test_where_no_word_is_held_the_answer_is_by_meaning_only(lexical: LexicalIndex) -> None:
    assert told(lexical, "qqq zzyzx") == [Relaxation(MEANING)]
    assert told(lexical, "冰箱") == [Relaxation(MEANING)]
    assert told(lexical, "***") == [Relaxation(MEANING)]


def test_only_items_that_may_be_shown_hold_words(lexical: LexicalIndex) -> None:
    assert told(lexical, "chocolate", without=(2,)) == [Relaxation(MEANING)]
    assert told(lexical, "oat milk", without=(1,)) == [Relaxation(DROPPED, "oat")]
    assert told(lexical, "xj4410", without=(3,)) == [Relaxation(MEANING)]


def test_a_synonym_holds_the_word_that_it_stands_for(lexical: LexicalIndex) -> None:
    synonym = Synonym(frozenset({"sofa"}), ("couch",))
    assert told(lexical, "velvet sofa") == [Relaxation(MEANING)]
    assert told(lexical, "velvet sofa", synonym=synonym) == []
    rows, _ = lexical.search(lexical.parse("sofa"), 5, (synonym,))
    assert rows.tolist() == [4]


def test_many_items_out_of_bounds_do_not_hide_the_one_within(tmp_path: Path) -> None:
    items = [Item(f"i{number}", "Milk") for number in range(300)]
    lexical = LexicalIndex.build(items, tmp_path)
    assert told(lexical, "milk", without=tuple(range(299))) == []
    assert told(lexical, "milk", without=tuple(range(300))) == [Relaxation(MEANING)]


def test_no_more_items_are_checked_than_until_one_may_be_shown(tmp_path: Path) -> None:
    lexical = LexicalIndex.build([Item(f"i{n}", "Milk") for n in range(3_000)], tmp_path)
    best = lexical.holders([(("milk",),)], 3_000)
    looked_at = []

    def only_allowed(rows: np.ndarray) -> np.ndarray:
        looked_at.append(len(rows))
        return rows[np.isin(rows, best[40:])]

    assert relaxations(lexical, lexical.parse("milk"), only_allowed) == ()
    assert sum(looked_at) < 1_000


CLOTHES = (
    Item("d1", "Plain dress for women", category=("Clothing", "Dresses")),
    Item("s1", "Red scarf for women", category=("Clothing", "Scarves")),
    Item("s2", "Red socks for women", category=("Clothing", "Socks")),
    Item("w1", "Casual watch", category=("Watches",), brand="Acme"),
    Item("c1", "Good day cookies", category=("Grocery",)),
    Item("c2", "Bread", category=("Grocery",), description="Good bread, a watch on your diet"),
)


@pytest.mark.parametrize(
    ("query", "dropped", "first"),
    [
        ("red dress for women", ["red"], 0),
        ("dress red", ["red"], 0),
        ("women dress red", ["red"], 0),
        ("nice watch", ["nice"], 3),
        ("acme scarf", ["acme"], 1),
    ],
)
def test_modifiers_are_given_up_and_what_holds_only_them_does_not_lead(
    query: str, dropped: list[str], first: int, tmp_path: Path
) -> None:
    index = LexicalIndex.build(CLOTHES, tmp_path)
    assert told(index, query) == [Relaxation(DROPPED, word) for word in dropped]
    rows, scores = index.search(index.parse(query), 9)
    assert rows[0] == first and (np.diff(scores) <= 0).all()


def test_terms_that_were_kept_and_given_up_are_told_apart(tmp_path: Path) -> None:
    index = LexicalIndex.build(CLOTHES, tmp_path)
    found = relaxed_query(index, index.parse("red dres for women"), lambda rows: rows)
    assert [term.word for term in found.kept] == ["dres", "women"]
    assert [term.word for term in found.given_up] == ["red"]
    assert found.relaxations == (
        Relaxation(CORRECTED, "red dress for women"),
        Relaxation(DROPPED, "red"),
    )


def test_a_word_that_was_given_up_is_not_told_as_mended(tmp_path: Path) -> None:
    index = LexicalIndex.build([Item("a", "Walnut chest"), Item("b", "Sofa")], tmp_path)
    assert told(index, "walnit chest") == [Relaxation(CORRECTED, "walnut chest")]
    assert told(index, "walnit sofa") == [Relaxation(DROPPED, "walnit")]
    # Ordinary words are dropped as they are.
    assert told(index, "cheat sofa") == [Relaxation(DROPPED, "cheat")]
