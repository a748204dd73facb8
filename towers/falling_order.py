"""Sorting by falling scores, with ties by row."""

from __future__ import annotations

from typing import Any

import numpy as np

from towers.compiled import F32, I64, compiled, inlined, merged, read, written

ROW_BITS = 31
"""Of a key, those of the row."""


def falling_order(scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Positions by falling scores, ties by row, ``[n] int64``; faster than ``numpy.lexsort``.

    Args:
        scores: ``[n] float32``, no NaN.
        rows: ``[n] int64``, 0 to 2³¹ − 1, each once.
    """
    order: np.ndarray = _keys(scores, rows).argsort()
    return order


@inlined
def falling_keys(scores: np.ndarray, rows: np.ndarray) -> Any:
    """``[n] int64`` numbers from 0 that ascend as scores fall, with the row in the lower bits."""
    plain = np.empty(len(scores), np.float32)
    for place in range(len(scores)):
        # Plus 0, so that −0 ties with 0.
        plain[place] = scores[place] + np.float32(0)
    bits, keys = plain.view(np.int32), np.empty(len(scores), np.int64)
    for place in range(len(scores)):
        # As integers, bits of negative numbers run the other way.
        ascending = (
            np.int64(bits[place]) if bits[place] >= 0 else np.int64(bits[place] ^ 0x7FFFFFFF)
        )
        keys[place] = ((0x7FFFFFFF - ascending) << ROW_BITS) | rows[place]
    return keys


@merged
def unpacked(keys: np.ndarray) -> Any:
    """The scores, ``[n] float32``, and the rows, ``[n] int64``, that keys were made of."""
    bits, rows = np.empty(len(keys), np.int32), np.empty(len(keys), np.int64)
    for place in range(len(keys)):
        ascending = 0x7FFFFFFF - (keys[place] >> ROW_BITS)
        bits[place] = ascending if ascending >= 0 else ascending ^ 0x7FFFFFFF
        rows[place] = keys[place] & (1 << ROW_BITS) - 1
    return bits.view(np.float32), rows


@compiled(written(I64), read(F32), read(I64))
def _keys(scores: np.ndarray, rows: np.ndarray) -> Any:
    return falling_keys(scores, rows)
