"""Spelling correction: edit distance by recursion, look-ups by hand."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.text.spelling.vocabulary import Vocabulary, edit_distance, one_edit_away, prefix_distance

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
    found = Vocabulary(COUNTS).corrections(word)
    assert found[0] == (meant, 1.0)
    weights = [weight for _, weight in found]
    assert weights == sorted(weights, reverse=True) and all(0 < w <= 1 for w in weights)


def test_two_letters_swapped_are_mended_though_the_words_share_few_pairs_of_letters() -> None:
    # Twenty words share more pairs of letters with the misspelling, and each is two edits away.
    likes = {f"gul{a}{b}": 50 for a in "aiouy" for b in "dnpt"}
    assert Vocabulary({"glue": 50, **likes}).corrections("gule")[0] == ("glue", 1.0)


@given(st.text(alphabet="abc", max_size=4), st.text(alphabet="abc", max_size=5))
def test_what_is_one_edit_away_is_what_the_recursion_says(word: str, other: str) -> None:
    assert (other in one_edit_away(word)) == (by_recursion(word, other) == 1)


def test_the_frequent_word_is_meant_before_the_rare_one() -> None:
    found = Vocabulary({"light": 90, "ligot": 1}).corrections("ligit")
    assert [word for word, _ in found] == ["light", "ligot"]


def test_a_known_word_is_corrected_to_its_likes_but_never_to_itself() -> None:
    assert [word for word, _ in Vocabulary(COUNTS).corrections("expresso")] == ["espresso"]


@pytest.mark.parametrize("word", ["rk", "18x", "手机", "", "zzzzzz", "qqqq", "light" * 50])
def test_short_foreign_and_far_words_have_no_correction(word: str) -> None:
    assert Vocabulary(COUNTS).corrections(word) == []


def test_an_empty_vocabulary_knows_nothing() -> None:
    empty = Vocabulary({})
    assert empty.corrections("light") == [] and empty.completions("l") == []
    assert empty.parts("lightbulb") is None


def test_no_correction_is_missed_that_a_full_comparison_finds() -> None:
    words = [
        f"{a}{b}{c}" for a in ("sta", "bri", "clo") for b in ("ne", "mi") for c in ("ra", "to")
    ]
    vocabulary = Vocabulary(dict.fromkeys(words, 3))
    for word in words:
        slip = word[:2] + word[3:]
        by_hand = {other for other in words if 0 < by_recursion(slip, other) <= 1}
        assert {other for other, _ in vocabulary.corrections(slip, limit=12)} == by_hand


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
