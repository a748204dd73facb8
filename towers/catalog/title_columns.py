"""The words of titles in order, and where their noun phrases end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from towers.text.tokens import PADDING, token
from towers.text.words import stem, surface_words

TITLE_SLOT_COUNT = 24
"""Words of a title that features compare with the words of a query."""

_PREPOSITIONS = frozenset(
    (
        *("and", "at", "by", "for", "from", "in", "incl", "including", "into", "of", "on", "or"),
        *("per", "plus", "to", "w", "with", "without", "mit", "ohne", "für", "fur", "und", "von"),
        *("avec", "sans", "pour", "et", "de", "du", "con", "sin", "para", "y"),
    )
)


def title_columns(titles: Sequence[str], bucket_count: int) -> tuple[np.ndarray, np.ndarray]:
    """The words of each title as token numbers, and whether a noun phrase ends at each.

    A phrase ends before a preposition, before a word with a digit and at the end of the title: so a
    "camera" differs from a "camera bag".

    Returns:
        ``[titles, TITLE_SLOT_COUNT] int32``, padded with ``PADDING``, and ``bool`` of the same shape.
    """
    of_titles = [surface_words(title)[: TITLE_SLOT_COUNT + 1] for title in titles]
    numbers = [
        [token("w:" + stem(word), bucket_count) for word in of_title] for of_title in of_titles
    ]
    ends = np.zeros((len(titles), TITLE_SLOT_COUNT), bool)
    for row, of_title in zip(ends, of_titles, strict=True):
        for position, following in enumerate([*of_title[1:], ""][:TITLE_SLOT_COUNT]):
            row[position] = (
                not following or following in _PREPOSITIONS or any(map(str.isdigit, following))
            ) and position < len(of_title)
    return slots(numbers, TITLE_SLOT_COUNT), ends


def slots(numbers: Sequence[Sequence[int]], slot_count: int) -> np.ndarray:
    """``[rows, slot_count] int32``, padded with ``PADDING``; numbers beyond are left out."""
    lengths = np.fromiter(map(len, numbers), np.int64, len(numbers))
    filled = np.full((len(numbers), slot_count), PADDING, np.int32)
    kept = (of_row[:slot_count] for of_row in numbers)
    filled[np.arange(slot_count) < lengths[:, None]] = np.fromiter(
        chain.from_iterable(kept), np.int32
    )
    return filled
