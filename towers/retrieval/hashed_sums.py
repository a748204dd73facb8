"""Sums by integer key in compiled loops: an open-addressing hash table of a few hundred keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from towers.compiled import F32, I64, compiled, inlined, read, several, written
from towers.radix_sort import sorted_keys

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, section 6.4."""

EMPTY = -1
"""Key of an empty slot; keys are 0 or more."""


@inlined
def slot_count(key_count: int) -> int:
    """Slots of a table for so many distinct keys: a power of two, at most half of them used."""
    slots = 16
    while slots < 2 * key_count:
        slots *= 2
    return slots


@inlined
def empty_table(key_count: int) -> np.ndarray:
    """Slots for so many distinct keys, all of them empty; ``numpy.full`` takes long to compile."""
    table = np.empty(slot_count(key_count), np.int64)
    for slot in range(len(table)):
        table[slot] = EMPTY
    return table


@inlined
def slot_of(keys: np.ndarray, key: int) -> Any:
    """The slot of a key, or the empty one where it belongs."""
    mask = len(keys) - 1
    slot = np.int64((np.uint64(key) * _MULTIPLIER) >> np.uint64(33)) & mask
    while keys[slot] != key and keys[slot] != EMPTY:
        slot = (slot + 1) & mask
    return slot


@inlined
def sums_by_key(found: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values added up by key, in the order given: keys and sums by slot."""
    keys = empty_table(len(found))
    sums = np.zeros(len(keys), np.float64)
    for position in range(len(found)):
        slot = slot_of(keys, found[position])
        keys[slot] = found[position]
        sums[slot] += values[position]
    return keys, sums


@inlined
def sum_at(keys: np.ndarray, sums: np.ndarray, key: int) -> float:
    """The sum of a key, 0 where it has none."""
    slot = slot_of(keys, key)
    return sums[slot] if keys[slot] == key else 0.0


@inlined
def position_of(ascending: np.ndarray, key: int) -> int:
    """Where a key stands among ascending ones, or would."""
    low, high = 0, len(ascending)
    while low < high:
        middle = (low + high) >> 1
        if ascending[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def distinct_sums(found: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct keys, in the order of their first occurrence, and their sums.

    Args:
        found: ``[n] int64`` keys from 0.
        values: ``[n] float64``, added up in this order.

    Returns:
        ``[m] int64`` and ``[m] float64``.
    """
    table, places = empty_table(len(found)), 0
    of_slot = np.empty(len(table), np.int64)
    keys, sums = np.empty(len(found), np.int64), np.empty(len(found), np.float64)
    for position in range(len(found)):
        slot = slot_of(table, found[position])
        if table[slot] == EMPTY:
            table[slot], of_slot[slot] = found[position], places
            keys[places], sums[places] = found[position], 0.0
            places += 1
        sums[of_slot[slot]] += values[position]
    return keys[:places], sums[:places]


PAIRS = several(written(I64), written(F32))
"""Type of rows with their values, as ``ascending`` gives them."""


@inlined
def ascending(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``[n]`` distinct keys, 0 to 2⁶² / n, ascending, and their values, as ``int64`` and ``float32``."""
    place_bits = 0
    while len(keys) >> place_bits:
        place_bits += 1
    placed = np.empty(len(keys), np.int64)
    for place in range(len(keys)):
        placed[place] = keys[place] << place_bits | place
    placed = sorted_keys(placed, place_bits)
    found, of_found = np.empty(len(keys), np.int64), np.empty(len(keys), np.float32)
    for position in range(len(keys)):
        place = placed[position] & (1 << place_bits) - 1
        found[position], of_found[position] = keys[place], values[place]
    return found, of_found


@compiled(PAIRS, read(I64), read(F32))
def ascending_sums(found: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct keys, ascending, and the sums of their values, ``[m] int64`` and ``float32``.

    Args:
        found: ``[n]`` keys, 0 to 2⁶² / n, repeated in any order.
        values: ``[n] float32``, added up in this order in double precision.
    """
    keys, sums = distinct_sums(found, values)
    return ascending(keys, sums)
