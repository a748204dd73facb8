"""Chinese runs cut into words by jieba's dictionary, read when the first run turns up."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any


def cut(run: str) -> list[str]:
    """Words of a run of Chinese characters, long ones followed by the words inside them.

    The cut of the greatest probability by the dictionary; characters that no word holds stay
    single. 智能手机壳 gives 智能, 能手, 手机, 智能手机, 壳.
    """
    return list(_cutter().cut_for_search(run, HMM=False))


def warm_up() -> None:
    """Reads the dictionary, lest the first Chinese query wait for it."""
    _cutter()


def frequent_words(limit: int) -> list[str]:
    """The most frequent words of jieba's dictionary that have two characters or more."""
    counts: dict[str, int] = _cutter().FREQ
    known = [word for word, count in counts.items() if count > 0 and len(word) > 1]
    return sorted(known, key=lambda word: (-counts[word], word))[:limit]


@cache
def _cutter() -> Any:
    with warnings.catch_warnings():
        # Its own source is older than what Python now asks of escapes and of packages' data.
        warnings.simplefilter("ignore")
        import jieba
    cutter = jieba.Tokenizer()
    # Read here and not by its own initialize(), which trusts a cache file that anybody on the
    # machine may have put into the temporary folder.
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True
    return cutter
