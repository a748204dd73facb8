"""Prefix index: finds what a scan over all texts finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from towers.indexes.prefix_index import PrefixIndex, highlights, typed_words

TEXTS = ("Whole milk", "Milk chocolate", "Oat milk, 1.5 l", "全脂牛奶 1L", "云帆折叠智能手机", "")


def found(index: PrefixIndex, text: str) -> dict[int, bool]:
    numbers, is_first = index.find(typed_words(text))
    return dict(zip(numbers.tolist(), is_first.tolist(), strict=True))


def test_every_word_of_a_text_can_be_begun() -> None:
    index = PrefixIndex.of(TEXTS)
    assert found(index, "mil") == {0: False, 1: True, 2: False}
    assert found(index, "MILK CH") == {1: True}
    assert found(index, "ch mil") == {1: False}
    assert found(index, "1.") == {2: False, 3: False}
    assert found(index, "1.5") == {2: False}
    assert found(index, "milkshake") == {}
    assert found(index, "...") == {}


def test_a_chinese_run_can_be_begun_at_each_character() -> None:
    index = PrefixIndex.of(TEXTS)
    assert found(index, "牛") == {3: False}
    assert found(index, "智能手") == {4: False}
    assert found(index, "云帆折叠智能手机") == {4: True}
    assert found(index, "机智") == {}


words = some.text("ab牛奶", min_size=1, max_size=4)


@given(some.lists(some.lists(words, max_size=3).map(" ".join), max_size=6), words, words)
def test_it_finds_what_a_walk_over_all_texts_finds(
    texts: list[str], first: str, second: str
) -> None:
    typed = typed_words(f"{first} {second}")

    def begins(text: str, beginning: str) -> bool:
        if beginning[0] in "ab":
            return any(word.startswith(beginning) for word in typed_words(text))
        return beginning in text

    expected = {n for n, text in enumerate(texts) if all(begins(text, word) for word in typed)}
    assert set(PrefixIndex.of(texts).find(typed)[0].tolist()) == expected


def test_a_text_is_begun_with_accents_or_without() -> None:
    index = PrefixIndex.of(["Éclair", "Eclipse", "Tea"])
    for typed in ("écl", "ecl", "ÉCL"):
        assert sorted(index.find(typed_words(typed))[0].tolist()) == [0, 1]
    assert highlights("Éclair", ["ecl"]) == [(0, 3)]


def test_it_is_the_same_after_a_way_over_the_disk(tmp_path: Path) -> None:
    index = PrefixIndex.of(TEXTS)
    index.save(tmp_path)
    again = PrefixIndex.load(tmp_path)
    for typed in ("mil", "milk ch", "智能", "x"):
        for one, other in zip(
            index.find(typed_words(typed)), again.find(typed_words(typed)), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("text", "typed", "parts"),
    [
        ("Kids cereal 13 OZ", "kids cer", ["Kids", "cer"]),
        ("Whole milk", "ilk", []),
        ("云帆折叠智能手机", "智能手", ["智能手"]),
        # The sharp s folds into two letters: offsets of the one are not offsets of the other.
        ("Straße Strand", "stra", ["Stra"]),
    ],
)
def test_what_was_typed_is_marked_where_it_stands(text: str, typed: str, parts: list[str]) -> None:
    assert [text[a:b] for a, b in highlights(text, typed_words(typed))] == parts


def test_joined_indexes_are_the_index_of_the_texts_that_are_left() -> None:
    one = ["red lamp", "lamp", "台灯 lamp", "gone"]
    two = ["green lamp red", "Red", "also gone"]
    parts = [
        (PrefixIndex.of(one), np.array([0, 1, 2, -1])),
        (PrefixIndex.of(two), np.array([3, 4, -1])),
    ]
    joined, left = PrefixIndex.joined(parts), PrefixIndex.of([*one[:3], *two[:2]])
    for typed in (["lamp"], ["re"], ["lam", "r"], ["灯"], ["g"], ["also"], ["gone"], ["台灯", "l"]):
        for found, expected in zip(joined.find(typed), left.find(typed), strict=True):
            assert found.tolist() == expected.tolist() and found.dtype == expected.dtype
        assert joined.knows(typed[0]) == left.knows(typed[0])
