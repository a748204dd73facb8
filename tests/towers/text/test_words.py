"""Words and token numbers: one reading of text for queries and items, English and Chinese."""

from __future__ import annotations

import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.text.words import (
    PADDING,
    clear_caches,
    normalise,
    query_tokens,
    stem,
    surface_words,
    token,
    words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Whole Milk, 2%", ["whole", "milk", "2"]),
        ("A4-Notebook_ruled", ["a4", "notebook", "rule"]),
        ("ＬＥＤ Ｌａｍｐｓ", ["led", "lamp"]),
        ("Straße CAFÉ", ["strass", "café"]),
        ("½ kg", ["0.5", "kg"]),
        ("1½ inches", ["1.5", "in"]),
        ("2 in. x 4 in.", ["2", "in", "x", "4", "in", "2x4"]),
        ("   ", []),
        ("!?()", []),
        ("", []),
    ],
)
def test_text_is_cut_into_folded_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_as_written_are_not_stemmed() -> None:
    assert surface_words("Ruled notebooks") == ["ruled", "notebooks"]


def test_a_chinese_run_gives_its_words_and_characters_each_once() -> None:
    found = words("智能手机")
    assert {"智能", "手机", "智能手机", *"智能手机"} <= set(found)
    assert len(found) == len(set(found))


def test_chinese_and_latin_runs_are_cut_apart() -> None:
    found = words("云帆X5手机Pro")
    assert {"手机", "x5", "pro", "云", "帆"} <= set(found)
    assert found.index("x5") < found.index("手机") < found.index("pro")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("berries", "berry"),
        ("running shoes", "Run shoe"),
        ("tomatoes", "tomato"),
        ("enamelled saucepans", "enamel saucepan"),
    ],
)
def test_forms_of_an_english_word_share_a_stem(one: str, other: str) -> None:
    assert words(one) == words(other)


@pytest.mark.parametrize("word", ["256gb", "4k", "手机", "cafés", "1.5"])
def test_what_is_no_plain_english_word_is_its_own_stem(word: str) -> None:
    assert stem(word) == word


def test_many_threads_with_cold_caches_stem_as_one_does() -> None:
    beginnings = ("run", "relat", "general", "hop", "enamell", "commun", "berr", "industri", "use")
    middles = ("", "ation", "iz", "ful", "ing", "ness", "ment", "abl", "ic", "al", "iv", "ous")
    endings = ("", "s", "ed", "ly", "y", "ies", "e", "er", "ing", "ement")
    made = ["".join(parts) for parts in product(beginnings, middles, endings)]
    alone = [stem(word) for word in made]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(20):
                clear_caches()
                together = pool.map(lambda _: [stem(word) for word in made], range(8))
                assert all(found == alone for found in together)
    finally:
        sys.setswitchinterval(interval)


@given(st.text(max_size=40))
def test_a_second_normalisation_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=40))
def test_words_hold_no_blank_and_no_capital(text: str) -> None:
    for word in words(text):
        assert word and not any(character.isspace() for character in word)
        assert word == word.lower() or word == word.casefold()


@given(st.text(max_size=20), st.integers(64, 50_000))
def test_token_numbers_stay_between_padding_and_the_last_bucket(text: str, buckets: int) -> None:
    assert PADDING < token(text, buckets) < buckets


@given(st.text(max_size=20), st.text(max_size=3), st.integers(64, 50_000))
def test_no_trigram_shares_its_number_with_a_word(word: str, gram: str, buckets: int) -> None:
    assert token(f"w:{word}", buckets) < buckets - buckets // 4 <= token(f"g:{gram}", buckets)


def test_token_numbers_are_the_same_in_another_process() -> None:
    script = (
        "from towers.text.words import token; print(token('w:milk', 4096), token('g:手机', 4096))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    by_hand = [1 + zlib.crc32(b"w:milk") % 3_071, 3_072 + zlib.crc32("g:手机".encode()) % 1_024]
    assert [int(number) for number in done.stdout.split()] == by_hand


def test_a_query_gives_its_words_first_and_then_trigrams_in_turn() -> None:
    slots = query_tokens("milk ab", slot_count=16, bucket_count=997)
    grams = [f"g:{gram}" for gram in sorted({"<mi", "mil", "ilk", "lk>"})]
    expected = [token(name, 997) for name in ("w:milk", "w:ab", *grams)]
    assert slots.tolist() == expected + [PADDING] * (16 - len(expected))
    assert slots.dtype == np.int32


def test_no_word_of_a_long_query_takes_the_slots_of_the_others() -> None:
    slots = query_tokens("extraordinary long", slot_count=4, bucket_count=997)
    expected = ["w:extraordinari", "w:long", "g:<ex", "g:<lo"]
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
