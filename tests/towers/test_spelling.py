"""Known words, and what other words were meant to be."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.spelling import Vocabulary, edit_distance

_VOCABULARY = Vocabulary(
    {"refrigerator": 40, "ceiling": 60, "celing": 1, "steel": 90, "light": 300, "bulb": 80}
    | {"hammer": 30, "drill": 70, "18": 50, "v": 50, "stainless": 45, "stain": 20, "sell": 2}
)


def _slow_distance(left: str, right: str) -> int:
    """The recurrence as it is defined, top down."""

    @cache
    def of(i: int, j: int) -> int:
        if min(i, j) == 0:
            return max(i, j)
        ways = [of(i - 1, j) + 1, of(i, j - 1) + 1]
        ways.append(of(i - 1, j - 1) + (left[i - 1] != right[j - 1]))
        if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
            ways.append(of(i - 2, j - 2) + 1)
        return min(ways)

    return of(len(left), len(right))


@given(
    st.text("abc", max_size=8), st.text("abc", max_size=8), st.integers(min_value=0, max_value=4)
)
def test_the_banded_distance_is_the_plain_one_up_to_its_limit(
    left: str, right: str, limit: int
) -> None:
    assert edit_distance(left, right, limit) == min(_slow_distance(left, right), limit + 1)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("refigrator", "refrigerator"),
        ("ceilling", "ceiling"),
        ("stele", "steel"),
        ("hamer", "hammer"),
    ],
)
def test_a_slip_is_mended_with_the_word_it_stands_for(slip: str, meant: str) -> None:
    assert _VOCABULARY.corrections(slip)[0] == (meant, 1.0)


@pytest.mark.parametrize("word", ["bul", "3000", "zzzzzz", "灯泡灯泡"])
def test_short_words_numbers_and_words_like_no_other_are_left_alone(word: str) -> None:
    assert _VOCABULARY.corrections(word) == []


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("lightbulb", ("light", "bulb")),
        ("hammerdrill", ("hammer", "drill")),
        ("18v", ("18", "v")),
        ("lightzzz", None),
    ],
)
def test_a_word_is_cut_only_into_words_that_items_have(
    word: str, parts: tuple[str, str] | None
) -> None:
    assert _VOCABULARY.parts(word) == parts


def test_a_beginning_is_completed_with_the_most_frequent_words_first() -> None:
    assert _VOCABULARY.completions("stai") == ["stainless", "stain"]
    assert _VOCABULARY.completions("xyz") == []


def test_an_empty_vocabulary_knows_nothing() -> None:
    empty = Vocabulary({})
    assert (empty.corrections("drill"), empty.parts("drill"), empty.completions("d")) == (
        [],
        None,
        [],
    )
