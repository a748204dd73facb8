"""The words of titles in order, and which of them say what the item is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from towers.text.title_heads import head_keys, noun_key
from towers.text.tokens import PADDING, token
from towers.text.word_forms import item_words
from towers.text.words import stem

TITLE_SLOT_COUNT = 28
"""Words of a title that features compare with the words of a query."""


def title_columns(
    titles: Sequence[str], brands: Sequence[str], bucket_count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The words of each title as token numbers, and whether each is a noun that the item is.

    So a "camera" differs from a "camera bag". Other forms, as ``item_words`` gives them, follow the
    words.

    Returns:
        ``[titles, TITLE_SLOT_COUNT] int32``, padded with ``PADDING``, and ``bool`` of the same shape.
    """
    numbers = []
    is_head = np.zeros((len(titles), TITLE_SLOT_COUNT), bool)
    for row, title, brand in zip(is_head, titles, brands, strict=True):
        found = item_words(title).words[:TITLE_SLOT_COUNT]
        heads = head_keys(title, brand)
        numbers.append([token("w:" + stem(word), bucket_count) for word in found])
        row[: len(found)] = [noun_key(word) in heads for word in found]
    return slots(numbers, TITLE_SLOT_COUNT), is_head


def slots(numbers: Sequence[Sequence[int]], slot_count: int) -> np.ndarray:
    """``[rows, slot_count] int32``, padded with ``PADDING``; numbers beyond are left out."""
    lengths = np.fromiter(map(len, numbers), np.int64, len(numbers))
    filled = np.full((len(numbers), slot_count), PADDING, np.int32)
    kept = (of_row[:slot_count] for of_row in numbers)
    filled[np.arange(slot_count) < lengths[:, None]] = np.fromiter(
        chain.from_iterable(kept), np.int32
    )
    return filled
