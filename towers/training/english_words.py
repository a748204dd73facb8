"""Ordinary English words by frequency, from the word list of pyspellchecker."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from pathlib import Path

_PACKAGE = "spellchecker"
_LIST = "resources/en.json.gz"
_COUNT = 40_000
_ENGLISH = re.compile(r"[a-z]{3,}")
_NEWER_WORDS = (
    *("airfryer", "bluetooth", "earbud", "earbuds", "earphones", "laptop", "laptops", "powerbank"),
    *("smartphone", "smartphones", "smartwatch", "tablet", "touchscreen", "webcam", "wifi"),
)
"""Words of e-commerce that are not among the most frequent of the list."""


def english_words() -> list[str]:
    """The most frequent first; empty where pyspellchecker is not installed."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return []
    packed = (Path(found.origin).parent / _LIST).read_bytes()
    counts: dict[str, int] = json.loads(gzip.decompress(packed))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    words = [word for word in ordered if _ENGLISH.fullmatch(word)]
    return list(dict.fromkeys((*_NEWER_WORDS, *words[:_COUNT])))
