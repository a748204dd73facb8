"""Words of ordinary English, from the list of pyspellchecker (github.com/barrust/pyspellchecker).

A word in common use is not a misspelling, whether the shop has it or not: "cheap" does not mean "chap".
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_LIST = "resources/en.json.gz"
_COMMON_COUNT = 1_500
"""Least count of a common word in the list, which makes 15,000 words; rarer ones hold misspellings."""
_PLAIN = re.compile(r"[a-z]{3,}")
_NEWER_WORDS = (
    *("airfryer", "bluetooth", "earbud", "earbuds", "earphones", "laptop", "laptops", "powerbank"),
    *("smartphone", "smartphones", "smartwatch", "tablet", "touchscreen", "webcam", "wifi"),
)
"""Words of e-commerce that are not among the most frequent of the list."""
_SHORT_LENGTH = 4
"""Of short words too many are one letter apart to take a known one for another."""

FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "的")
)
"""Words that an item need not have to match a query, and that no other word is taken for."""


@cache
def common_english_words() -> frozenset[str]:
    """Words in common use, lower case; of short words rare ones and names too."""
    short = {word for word in english_counts() if len(word) <= _SHORT_LENGTH}
    return ordinary_english_words() | short


@cache
def ordinary_english_words() -> frozenset[str]:
    """Words in common use, lower case, of any length."""
    return frozenset(word for word, count in english_counts().items() if count >= _COMMON_COUNT)


def frequent_english_words(count: int) -> list[str]:
    """The ``count`` most frequent words, those first, behind words of e-commerce that the list lacks.

    Lower case, of three letters or more; empty where pyspellchecker is not installed.
    """
    counts = english_counts()
    if not counts:
        return []
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    plain = [word for word in ordered if _PLAIN.fullmatch(word)]
    return list(dict.fromkeys((*_NEWER_WORDS, *plain[:count])))


def english_counts() -> Mapping[str, int]:
    """Occurrences by word in a corpus of subtitles; empty where pyspellchecker is not installed."""
    found = importlib.util.find_spec("spellchecker")
    if found is None or found.origin is None:
        return {}
    packed = (Path(found.origin).parent / _LIST).read_bytes()
    counts: dict[str, int] = json.loads(gzip.decompress(packed))
    return counts
