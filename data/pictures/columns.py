"""The column ``image`` of a shop's files: paths made absolute, and bytes kept in a file of the tables."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.atomic import atomic_folder
from data.errors import InputError
from data.pictures.picture import BYTE_LIMIT, FILE_NAME, is_address, looks_like_picture

NO_FILE, TOO_LARGE = "no such file", "over 4 MiB"
NO_PICTURE, ADDRESS = "no JPEG, PNG or WebP picture", "an address, which is not read"

_BATCH_ROWS = 256


@dataclass(frozen=True)
class PictureColumn:
    """A column of pictures, as bytes, of a Parquet file."""

    path: Path
    column: str

    @classmethod
    def of(cls, path: Path, column: str) -> PictureColumn | None:
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
        return cls(path, column) if is_bytes else None

    def names(self) -> tuple[pa.ChunkedArray, Counter[str]]:
        """``[rows] string`` names in the tables' file, empty for none; and what is wrong, counted."""
        names, wrong, offset = [], Counter[str](), 0
        for content in self._contents():
            fault = _fault(content) if content else ""
            if content and not fault:
                names.append(f"{FILE_NAME}#{offset}+{len(content)}")
                offset += len(content)
            else:
                names.append("")
                wrong.update([fault] if fault else [])
        return pa.chunked_array([pa.array(names, pa.string())]), wrong

    def write(self, folder: Path) -> None:
        """Writes the file that ``names`` refers to."""
        with (folder / FILE_NAME).open("wb") as file:
            for content in self._contents():
                if content and not _fault(content):
                    file.write(content)

    def _contents(self) -> Iterator[bytes | None]:
        try:
            batches = pq.ParquetFile(self.path).iter_batches(_BATCH_ROWS, columns=[self.column])
            for batch in batches:
                yield from batch.column(0).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{self.path.name}: expected a readable file, received: {error}"
            ) from error


def located(images: pa.ChunkedArray, folder: Path) -> tuple[pa.ChunkedArray, Counter[str]]:
    """Paths relative to a folder as absolute ones, and what is wrong with the files, counted.

    A text stays as it came where there is no such file; an address on the web is no file, and not read.
    """
    wrong, found = Counter[str](), []
    for image in images.to_pylist():
        if not image or is_address(image):
            wrong.update([ADDRESS] if image else [])
            found.append(image)
            continue
        path = folder.absolute() / image
        fault = _file_fault(path)
        wrong.update([fault] if fault else [])
        found.append(image if fault == NO_FILE else str(path))
    return pa.chunked_array([pa.array(found, pa.string())]), wrong


def told(file_name: str, images: pa.ChunkedArray, wrong: Counter[str]) -> tuple[str, ...]:
    """A note that counts pictures and what is wrong with them; none where no item names a picture."""
    named_count = pc.sum(pc.not_equal(images, "")).as_py() or 0
    if not named_count and not wrong:
        return ()
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(wrong.items()))
    unusable = f"; not usable: {reasons}" if wrong else ""
    return (f"{file_name}, image: {named_count:,} items name a picture{unusable}",)


def absolute(items: pa.Table, folder: Path) -> pa.Table:
    """Items whose pictures in the file of their tables are named by its absolute path."""
    return _renamed(items, f"{FILE_NAME}#", f"{folder.absolute() / FILE_NAME}#")


def relative(items: pa.Table, folder: Path) -> pa.Table:
    """The reverse of ``absolute``."""
    return _renamed(items, f"{folder.absolute() / FILE_NAME}#", f"{FILE_NAME}#")


def _renamed(items: pa.Table, start: str, new: str) -> pa.Table:
    images = items["image"]
    is_stored = pc.starts_with(images, start)
    if not pc.any(is_stored).as_py():
        return items
    renamed = pc.replace_substring(images, start, new, max_replacements=1)
    position = items.schema.get_field_index("image")
    return items.set_column(
        position, items.schema.field(position), pc.if_else(is_stored, renamed, images)
    )


def _file_fault(path: Path) -> str:
    try:
        size = path.stat().st_size
        if not path.is_file():
            return NO_FILE
        if size > BYTE_LIMIT:
            return TOO_LARGE
        with path.open("rb") as file:
            return "" if looks_like_picture(file.read(12)) else NO_PICTURE
    except (OSError, ValueError):
        return NO_FILE


def _fault(content: bytes) -> str:
    if len(content) > BYTE_LIMIT:
        return TOO_LARGE
    return "" if looks_like_picture(content[:12]) else NO_PICTURE


def with_pictures_of(
    base: Path, items: pa.Table, newest_items: pa.Table | None
) -> tuple[pa.Table, pa.Table | None, Callable[[Path], object] | None]:
    """Items that name the pictures of earlier tables as their own, and what copies those."""
    if not (base / FILE_NAME).is_file():
        return items, newest_items, None
    newest = None if newest_items is None else relative(newest_items, base)
    return relative(items, base), newest, partial(shutil.copy, base / FILE_NAME)


def extracted(pictures: PictureColumn) -> Path:
    """A folder in the user's cache with the pictures of a file of items.

    Those of its earlier versions are removed. Each version has a folder of its own, since who still reads
    an earlier one must find no file rather than other pictures at the same places.
    """
    about = pictures.path.stat()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nextclick"
    versions = cache / "pictures" / _hashed(f"{pictures.path.absolute()} {pictures.column}")
    folder = versions / _hashed(f"{about.st_size} {about.st_mtime_ns}")
    if not (folder / FILE_NAME).is_file():
        with atomic_folder(folder, marker=FILE_NAME) as unfinished:
            pictures.write(unfinished)
        for other in versions.iterdir():
            # Hidden ones are being written.
            if other.name != folder.name and not other.name.startswith("."):
                shutil.rmtree(other, ignore_errors=True)
    return folder


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
