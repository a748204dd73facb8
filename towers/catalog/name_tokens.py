"""The words of brand and category names as token numbers, by the code of the name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from towers.catalog.dictionary import Dictionary
from towers.catalog.item_tokens import name_numbers
from towers.text.tokens import PADDING

NAME_SLOT_COUNT = 8
"""Words of a name that features compare with the words of a query."""


class NameTokens:
    """Token numbers of each name of a dictionary; names added later are read at their first use.

    Args:
        codes: The dictionary.
        bucket_count: As in ``TextConfig``.
        parts: Gives the parts of a name whose words count, the last one first where there is no room.
    """

    def __init__(
        self, codes: Dictionary, bucket_count: int, parts: Callable[[str], tuple[str, ...]]
    ) -> None:
        self._codes = codes
        self._bucket_count = bucket_count
        self._parts = parts
        self._table = np.zeros((0, NAME_SLOT_COUNT), np.int32)

    def table(self) -> np.ndarray:
        """``[names, slots] int32`` token numbers of the names by code, padded with ``PADDING``."""
        table = self._table
        if len(table) < len(self._codes.names):
            # Replaced as one, so that concurrent readers see the old table or the new one.
            table = np.concatenate([table, self._rows(self._codes.names[len(table) :])])
            self._table = table
        return table

    def _rows(self, names: list[str]) -> np.ndarray:
        rows = np.full((len(names), NAME_SLOT_COUNT), PADDING, np.int32)
        for row, name in zip(rows, names, strict=True):
            numbers = [
                number
                for part in reversed(self._parts(name))
                for number in name_numbers(part, self._bucket_count)
            ][:NAME_SLOT_COUNT]
            row[: len(numbers)] = numbers
        return rows
