"""Spelling correction: edit distance by recursion, look-ups by hand."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.text.spelling.vocabulary import Vocabulary, edit_distance, prefix_distance

letters = st.text(alphabet="abcd", max_size=7)

COUNTS = {
    "windbreaker": 12,
    "window": 40,
    "light": 90,
    "bulb": 70,
    "lightbox": 2,
    "espresso": 25,
    "expresso": 1,
    "saucepan": 30,
    "sauce": 50,
    "pan": 60,
    "18": 20,
    "v": 20,
    "手机": 9,
    "notebook": 8,
    "notebooks": 8,
    "rake": 5,
    "lake": 50,
}


def by_recursion(left: str, right: str) -> int:
    """Optimal string alignment, straight from its definition."""

    @cache
    def cost(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        best = min(
            cost(i - 1, j) + 1,
            cost(i, j - 1) + 1,
            cost(i - 1, j - 1) + (left[i - 1] != right[j - 1]),
        )
        if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
            best = min(best, cost(i - 2, j - 2) + 1)
        return best

    return cost(len(left), len(right))


@given(letters, letters, st.integers(0, 7))
def test_edit_distance_is_the_recursion_up_to_its_limit(left: str, right: str, limit: int) -> None:
    assert edit_distance(left, right, limit) == min(by_recursion(left, right), limit + 1)


def nearby(word: str, counts: dict[str, int] = COUNTS) -> list[str]:
    """Words one edit away, best first."""
    found = Vocabulary(counts).nearby(word)
    assert all(one.edits == 1 and one.item_count == counts[one.word] for one in found)
    return [one.word for one in sorted(found, key=lambda one: -one.score)]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("windbraeker", "windbreaker"),
        ("windbraker", "windbreaker"),
        ("espreso", "espresso"),
        ("saucepann", "saucepan"),
        ("lihgt", "light"),
        ("notbook", "notebook"),
        ("rke", "rake"),
    ],
)
def test_a_typo_finds_the_word_that_was_meant(word: str, meant: str) -> None:
    assert nearby(word)[0] == meant


@pytest.mark.parametrize(
    ("word", "meant", "edits"),
    [("windbraekr", "windbreaker", 2), ("wyndbraekr", "windbreaker", 3), ("espreo", "espresso", 2)],
)
def test_a_word_at_more_than_one_edit_is_found_if_it_is_long(
    word: str, meant: str, edits: int
) -> None:
    vocabulary = Vocabulary(COUNTS)
    found = [(one.word, one.edits) for one in vocabulary.distant(word)]
    # Two edits from 7 letters on, three from 11 on.
    longest = {2: 6, 3: 10}[edits]
    assert ((meant, edits) in found) == (len(word) > longest)
    assert meant not in [one.word for one in vocabulary.nearby(word)]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("кофемалка", "кофемолка"),
        ("καφετιερα", "καφετιέρα"),
        ("grüner", "grüne"),
        ("ssofá", "sofá"),
    ],
)
def test_words_of_other_alphabets_are_found_as_well(word: str, meant: str) -> None:
    assert nearby(word, {meant: 3, "кофе": 9, "light": 9}) == [meant]


def test_two_letters_swapped_are_mended_though_the_words_share_few_pairs_of_letters() -> None:
    # Twenty words share more pairs of letters with the misspelling, and each is two edits away.
    likes = {f"gul{a}{b}": 50 for a in "aiouy" for b in "dnpt"}
    assert nearby("gule", {"glue": 50, **likes}) == ["glue"]


@given(st.text("abc", max_size=5), st.lists(st.text("abc", min_size=3, max_size=6), max_size=30))
def test_the_words_one_edit_away_are_those_of_a_full_comparison(
    word: str, words: list[str]
) -> None:
    by_hand = {other for other in words if by_recursion(word, other) == 1}
    found = nearby(word, dict.fromkeys(words, 2))
    assert sorted(found) == sorted(by_hand if len(word) >= 3 else ())


def test_the_frequent_word_is_meant_before_the_rare_one() -> None:
    assert nearby("ligit", {"light": 90, "ligot": 1}) == ["light", "ligot"]


def test_a_known_word_is_corrected_to_its_likes_but_never_to_itself() -> None:
    assert nearby("expresso") == ["espresso"]


@pytest.mark.parametrize("word", ["rk", "18x", "手机", "", "zzzzzz", "qqqq", "light" * 50])
def test_short_foreign_and_far_words_have_no_correction(word: str) -> None:
    vocabulary = Vocabulary(COUNTS)
    assert vocabulary.nearby(word) == vocabulary.distant(word) == []


def test_an_empty_vocabulary_knows_nothing() -> None:
    empty = Vocabulary({})
    assert empty.nearby("light") == empty.distant("lightbulb") == empty.completions("l") == []
    assert empty.parts("lightbulb") is None and empty.prefix_corrections("light") == []


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("lightbulb", ("light", "bulb")),
        ("18v", ("18", "v")),
        ("saucepan", ("sauce", "pan")),
        ("lightxyz", None),
        ("pan", None),
        ("", None),
    ],
)
def test_a_compound_is_cut_into_two_known_words(word: str, parts: tuple[str, str] | None) -> None:
    assert Vocabulary(COUNTS).parts(word) == parts


def test_completions_are_the_most_frequent_words_that_begin_so() -> None:
    vocabulary = Vocabulary(COUNTS)
    assert vocabulary.completions("l") == ["light", "lake", "lightbox"]
    assert vocabulary.completions("note", limit=1) == ["notebook"]
    assert vocabulary.completions("手") == ["手机"]
    assert vocabulary.completions("q") == []


@pytest.mark.parametrize(
    ("typed", "beginning"),
    [("chcol", "chocol"), ("choclat", "chocolat"), ("cerae", "cerea"), ("cereql", "cereal")],
)
def test_a_word_half_typed_with_a_typo_finds_the_beginning_that_was_meant(
    typed: str, beginning: str
) -> None:
    known = Vocabulary({"chocolate": 5, "cereal": 3, "milk": 9, "church": 1})
    found = known.prefix_corrections(typed)
    assert any(one.startswith(beginning[:4]) for one in found), found
    for one in found:
        assert any(word.startswith(one) for word in known.counts)


def test_too_short_or_foreign_a_word_has_no_likely_beginnings() -> None:
    known = Vocabulary({"chocolate": 5})
    assert known.prefix_corrections("chx") == []
    assert known.prefix_corrections("智能手机壳") == []
    assert known.prefix_corrections("wwwww") == []


def beginning_by_brute_force(typed: str, word: str, limit: int) -> int:
    return min(edit_distance(typed, word[:end], limit) for end in range(len(word) + 1))


@given(st.text("abc", max_size=7), st.text("abc", max_size=9), st.integers(0, 3))
def test_the_distance_to_a_beginning_is_the_least_of_all_beginnings(
    typed: str, word: str, limit: int
) -> None:
    edits, length = prefix_distance(typed, word, limit)
    assert edits == beginning_by_brute_force(typed, word, limit)
    if edits <= limit:
        assert edit_distance(typed, word[:length], limit) == edits
