"""The list of English words, for spelling and for training."""

from __future__ import annotations

import pytest

from towers.text.spelling.english_words import common_english_words, frequent_english_words

pytest.importorskip("spellchecker", reason="pyspellchecker is not installed")


def test_ordinary_words_are_common_and_misspellings_are_not() -> None:
    assert {"cheap", "kettle", "table"} <= common_english_words()
    assert common_english_words().isdisjoint({"ketle", "tabel", "chaep"})


def test_the_most_frequent_words_come_first_after_those_the_list_lacks() -> None:
    few, many = frequent_english_words(50), frequent_english_words(500)
    assert many[: len(few)] == few
    assert "smartwatch" in few and "the" in few and "kettle" not in few
    assert few.index("the") < few.index("was")
    assert len(many) == len(set(many)) and 500 <= len(many) < 530
    assert all(word.isalpha() and word.islower() and len(word) > 2 for word in many)
