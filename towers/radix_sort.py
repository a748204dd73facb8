"""Sorting of integer keys in compiled loops, for the hundreds of rows of one request.

NumPy's own sorts take two seconds each to compile, and are no faster on so few keys.
"""

from __future__ import annotations

import numpy as np

from towers.compiled import inlined, merged

_DIGIT_BITS = 8
_LEAD_BITS = 12
"""Upper bits by which keys are told apart before they are sorted."""
KEY_BITS = 63
LOWEST_BIT = np.int64(0)
"""Where all of a key counts; the compiler would take a plain 0 for one more type of argument."""


@inlined
def sorted_keys(keys: np.ndarray, first_bit: int) -> np.ndarray:
    """``[n] int64`` keys from 0 in ascending order; ``keys`` itself serves as room.

    By one digit after the other, from the lowest on (Knuth, The Art of Computer Programming, volume 3,
    section 5.2.5); digits that all keys share cost nothing.

    Args:
        first_bit: Keys that agree from this bit on keep their order.
    """
    differing = np.int64(0)
    for key in keys:
        differing |= key ^ keys[0]
    source, target = keys, np.empty(len(keys), np.int64)
    ends = np.empty(1 << _DIGIT_BITS, np.int64)
    for shift in range(first_bit, KEY_BITS, _DIGIT_BITS):
        if differing >> shift & (1 << _DIGIT_BITS) - 1:
            for digit in range(len(ends)):
                ends[digit] = 0
            for key in source:
                ends[key >> shift & (1 << _DIGIT_BITS) - 1] += 1
            begin = 0
            for digit in range(len(ends)):
                begin += ends[digit]
                ends[digit] = begin - ends[digit]
            for key in source:
                digit = key >> shift & (1 << _DIGIT_BITS) - 1
                target[ends[digit]] = key
                ends[digit] += 1
            source, target = target, source
    return source


@merged
def smallest_keys(keys: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` smallest of ``[n] int64`` keys from 0, or all, in ascending order."""
    if count < len(keys):
        # Keys with more than the upper bits of the count-th smallest are left out unsorted.
        counts = np.zeros(1 << _LEAD_BITS, np.int32)
        for key in keys:
            counts[key >> (KEY_BITS - _LEAD_BITS)] += 1
        most, reached = 0, counts[0]
        while reached < count:
            most += 1
            reached += counts[most]
        kept = np.empty(reached, np.int64)
        reached = 0
        for key in keys:
            if key >> (KEY_BITS - _LEAD_BITS) <= most:
                kept[reached] = key
                reached += 1
        keys = kept
    return sorted_keys(keys, LOWEST_BIT)[:count]
