"""The union of the sources' lists: distinct items, and the rank of each in every list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from towers.compiled import I32, I64, compiled, read, several, written
from towers.radix_sort import LOWEST_BIT, sorted_keys
from towers.retrieval.hashed_sums import EMPTY, empty_table, position_of, slot_of


def union(lists: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows and their ranks.

    Args:
        lists: ``[k] int64`` rows of each source, best first, each once; at least one list.

    Returns:
        ``[n] int64`` ascending rows, and ``[n, lists] int32`` rank from 0 in each list, −1 where it
        does not have the item.
    """
    joined: tuple[np.ndarray, np.ndarray] = _join(
        np.concatenate(lists), np.array([*map(len, lists)])
    )
    return joined


@compiled(several(written(I64), written(I32, 2)), read(I64), read(I64))
def _join(found: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As above, of lists one after the other."""
    table, count = empty_table(len(found)), 0
    rows = np.empty(len(found), np.int64)
    for row in found:
        slot = slot_of(table, row)
        if table[slot] == EMPTY:
            table[slot], rows[count] = row, row
            count += 1
    rows = sorted_keys(rows[:count], LOWEST_BIT)
    ranks = np.empty((count, len(lengths)), np.int32)
    for place in range(count):
        for column in range(len(lengths)):
            ranks[place, column] = -1
    begin = 0
    for column in range(len(lengths)):
        for rank in range(lengths[column]):
            ranks[position_of(rows, found[begin + rank]), column] = rank
        begin += lengths[column]
    return rows, ranks
