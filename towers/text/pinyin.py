"""Chinese brands in Latin letters: ``xiaomi`` finds 小米."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

from towers.text.folding import HAN, fold, has_chinese, normalise

_NAME = re.compile(rf"[{HAN}]{{2,6}}")
"""Longer runs are descriptions."""


@lru_cache(maxsize=10_000)
def romanised(brand: str) -> tuple[str, ...]:
    """The Chinese names of a brand in pinyin without tones and blanks, where it has any."""
    if not has_chinese(brand):
        return ()
    names = _NAME.findall(fold(normalise(brand)))
    return tuple("".join(_syllables()(name)) for name in names)


@cache
def _syllables() -> Callable[[str], list[str]]:
    # Imported where a brand is Chinese: its tables take 300 ms and 55 MB.
    from pypinyin import lazy_pinyin

    return lazy_pinyin
