"""The union of the sources' lists: distinct items, and the rank of each in every list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from towers.compiled import I32, I64, NONE, compiled, read, written
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
    rows = np.empty(len(found), np.int64)
    rows = np.sort(rows[: _distinct(found, rows)])
    ranks = np.full((len(rows), len(names)), -1, np.int32)
    for name, of_source in lists.items():
        _rank(of_source, rows, names.index(name), ranks)
    return rows, ranks


@compiled(I64, read(I64), written(I64))
def _distinct(found: np.ndarray, rows: np.ndarray) -> int:
    """Writes each row once, in any order; their number."""
    table, count = np.full(slot_count(len(found)), EMPTY, np.int64), 0
    for row in found:
        slot = slot_of(table, row)
        if table[slot] == EMPTY:
            table[slot], rows[count] = row, row
            count += 1
    return count


@compiled(NONE, read(I64), read(I64), I64, written(I32, 2))
def _rank(found: np.ndarray, rows: np.ndarray, column: int, ranks: np.ndarray) -> None:
    """Writes the ranks of one source's list; ``rows`` ascend."""
    for rank in range(len(found)):
        ranks[position_of(rows, found[rank]), column] = rank
