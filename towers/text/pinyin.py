"""Chinese brands in Latin letters: ``xiaomi`` finds 小米."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

from data.records import Item
from towers.text.words import chinese_words
from towers.text.writing.folding import HAN, fold, has_chinese, normalise

_NAME = re.compile(rf"[{HAN}]{{2,6}}")
"""Longer runs are descriptions."""
_LEADING = re.compile(rf"(?:\W*【[^】]*】)?\W*([{HAN}]+)")
"""The first Chinese run of a title, after a remark in brackets."""


def romanised_brand(item: Item) -> tuple[str, ...]:
    """The Chinese names of an item's brand in pinyin without tones and blanks.

    Of an item without a brand the first word of the title, where it is Chinese: mostly the brand.
    """
    if item.brand:
        return _romanised(item.brand) if has_chinese(item.brand) else ()
    return _romanised_start(item.title) if has_chinese(item.title) else ()


def _romanised_start(title: str) -> tuple[str, ...]:
    match = _LEADING.match(fold(normalise(title)))
    return () if match is None else _romanised(chinese_words(match[1])[0])


@lru_cache(maxsize=10_000)
def _romanised(name: str) -> tuple[str, ...]:
    names = _NAME.findall(fold(normalise(name)))
    return tuple("".join(_syllables()(one)) for one in names)


@cache
def _syllables() -> Callable[[str], list[str]]:
    # Imported where a brand is Chinese: its tables take 300 ms and 55 MB.
    from pypinyin import lazy_pinyin

    return lazy_pinyin
