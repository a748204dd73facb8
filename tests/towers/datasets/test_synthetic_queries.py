"""Synthetic queries are plausible for their item: its own words, or nearly."""

from __future__ import annotations

import random
from difflib import SequenceMatcher

import pytest

from data.records import Item
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.datasets.synthetic_queries import catalogue_query, with_typo
from towers.text.words import words


def test_most_words_of_a_query_are_words_of_the_item() -> None:
    catalog, rng = shelf.catalog(), random.Random(7)
    own_count = total = 0
    for row, item in enumerate(shelf.items()):
        own = set(words(" ".join([item.title, *item.category, item.brand])))
        of_query = words(catalogue_query(catalog, row, rng))
        assert of_query
        own_count += sum(word in own for word in of_query)
        total += len(of_query)
    # One query in eight has a typo, one in eight a word cut short.
    assert 0.8 < own_count / total < 0.99


def test_without_typos_all_words_are_the_items_own() -> None:
    catalog, rng = shelf.catalog(), random.Random(7)
    for row, item in enumerate(shelf.items()):
        own = set(words(" ".join([item.title, *item.category, item.brand])))
        assert own.issuperset(words(catalogue_query(catalog, row, rng, has_errors=False)))


def test_the_same_chance_makes_the_same_query() -> None:
    catalog = shelf.catalog()
    first, second = (
        [catalogue_query(catalog, row, random.Random(row)) for row in range(50)] for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("item", "possible"),
    [
        (Item("i"), {""}),
        (Item("i", brand="Farm"), {"farm"}),
        (Item("i", category=("Dairy", "Milk")), {"milk"}),
        (Item("i", title="Oat"), {"oat"}),
        (Item("i", title="Oat", brand="Om"), {"oat", "om oat"}),
    ],
)
def test_an_item_with_little_text_is_asked_for_by_what_it_has(
    item: Item, possible: set[str]
) -> None:
    catalog = Catalog.of([item], TextConfig())
    found = {catalogue_query(catalog, 0, random.Random(seed)) for seed in range(60)}
    # Three letters and fewer have no typo; four letters may have one.
    if all(len(word) < 4 for text in possible for word in text.split()):
        assert found == possible
    else:
        assert possible & found
        assert all(
            max(SequenceMatcher(None, text, other).ratio() for other in possible) > 0.7
            for text in found
        )


@pytest.mark.parametrize("word", ["windbreaker", "milk", "capsules"])
def test_a_typo_is_one_edit_and_leaves_the_first_letter(word: str) -> None:
    seen = {with_typo(word, random.Random(seed)) for seed in range(200)}
    for typo in seen:
        assert typo[0] == word[0]
        assert abs(len(typo) - len(word)) <= 1
        same = sum(block.size for block in SequenceMatcher(None, word, typo).get_matching_blocks())
        assert same >= len(word) - 1
    assert {len(typo) - len(word) for typo in seen} == {-1, 0, 1}


@pytest.mark.parametrize("word", ["", "oat", "智能手机", "café"])
def test_short_and_foreign_words_have_no_typo(word: str) -> None:
    assert all(with_typo(word, random.Random(seed)) == word for seed in range(30))
