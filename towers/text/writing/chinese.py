"""Segmentation of Chinese text by jieba's dictionary, which is loaded on first use."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from towers.text.writing.folding import simplified_characters


def cut(run: str) -> list[str]:
    """Words of a run of Chinese characters, side by side: the most probable by the dictionary.

    Characters outside of its words stay single.
    """
    return list(_cutter().cut(run, HMM=False))


def inner_words(word: str) -> list[str]:
    """Words of the dictionary inside a longer one: 智能 and 手机 (and 能手) of 智能手机."""
    counts: dict[str, int] = _cutter().FREQ
    grams = (
        word[start : start + size]
        for size in (2, 3)
        if len(word) > size
        for start in range(len(word) - size + 1)
    )
    return [gram for gram in grams if counts.get(gram)]


def warm_up() -> None:
    """Loads the dictionary and the table of characters, so that no query waits for them."""
    _cutter()
    simplified_characters()


def frequent_words(limit: int) -> list[str]:
    """The most frequent words of jieba's dictionary that have two characters or more."""
    counts: dict[str, int] = _cutter().FREQ
    known = [word for word, count in counts.items() if count > 0 and len(word) > 1]
    return sorted(known, key=lambda word: (-counts[word], word))[:limit]


@cache
def _cutter() -> Any:
    with warnings.catch_warnings():
        # jieba's source triggers deprecation warnings on import.
        warnings.simplefilter("ignore")
        import jieba
    cutter = jieba.Tokenizer()
    # Not by its own initialize(), which trusts a cache file in the shared temporary folder.
    with cutter.get_dict_file() as file:
        cutter.FREQ = _counts(file.read().decode("utf-8"))
    cutter.total = sum(cutter.FREQ.values())
    cutter.initialized = True
    return cutter


def _counts(dictionary: str) -> dict[str, int]:
    """Counts by word, 0 for what is only the beginning of words: jieba's own reader in half the time.

    Args:
        dictionary: A word, its count and its kind in each line.
    """
    counts: dict[str, int] = {}
    for line in dictionary.splitlines():
        word, count = line.split(" ", 2)[:2]
        counts[word] = int(count)
    for word in [*counts]:
        # From the longest beginning on: the beginnings of a known one are there, or will be.
        for end in range(len(word) - 1, 0, -1):
            if word[:end] in counts:
                break
            counts[word[:end]] = 0
    return counts
