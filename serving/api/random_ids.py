"""Ids that nobody can guess, for attribution tokens and events."""

from __future__ import annotations

import os
from collections import deque

_ID_BYTES = 16
_DRAWN_COUNT = 256


class RandomIds:
    """Ids of 128 random bits, as 32 hexadecimal digits. Thread-safe.

    Drawn from the operating system many at a time: each draw gives up the interpreter lock, and under
    load to get it back takes longer than all else about an id.
    """

    def __init__(self) -> None:
        self._drawn: deque[str] = deque()

    def next(self) -> str:
        """An id that was not given before."""
        while True:
            try:
                return self._drawn.popleft()
            except IndexError:
                digits = os.urandom(_DRAWN_COUNT * _ID_BYTES).hex()
                length = 2 * _ID_BYTES
                starts = range(0, len(digits), length)
                self._drawn.extend(digits[start : start + length] for start in starts)
