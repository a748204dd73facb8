"""Words and token numbers: one reading of text for queries and items, English and Chinese."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.text import PADDING, fold_plural, normalise, query_tokens, token, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Whole Milk, 2%", ["whole", "milk", "2"]),
        ("A4-Notebook_ruled", ["a4", "notebook", "ruled"]),
        ("ＬＥＤ Ｌａｍｐ", ["led", "lamp"]),
        ("Straße CAFÉ", ["strasse", "café"]),
        ("½ kg", ["1", "2", "kg"]),
        ("   ", []),
        ("", []),
    ],
)
def test_text_is_cut_into_folded_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_chinese_run_gives_its_characters_and_pairs() -> None:
    assert words("智能手机") == ["智", "智能", "能", "能手", "手", "手机", "机"]


def test_chinese_and_latin_runs_are_cut_apart() -> None:
    assert words("云帆5G手机Pro") == ["云", "云帆", "帆", "5g", "手", "手机", "机", "pro"]


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("berries", "berry"),
        ("shoes", "shoe"),
        ("knives", "knive"),
        ("beans", "bean"),
        ("glass", "glass"),
        ("cactus", "cactus"),
        ("gas", "gas"),
        ("zombaies", "zombaie"),
        ("tomatoes", "tomatoe"),
        ("256gbs", "256gbs"),
        ("cafés", "cafés"),
    ],
)
def test_plurals_fold_by_three_rules(word: str, folded: str) -> None:
    assert fold_plural(word) == folded


@given(st.text(max_size=40))
def test_a_second_normalisation_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=40))
def test_words_hold_no_blank_and_no_capital(text: str) -> None:
    for word in words(text):
        assert word and not any(character.isspace() for character in word)
        assert word == word.lower() or word == word.casefold()


@given(st.text(max_size=20), st.integers(2, 50_000))
def test_token_numbers_stay_between_padding_and_the_last_bucket(text: str, buckets: int) -> None:
    assert PADDING < token(text, buckets) < buckets


def test_token_numbers_are_the_same_in_another_process() -> None:
    script = "from towers.text import token; print(token('w:milk', 4096), token('w:手机', 4096))"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    by_hand = [1 + zlib.crc32(word) % 4_095 for word in (b"w:milk", "w:手机".encode())]
    assert [int(number) for number in done.stdout.split()] == by_hand


def test_a_query_gives_its_words_first_and_then_trigrams_in_turn() -> None:
    slots = query_tokens("milk ab", slot_count=16, bucket_count=997)
    grams = [f"g:{gram}" for gram in sorted({"<mi", "mil", "ilk", "lk>"})]
    expected = [token(name, 997) for name in ("w:milk", "w:ab", *grams)]
    assert slots.tolist() == expected + [PADDING] * (16 - len(expected))
    assert slots.dtype == np.int32


def test_no_word_of_a_long_query_takes_the_slots_of_the_others() -> None:
    slots = query_tokens("extraordinarily long", slot_count=4, bucket_count=997)
    expected = ["w:extraordinarily", "w:long", "g:<ex", "g:<lo"]
    assert slots.tolist() == [token(name, 997) for name in expected]


def test_two_words_that_differ_by_a_typo_share_most_trigrams() -> None:
    right, wrong = (
        set(query_tokens(text, slot_count=32, bucket_count=32_768).tolist()) - {PADDING}
        for text in ("windbreaker", "windbraeker")
    )
    other = set(query_tokens("espresso", slot_count=32, bucket_count=32_768).tolist()) - {PADDING}
    assert len(right & wrong) >= 5
    assert not right & other


@given(st.text(max_size=60), st.integers(0, 12))
def test_a_query_fills_exactly_its_slots(text: str, slot_count: int) -> None:
    slots = query_tokens(text, slot_count=slot_count, bucket_count=97)
    assert slots.shape == (slot_count,)
    filled = np.flatnonzero(slots != PADDING)
    assert filled.tolist() == list(range(len(filled)))
