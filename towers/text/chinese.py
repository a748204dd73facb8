"""Segmentation of Chinese text by jieba's dictionary, which is loaded on first use."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any


def cut(run: str) -> list[str]:
    """Words of a run of Chinese characters, long words preceded by the words inside them.

    The most probable segmentation by the dictionary; other characters stay single. 智能手机壳 gives
    智能, 能手, 手机, 智能手机, 壳.
    """
    return list(_cutter().cut_for_search(run, HMM=False))


def warm_up() -> None:
    """Loads the dictionary, so that the first Chinese query is not delayed."""
    _cutter()


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
