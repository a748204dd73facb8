"""The candidate tower's weights as plain arrays, for batch embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.errors import BundleError, InputError
from data.records import CONTROL_CHARACTER


@dataclass(frozen=True)
class CandidateTables:
    """The candidate tower's weights as plain arrays, with the ids of its items.

    Args:
        item_ids: ``[items]`` in the order of ``item_table``.
        item_table: ``[items, dim] float32``.
        token_table: ``[buckets, dim] float32``.
    """

    item_ids: Sequence[str]
    item_table: np.ndarray
    token_table: np.ndarray

    def save(self, folder: Path) -> None:
        """Writes them into an existing folder.

        Raises:
            InputError: An id holds a control character; ids are separated by line breaks.
        """
        for item_id in self.item_ids:
            if CONTROL_CHARACTER.search(item_id):
                raise InputError(f"item id: expected no control characters, received {item_id!r}")
        np.save(folder / "item_table.npy", self.item_table)
        np.save(folder / "token_table.npy", self.token_table)
        encoded = [item_id.encode() for item_id in self.item_ids]
        np.save(folder / "item_ids.npy", np.frombuffer(b"\n".join(encoded), np.uint8))

    @classmethod
    def load(cls, folder: Path) -> CandidateTables:
        """What ``save`` wrote.

        Raises:
            BundleError: The numbers of ids and vectors differ.
        """
        text = np.load(folder / "item_ids.npy", allow_pickle=False).tobytes().decode()
        # Not by ``splitlines``, which also splits at U+2028, a character that ids may have.
        item_ids = text.split("\n") if text else []
        item_table = np.load(folder / "item_table.npy", allow_pickle=False)
        if len(item_ids) != len(item_table):
            raise BundleError(
                f"item_ids.npy: expected {len(item_table):,} ids, received {len(item_ids):,}"
            )
        return cls(item_ids, item_table, np.load(folder / "token_table.npy", allow_pickle=False))
