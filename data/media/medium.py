"""A kind of file that items name, such as pictures: how one is named, its limits, and its bytes.

An item names its file by text: a path, or a slice of a file of the tables such as ``pictures.bin``, in
which the contents of a column of bytes stand one after another. One file, since ten million small ones
take hours to write safely.
"""

from __future__ import annotations

import errno
import hashlib
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from data.errors import InputError
from data.records import Item

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SAMPLE_BYTES = 1024 * 1024


class StoredContent(NamedTuple):
    """A content within a file of the tables: ``size`` bytes from ``offset`` on."""

    path: Path
    offset: int
    size: int


Place = Path | StoredContent
"""Where a content is; the file need not exist."""


@dataclass(frozen=True)
class Medium:
    """A kind of file that items name.

    Args:
        field: Of ``Item``, and column of a shop's files: ``image``.
        noun: What one is: ``picture``.
        formats: What is read: ``JPEG, PNG or WebP``.
        file_name: The file of the tables that holds contents: ``pictures.bin``.
        byte_limit: Maximum size of one that is read into memory whole, and of one in the tables.
        file_limit: Maximum size of a file named by its path.
        looks_like: Whether the first 12 bytes of a content are those of such a file.
    """

    field: str
    noun: str
    formats: str
    file_name: str
    byte_limit: int
    file_limit: int
    looks_like: Callable[[bytes], bool]

    @cached_property
    def _stored(self) -> re.Pattern[str]:
        name = re.escape(self.file_name)
        place = rf"(?P<path>.*{name})#(?P<offset>\d{{1,18}})\+(?P<size>\d{{1,18}})"
        return re.compile(place, re.DOTALL)

    def place(self, text: str) -> Place | None:
        """Where the content is that an item names by ``text``; None where it is not on this machine."""
        if found := self._stored.fullmatch(text):
            return StoredContent(Path(found["path"]), int(found["offset"]), int(found["size"]))
        if not text or is_address(text):
            return None
        path = Path(text)
        return path if path.is_absolute() else None

    def place_of(self, item: Item) -> Place | None:
        """The same of an item."""
        return self.place(getattr(item, self.field))

    def content(self, place: Place) -> bytes:
        """The bytes at a place, not decoded.

        Raises:
            InputError: The file cannot be read, or is over ``byte_limit``.
        """
        return self._read(place, self._size(place, self.byte_limit))

    def opened(self, place: Place) -> tuple[bytes | Path, int]:
        """The bytes at a place, or its path where they are over ``byte_limit``; and a 64-bit hash.

        The hash is of all bytes, or of the size and of a MiB at the begin, in the middle and at the end
        of a file that is not read whole.

        Raises:
            InputError: The file cannot be read, or is over its limit.
        """
        is_stored = isinstance(place, StoredContent)
        size = self._size(place, self.byte_limit if is_stored else self.file_limit)
        if isinstance(place, StoredContent) or size <= self.byte_limit:
            content = self._read(place, size)
            return content, content_key(content)
        parts = [size.to_bytes(8, "little")]
        try:
            with place.open("rb") as file:
                for begin in (0, (size - _SAMPLE_BYTES) // 2, size - _SAMPLE_BYTES):
                    file.seek(begin)
                    parts.append(file.read(_SAMPLE_BYTES))
        except OSError as error:
            raise self._unreadable(error) from error
        return place, content_key(b"".join(parts))

    def _size(self, place: Place, limit: int) -> int:
        try:
            size = place.size if isinstance(place, StoredContent) else _file_size(place)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        if size > limit:
            raise InputError(f"{self.field}: expected at most {limit:,} bytes, received {size:,}")
        return size

    def _read(self, place: Place, size: int) -> bytes:
        try:
            if isinstance(place, StoredContent):
                with place.path.open("rb") as file:
                    file.seek(place.offset)
                    return file.read(size)
            # A pipe or a device would never end.
            return place.read_bytes() if place.is_file() else b""
        except (OSError, ValueError, OverflowError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> InputError:
        received = getattr(error, "strerror", None) or "no path"
        return InputError(f"{self.field}: expected a readable file, received: {received}")


def _file_size(path: Path) -> int:
    status = path.stat()
    if stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode):
        # It would be waited for without end.
        raise OSError(errno.EINVAL, "a pipe or a device")
    return status.st_size


def content_key(content: bytes) -> int:
    """A 64-bit hash of bytes."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def is_address(text: str) -> bool:
    """Whether a text is an address on the web, which is never read."""
    return bool(_ADDRESS.match(text))
