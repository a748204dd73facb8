"""Candidates by common deletions, against a comparison with every word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from towers.text.spelling.deletion_index import DeletionIndex

WORDS = st.lists(st.text("abä", min_size=1, max_size=7), unique=True, max_size=40)


@given(st.text("abäж", max_size=8), WORDS)
def test_all_words_one_edit_away_are_candidates(word: str, words: list[str]) -> None:
    found = DeletionIndex(words).candidates(word)
    assert found == sorted(set(found))
    near = {at for at, other in enumerate(words) if OSA.distance(word, other) <= 1}
    # Of an empty word there are no slips.
    assert near <= set(found) if word else not found


def test_few_other_words_are_candidates() -> None:
    words = [
        f"{a}{b}{c}" for a in ("sta", "bri", "clo") for b in ("ne", "mi") for c in ("ra", "to")
    ]
    found = [words[at] for at in DeletionIndex(words).candidates("stanera")]
    assert all(OSA.distance("stanera", word) <= 2 for word in found)


def test_words_of_hundreds_of_letters_are_left_out() -> None:
    index = DeletionIndex(["a" * 65, "a" * 64])
    assert index.candidates("a" * 64) == [1] and index.candidates("a" * 65) == []
    assert DeletionIndex([]).candidates("abc") == []
