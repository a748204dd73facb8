"""The texts of a shop that say how its shoppers speak, and their languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from towers.catalog.items import Catalog
from towers.text.spelling.english_words import ordinary_english_words
from towers.text.words import surface_words
from towers.text.writing.folding import has_chinese

TITLE_LIMIT = 20_000
"""Titles that are read, evenly spread over the catalogue; more change little."""

_VALUE_LIMIT = 500
"""Values that are read of one attribute."""
_LONGEST_NAME = 24
"""Characters of a name that is said as it is written."""
_LETTER = re.compile(r"[^\W\d_]")
_FLAGS = ("true", "false", "yes", "no", "none", "n/a")
_SAMPLE_COUNT = 400
_CHINESE_SHARE, _ENGLISH_SHARE = 0.1, 0.3
"""Least shares of texts with Chinese, and of words that are ordinary English ones: names of brands
and models are neither."""


def shop_texts(catalog: Catalog) -> Iterator[str]:
    """Titles, and names of categories, brands and values of attributes."""
    rows = [row for row in range(catalog.count) if catalog.listed[row]]
    yield from (catalog.titles[row] for row in rows[:: 1 + len(rows) // TITLE_LIMIT])
    for code in range(len(catalog.category_codes.names)):
        yield from catalog.category_path(code)[-1:]
    yield from catalog.brand_codes.names[:TITLE_LIMIT]
    for name in catalog.attributes.names.names:
        yield from catalog.attributes.values(name)[:_VALUE_LIMIT]


def shop_names(catalog: Catalog) -> Counter[str]:
    """The names of categories and brands and the values of attributes, with the items that have each.

    Those that are said as they are written: no flags, bare numbers or long texts.
    """
    counts: Counter[str] = Counter()
    of_leaves = np.bincount(catalog.leaf[catalog.listed], minlength=1)
    for code in np.flatnonzero(of_leaves).tolist():
        for name in catalog.category_path(code)[-1:]:
            counts[name] += int(of_leaves[code])
    for names, codes in (
        (catalog.brand_codes.names, catalog.brand[catalog.listed]),
        *(
            (catalog.attributes.values(name), catalog.attributes.column(name)[1])
            for name in catalog.attributes.names.names
        ),
    ):
        of_names = np.bincount(codes, minlength=1)
        for code in np.flatnonzero(of_names).tolist():
            counts[names[code]] += int(of_names[code])
    return Counter({name: count for name, count in counts.items() if _is_said(name)})


def _is_said(name: str) -> bool:
    return bool(_LETTER.search(name)) and len(name) <= _LONGEST_NAME and name.lower() not in _FLAGS


def languages_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The languages that shoppers may speak, of ``zh`` and ``en``; empty where it is another one."""
    sample = texts[:: 1 + len(texts) // _SAMPLE_COUNT]
    chinese = sum(map(has_chinese, sample))
    words = [word for text in sample for word in surface_words(text) if word.isalpha()]
    latin = [word for word in words if word.isascii()]
    english = sum(word in ordinary_english_words() for word in latin)
    found = []
    if chinese >= _CHINESE_SHARE * max(1, len(sample)):
        found.append("zh")
    # A Chinese shop's shoppers may say an English brand in an English sentence.
    if english >= _ENGLISH_SHARE * max(1, len(latin)) and latin:
        found.append("en")
    return tuple(found)
