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
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True
    return cutter
