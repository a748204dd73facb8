"""Words of ordinary English, from the list of pyspellchecker (github.com/barrust/pyspellchecker).

A word in common use is not a misspelling, whether the shop has it or not: "cheap" does not mean "chap".
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_LIST = "resources/en.json.gz"
_COMMON_COUNT = 1_500
"""Least count of a common word in the list, which makes 15,000 words; rarer ones hold misspellings."""
_SHORT_LENGTH = 4
"""Of short words too many are one letter apart to take a known one for another."""

FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "的")
)
"""Words that an item need not have to match a query, and that no other word is taken for."""


@cache
def common_english_words() -> frozenset[str]:
    """Words in common use, lower case; of short words rare ones and names too."""
    return frozenset(
        word
        for word, count in english_counts().items()
        if count >= _COMMON_COUNT or len(word) <= _SHORT_LENGTH
    )


def english_counts() -> Mapping[str, int]:
    """Occurrences by word in a corpus of subtitles; empty where pyspellchecker is not installed."""
    found = importlib.util.find_spec("spellchecker")
    if found is None or found.origin is None:
        return {}
    packed = (Path(found.origin).parent / _LIST).read_bytes()
    counts: dict[str, int] = json.loads(gzip.decompress(packed))
    return counts
