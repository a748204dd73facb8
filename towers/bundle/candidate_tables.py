"""The candidate tower's weights as plain arrays, for batch embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.errors import BundleError, InputError
from data.records import CONTROL_CHARACTER

_FUSION = "fusion_"
"""Start of the names of the files of ``fusion``."""


@dataclass(frozen=True)
class CandidateTables:
    """The candidate tower's weights as plain arrays, with the ids of its items.

    Args:
        item_ids: ``[items]`` in the order of ``item_table``.
        item_table: ``[items, dim] float32``.
        token_table: ``[buckets, dim] float32``.
        fusion: Weights by which words, picture and sound are mixed, by name; none where the shop has
            words alone.
    """

    item_ids: Sequence[str]
    item_table: np.ndarray
    token_table: np.ndarray
    fusion: Mapping[str, np.ndarray] = field(default_factory=dict)

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
        for name, array in self.fusion.items():
            np.save(folder / f"{_FUSION}{name}.npy", array)
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
        token_table = np.load(folder / "token_table.npy", allow_pickle=False)
        fusion = {
            path.stem.removeprefix(_FUSION): np.load(path, allow_pickle=False)
            for path in sorted(folder.glob(f"{_FUSION}*.npy"))
        }
        return cls(item_ids, item_table, token_table, fusion)
