"""Columns such as ``image`` of a shop's files: paths made absolute, and bytes kept in the tables."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.atomic import atomic_folder
from data.errors import InputError
from data.media.kinds import MEDIA
from data.media.medium import Medium, is_address

NO_FILE, ADDRESS = "no such file", "an address, which is not read"

_BATCH_BYTES = 1024 * 1024 * 1024
"""Most that the contents of one batch of rows are, were all as large as is allowed."""


@dataclass(frozen=True)
class MediaColumn:
    """A column of contents, as bytes, of a Parquet file."""

    path: Path
    column: str
    medium: Medium

    @classmethod
    def of(cls, path: Path, column: str, medium: Medium) -> MediaColumn | None:
        """The column of that name; None where the file has none or one of another type."""
        if path.suffix != ".parquet":
            return None
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowException, OSError):
            # What is wrong with the file is told where its rows are read.
            return None
        position = schema.get_field_index(column)
        is_bytes = position >= 0 and any(
            kind(schema.field(position).type)
            for kind in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
        )
        return cls(path, column, medium) if is_bytes else None

    def names(self) -> tuple[pa.ChunkedArray, Counter[str]]:
        """``[rows] string`` names in the tables' file, empty for none; and what is wrong, counted."""
        names, wrong, offset = [], Counter[str](), 0
        for content in self._contents():
            fault = _fault(content, self.medium) if content else ""
            if content and not fault:
                names.append(f"{self.medium.file_name}#{offset}+{len(content)}")
                offset += len(content)
            else:
                names.append("")
                wrong.update([fault] if fault else [])
        return pa.chunked_array([pa.array(names, pa.string())]), wrong

    def write(self, folder: Path) -> None:
        """Writes the file that ``names`` refers to."""
        with (folder / self.medium.file_name).open("wb") as file:
            for content in self._contents():
                if content and not _fault(content, self.medium):
                    file.write(content)

    def _contents(self) -> Iterator[bytes | None]:
        row_count = max(1, _BATCH_BYTES // self.medium.byte_limit)
        try:
            batches = pq.ParquetFile(self.path).iter_batches(row_count, columns=[self.column])
            for batch in batches:
                yield from batch.column(0).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{self.path.name}: expected a readable file, received: {error}"
            ) from error


def located(
    texts: pa.ChunkedArray, folder: Path, medium: Medium
) -> tuple[pa.ChunkedArray, Counter[str]]:
    """Paths relative to a folder as absolute ones, and what is wrong with the files, counted.

    A text stays as it came where there is no such file; an address on the web is no file, and not read.
    """
    wrong, found = Counter[str](), []
    for text in texts.to_pylist():
        if not text or is_address(text):
            wrong.update([ADDRESS] if text else [])
            found.append(text)
            continue
        path = folder.absolute() / text
        fault = _file_fault(path, medium)
        wrong.update([fault] if fault else [])
        found.append(text if fault == NO_FILE else str(path))
    return pa.chunked_array([pa.array(found, pa.string())]), wrong


def told(
    file_name: str, medium: Medium, texts: pa.ChunkedArray, wrong: Counter[str]
) -> tuple[str, ...]:
    """A note that counts contents and what is wrong with them; none where no item names one."""
    named_count = pc.sum(pc.not_equal(texts, "")).as_py() or 0
    if not named_count and not wrong:
        return ()
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(wrong.items()))
    unusable = f"; not usable: {reasons}" if wrong else ""
    return (f"{file_name}, {medium.field}: {named_count:,} items name a {medium.noun}{unusable}",)


def absolute(items: pa.Table, folder: Path, media: Sequence[Medium] = MEDIA) -> pa.Table:
    """Items whose contents in a folder's files are named by absolute paths."""
    for medium in media:
        name = medium.file_name
        items = _renamed(items, medium.field, f"{name}#", f"{folder.absolute() / name}#")
    return items


def relative(items: pa.Table, folder: Path) -> pa.Table:
    """The reverse of ``absolute``."""
    for medium in MEDIA:
        name = medium.file_name
        items = _renamed(items, medium.field, f"{folder.absolute() / name}#", f"{name}#")
    return items


def _renamed(items: pa.Table, field: str, start: str, new: str) -> pa.Table:
    texts = items[field]
    is_stored = pc.starts_with(texts, start)
    if not pc.any(is_stored).as_py():
        return items
    renamed = pc.replace_substring(texts, start, new, max_replacements=1)
    position = items.schema.get_field_index(field)
    return items.set_column(
        position, items.schema.field(position), pc.if_else(is_stored, renamed, texts)
    )


def _file_fault(path: Path, medium: Medium) -> str:
    try:
        size = path.stat().st_size
        if not path.is_file():
            return NO_FILE
        if size > medium.file_limit:
            return _too_large(medium.file_limit)
        with path.open("rb") as file:
            return "" if medium.looks_like(file.read(12)) else _other_kind(medium)
    except (OSError, ValueError):
        return NO_FILE


def _fault(content: bytes, medium: Medium) -> str:
    if len(content) > medium.byte_limit:
        return _too_large(medium.byte_limit)
    return "" if medium.looks_like(content[:12]) else _other_kind(medium)


def _too_large(limit: int) -> str:
    return f"over {limit // (1024 * 1024):,} MiB"


def _other_kind(medium: Medium) -> str:
    return f"no {medium.formats} {medium.noun}"


def with_media_of(
    base: Path, items: pa.Table, newest_items: pa.Table | None
) -> tuple[pa.Table, pa.Table | None, list[Callable[[Path], object]]]:
    """Items that name the contents of earlier tables as their own, and what copies those."""
    paths = [base / medium.file_name for medium in MEDIA]
    copies = [partial(shutil.copy, path) for path in paths if path.is_file()]
    if not copies:
        return items, newest_items, []
    newest = None if newest_items is None else relative(newest_items, base)
    return relative(items, base), newest, [*copies]


def extracted(column: MediaColumn) -> Path:
    """A folder in the user's cache with the contents of a column of a file of items.

    Those of its earlier versions are removed. Each version has a folder of its own, since who still reads
    an earlier one must find no file rather than other contents at the same places.
    """
    about, name = column.path.stat(), column.medium.file_name
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nextclick"
    kept = cache / name.removesuffix(".bin")
    versions = kept / _hashed(f"{column.path.absolute()} {column.column}")
    folder = versions / _hashed(f"{about.st_size} {about.st_mtime_ns}")
    if not (folder / name).is_file():
        with atomic_folder(folder, marker=name) as unfinished:
            column.write(unfinished)
        for other in versions.iterdir():
            # Hidden ones are being written.
            if other.name != folder.name and not other.name.startswith("."):
                shutil.rmtree(other, ignore_errors=True)
    return folder


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
