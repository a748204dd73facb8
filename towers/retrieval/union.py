"""The union of the sources' lists: distinct items, and the rank of each in every list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from towers.compiled import I32, I64, compiled, read, written
from towers.retrieval.hashed_sums import EMPTY, position_of, slot_count, slot_of
from towers.retrieval.source import NO_ROWS


def union(lists: Mapping[str, np.ndarray], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows and their ranks.

    Args:
        lists: ``[k] int64`` rows by source, best first, each once.
        names: All sources, in the order of the columns of the ranks.

    Returns:
        ``[n] int64`` ascending rows, and ``[n, sources] int32`` rank from 0 in each source, −1 where it
        did not find the item.
    """
    found = np.concatenate([*lists.values()]) if lists else NO_ROWS
    columns = [names.index(name) for name in lists]
    ends = [*accumulate(map(len, lists.values()))]
    rows = np.empty(len(found), np.int64)
    ranks = np.empty((len(found), len(names)), np.int32)
    count = _join(found, np.array(columns, np.int64), np.array(ends, np.int64), rows, ranks)
    return rows[:count], ranks[:count]


@compiled(I64, read(I64), read(I64), read(I64), written(I64), written(I32, 2))
def _join(
    found: np.ndarray, columns: np.ndarray, ends: np.ndarray, rows: np.ndarray, ranks: np.ndarray
) -> int:
    """Writes the distinct rows, ascending, and the ranks of each; their number.

    Args:
        found: The lists one after the other, which end at ``ends``.
        columns: Column of each list.
    """
    table, count = np.full(slot_count(len(found)), EMPTY, np.int64), 0
    for row in found:
        slot = slot_of(table, row)
        if table[slot] == EMPTY:
            table[slot], rows[count] = row, row
            count += 1
    rows[:count].sort()
    ranks[:count] = -1
    begin = 0
    for number in range(len(columns)):
        for place in range(begin, ends[number]):
            ranks[position_of(rows[:count], found[place]), columns[number]] = place - begin
        begin = ends[number]
    return count
