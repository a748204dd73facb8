"""Token numbers: the same in every process, words before trigrams, every slot filled."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from towers.text.tokens import PADDING, query_tokens, token
from towers.text.words import words


@given(st.text(max_size=20), st.integers(64, 50_000))
def test_token_numbers_stay_between_padding_and_the_last_bucket(text: str, buckets: int) -> None:
    assert PADDING < token(text, buckets) < buckets


@given(st.text(max_size=20), st.text(max_size=3), st.integers(64, 50_000))
def test_no_trigram_shares_its_number_with_a_word(word: str, gram: str, buckets: int) -> None:
    assert token(f"w:{word}", buckets) < buckets - buckets // 4 <= token(f"g:{gram}", buckets)


def test_token_numbers_are_the_same_in_another_process() -> None:
    script = (
        "from towers.text.tokens import token; print(token('w:milk', 4096), token('g:手机', 4096))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    by_hand = [1 + zlib.crc32(b"w:milk") % 3_071, 3_072 + zlib.crc32("g:手机".encode()) % 1_024]
    assert [int(number) for number in done.stdout.split()] == by_hand


def test_a_query_gives_its_words_first_and_then_trigrams_in_turn() -> None:
    slots = query_tokens(["milk", "ab"], slot_count=16, bucket_count=997)
    grams = [f"g:{gram}" for gram in sorted({"<mi", "mil", "ilk", "lk>"})]
    expected = [token(name, 997) for name in ("w:milk", "w:ab", *grams)]
    assert slots.tolist() == expected + [PADDING] * (16 - len(expected))
    assert slots.dtype == np.int32


def test_no_word_of_a_long_query_takes_the_slots_of_the_others() -> None:
    slots = query_tokens(words("extraordinary long"), slot_count=4, bucket_count=997)
    expected = ["w:extraordinari", "w:long", "g:<ex", "g:<lo"]
    assert slots.tolist() == [token(name, 997) for name in expected]


def test_two_words_that_differ_by_a_typo_share_most_trigrams() -> None:
    right, wrong = (
        set(query_tokens([text], slot_count=32, bucket_count=32_768).tolist()) - {PADDING}
        for text in ("windbreaker", "windbraeker")
    )
    other = set(query_tokens(["espresso"], slot_count=32, bucket_count=32_768).tolist()) - {PADDING}
    assert len(right & wrong) >= 5
    assert not right & other


@given(st.lists(st.text(min_size=1, max_size=9), max_size=9), st.integers(0, 12))
def test_a_query_fills_exactly_its_slots(stems: list[str], slot_count: int) -> None:
    slots = query_tokens(stems, slot_count=slot_count, bucket_count=97)
    assert slots.shape == (slot_count,)
    filled = np.flatnonzero(slots != PADDING)
    assert filled.tolist() == list(range(len(filled)))
