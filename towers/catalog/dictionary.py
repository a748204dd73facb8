"""Dictionary encoding: names to integer codes, and back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class Dictionary:
    """Numbers names in order of first occurrence; −1 stands for unknown names."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> int:
        """The number of ``name``, which is added if it is new."""
        number = self._numbers.get(name)
        if number is None:
            number = len(self.names)
            # The name before its number, so that concurrent readers can resolve the number.
            self.names.append(name)
            self._numbers[name] = number
        return number

    def add_all(self, names: Iterable[str]) -> np.ndarray:
        """The numbers of many names, ``[names] int32``."""
        return np.fromiter(map(self.add, names), np.int32)

    def get(self, name: str) -> int:
        """The number of ``name``, −1 if it is unknown."""
        return self._numbers.get(name, -1)
