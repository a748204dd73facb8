"""Embeddings of items on disk: Parquet files of a batch each, and a journal of what they are of.

A part is complete as soon as it has its name, so a run that was killed goes on behind the last one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import InputError

JOURNAL_NAME = "embeddings.json"


@dataclass(frozen=True)
class EmbeddingJournal:
    """What the parts of a folder are of.

    Args:
        bundle_id: The bundle whose candidate tower gave them.
        source_name, source_bytes, source_modified: The file of the items; nanoseconds since 1970.
        batch_rows: Items of a part; the last one may have fewer.
        item_count: Items of all parts.
        dim: Length of an embedding.
        is_complete: Whether all parts are there.
    """

    bundle_id: str
    source_name: str
    source_bytes: int
    source_modified: int
    batch_rows: int
    item_count: int
    dim: int
    is_complete: bool = False

    def write(self, folder: Path) -> None:
        """Writes it into an existing folder, at once."""
        text = json.dumps(asdict(self), indent=1)
        _write(folder / JOURNAL_NAME, text.encode())

    @classmethod
    def read(cls, folder: Path) -> EmbeddingJournal | None:
        """The journal of a folder; None where there is none.

        Raises:
            InputError: It cannot be read.
        """
        path = folder / JOURNAL_NAME
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, OSError) as error:
            raise InputError(
                f"{path}: expected a journal of embeddings, received {error}"
            ) from error

    @property
    def part_count(self) -> int:
        """Parts of a complete folder."""
        return -(-self.item_count // self.batch_rows)


def part_path(folder: Path, number: int) -> Path:
    """The file of a part, by its number from 0."""
    return folder / f"part-{number:06}.parquet"


def write_part(
    folder: Path, number: int, item_ids: Sequence[str], keys: np.ndarray, embeddings: np.ndarray
) -> None:
    """Writes one part, which is there completely or not at all.

    Args:
        keys: ``[items] uint64`` hashes of what was embedded.
        embeddings: ``[items, dim] float32``.
    """
    flat = pa.array(np.ascontiguousarray(embeddings, np.float32).reshape(-1))
    columns = {
        "item_id": pa.array(item_ids, pa.string()),
        "content_hash": pa.array(keys),
        "embedding": pa.FixedSizeListArray.from_arrays(flat, embeddings.shape[1]),
    }
    buffer = pa.BufferOutputStream()
    # Neither hashes nor embeddings get any smaller by compression.
    pq.write_table(
        pa.table(columns),
        buffer,
        compression={"item_id": "zstd", "content_hash": "none", "embedding.list.element": "none"},
        use_dictionary=False,
        write_statistics=False,
    )
    _write(part_path(folder, number), memoryview(buffer.getvalue()))


def part_keys(folder: Path, number: int) -> tuple[list[str], np.ndarray]:
    """The item ids of a part, and its ``[items] uint64`` hashes."""
    table = pq.read_table(part_path(folder, number), columns=["item_id", "content_hash"])
    return table["item_id"].to_pylist(), table["content_hash"].to_numpy()


def part_embeddings(folder: Path, number: int) -> np.ndarray:
    """The embeddings of a part, ``[items, dim] float32``."""
    column = pq.read_table(part_path(folder, number), columns=["embedding"])["embedding"]
    embeddings = column.combine_chunks()
    dim = column.type.list_size
    return np.asarray(embeddings.flatten().to_numpy(zero_copy_only=False)).reshape(-1, dim)


def _write(path: Path, content: bytes | memoryview) -> None:
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
