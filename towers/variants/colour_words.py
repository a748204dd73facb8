"""Words that a catalogue uses as it uses colours: "ivory", "chrome", the names of its finishes.

A word is one of them where it stands in the place of known colours, in titles that are otherwise the
same, of one brand and category: often, and more often than in the place of anything else.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from towers.catalog.items import Catalog
from towers.text.words import surface_words
from towers.variants.title_parts import COLOURS, quantity_places

_TITLE_LIMIT = 100_000
"""Titles at most that are read; of more every n-th."""
_LEAST_TITLES = 4
"""Titles in which a word must stand in the place of a colour."""
_LEAST_SHARE = 0.6
"""Share of the titles in which it stands in the place of other words that have a colour among these."""
_LEAST_WORDS = 2
"""Words of a title beside the one."""
_ROUNDS = 2
"""So often words are learnt: those of one round are colours in the next."""


def colour_words(catalog: Catalog) -> frozenset[str]:
    """The words that the titles of a catalogue use as colours, known ones not included."""
    numbers: dict[str, int] = {}
    words, frames = _places(catalog, numbers)
    order = np.lexsort((words, frames))
    words, frames = words[order], frames[order]
    is_new = np.ones(len(words), bool)
    is_new[1:] = (frames[1:] != frames[:-1]) | (words[1:] != words[:-1])
    words, frames = words[is_new], frames[is_new]
    starts = np.flatnonzero(np.r_[True, frames[1:] != frames[:-1]]) if len(frames) else frames[:0]
    sizes = np.diff(np.r_[starts, len(frames)])
    names = list(numbers)
    is_colour = np.array([name in COLOURS for name in names], bool)
    if not is_colour.any():
        return frozenset()
    of_alternatives = np.repeat(sizes > 1, sizes)
    counts = np.bincount(words[of_alternatives], minlength=len(names))
    may_be = np.array([len(name) > 2 and not any(map(str.isdigit, name)) for name in names], bool)
    for _ in range(_ROUNDS):
        with_colour = np.repeat(np.add.reduceat(is_colour[words], starts) > 0, sizes)
        beside = np.bincount(words[of_alternatives & with_colour], minlength=len(names))
        is_often = (beside >= _LEAST_TITLES) & (beside >= _LEAST_SHARE * counts)
        is_colour |= is_often & may_be
    return frozenset(np.array(names, object)[is_colour].tolist()) - COLOURS


def _places(catalog: Catalog, numbers: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Each word of each title, and a hash of the title without it, of its brand and category.

    Returns:
        ``[n] int32`` numbers of words, which ``numbers`` receives, and ``[n] int64`` hashes.
    """
    rows = np.flatnonzero(catalog.listed[: catalog.count])
    rows = rows[:: 1 + len(rows) // _TITLE_LIMIT]
    found: list[int] = []
    hashes: list[int] = []
    for row in rows.tolist():
        every = surface_words(catalog.titles[row])
        quantities = quantity_places(every)
        words = [word for place, word in enumerate(every) if place not in quantities]
        if len(words) <= _LEAST_WORDS:
            continue
        of_item = int(catalog.brand[row]), int(catalog.leaf[row])
        numbered = tuple(_numbered(words, numbers))
        for place, number in enumerate(numbered):
            found.append(number)
            hashes.append(hash((of_item, numbered[:place], numbered[place + 1 :])))
    return np.array(found, np.int32), np.array(hashes, np.int64)


def _numbered(words: Iterable[str], numbers: dict[str, int]) -> list[int]:
    return [numbers.setdefault(word, len(numbers)) for word in words]
