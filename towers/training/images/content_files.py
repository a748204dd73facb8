"""The pictures or sounds of items, read once as training needs them and kept in a temporary file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile

import numpy as np

from data.errors import InputError
from data.media.medium import Medium, Place
from data.records import Item
from towers.modalities.item_vectors import without_value

_READER_COUNT = 4
_BATCH_SIZE = 256


@dataclass(frozen=True, eq=False)
class ContentFiles:
    """Pictures or sounds that could be read.

    Args:
        rows: ``[contents] int64`` positions of their items.
        levels: ``[contents, height, width, channels] uint8``, mapped from disk.
        refused: What was wrong with the others, counted by a message.
    """

    rows: np.ndarray
    levels: np.ndarray
    refused: Counter[str]


@contextmanager
def content_files(
    items: Sequence[Item],
    rows: np.ndarray,
    medium: Medium,
    levels_of: Callable[[Place], np.ndarray],
    progress: Callable[..., None],
) -> Iterator[ContentFiles]:
    """What the items at ``rows`` name; gone after the block.

    Args:
        levels_of: Reads one, ``[height, width, channels] uint8`` of one shape for all.
    """
    refused: Counter[str] = Counter()

    def read(row: int) -> np.ndarray | str:
        place = medium.place_of(items[row])
        if place is None:
            return "no file on this machine"
        try:
            return levels_of(place)
        except InputError as error:
            return without_value(str(error))

    with (
        TemporaryFile(prefix="nextclick-contents-") as file,
        ThreadPoolExecutor(_READER_COUNT) as pool,
    ):
        kept: list[int] = []
        shape: tuple[int, ...] = (1, 1, 1)
        for start in range(0, len(rows), _BATCH_SIZE):
            batch = rows[start : start + _BATCH_SIZE].tolist()
            for row, one in zip(batch, pool.map(read, batch), strict=True):
                if isinstance(one, str):
                    refused.update([one])
                else:
                    file.write(one.tobytes())
                    kept.append(row)
                    shape = one.shape
            progress(start + len(batch))
        file.flush()
        shape = (len(kept), *shape)
        levels = np.memmap(file, np.uint8, "r", shape=shape) if kept else np.zeros(shape, np.uint8)
        yield ContentFiles(np.array(kept, np.int64), levels, refused)
