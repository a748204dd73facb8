"""The pictures of items, read once at the size that training needs and kept in a temporary file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile

import numpy as np

from data.errors import InputError
from data.pictures.picture import picture_of
from data.records import Item
from towers.modalities.pictures import read_picture

_READER_COUNT = 4
_BATCH_SIZE = 256


@dataclass(frozen=True, eq=False)
class PictureFiles:
    """Pictures that could be read.

    Args:
        rows: ``[pictures] int64`` positions of their items.
        levels: ``[pictures, size, size, 3] uint8``, mapped from disk.
        refused: What was wrong with the others, counted by a message.
    """

    rows: np.ndarray
    levels: np.ndarray
    refused: Counter[str]


@contextmanager
def picture_files(
    items: Sequence[Item], rows: np.ndarray, size: int, progress: Callable[..., None]
) -> Iterator[PictureFiles]:
    """The pictures of the items at ``rows``, ``size`` squared; gone after the block."""
    refused: Counter[str] = Counter()

    def read(row: int) -> np.ndarray | str:
        picture = picture_of(items[row].image)
        if picture is None:
            return "no file on this machine"
        try:
            return read_picture(picture, (size, size))
        except InputError as error:
            return str(error).partition(", received")[0]

    with (
        TemporaryFile(prefix="nextclick-pictures-") as file,
        ThreadPoolExecutor(_READER_COUNT) as pool,
    ):
        kept: list[int] = []
        for start in range(0, len(rows), _BATCH_SIZE):
            batch = rows[start : start + _BATCH_SIZE].tolist()
            for row, one in zip(batch, pool.map(read, batch), strict=True):
                if isinstance(one, str):
                    refused.update([one])
                else:
                    file.write(one.tobytes())
                    kept.append(row)
            progress(start + len(batch))
        file.flush()
        shape = (len(kept), size, size, 3)
        levels = np.memmap(file, np.uint8, "r", shape=shape) if kept else np.zeros(shape, np.uint8)
        yield PictureFiles(np.array(kept, np.int64), levels, refused)
