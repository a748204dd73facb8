"""The items' pictures: how an item names one, and its bytes.

An item names its picture by text: the path of a file, or a slice of the tables' ``pictures.bin``,
in which the pictures of a column of bytes stand one after another. One file, since ten million small ones
take hours to write safely.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from data.errors import InputError

BYTE_LIMIT = 4 * 1024 * 1024
"""Maximum size of a picture as stored, in bytes."""

FILE_NAME = "pictures.bin"
"""The file of the tables' own pictures."""

_STORED = re.compile(
    rf"(?P<path>.*{re.escape(FILE_NAME)})#(?P<offset>\d{{1,18}})\+(?P<size>\d{{1,18}})", re.DOTALL
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class StoredPicture(NamedTuple):
    """A picture within a file of pictures: ``size`` bytes from ``offset`` on."""

    path: Path
    offset: int
    size: int


def picture_of(image: str) -> Path | StoredPicture | None:
    """Where the picture of an item is, by its field ``image``; None where it names none on this machine.

    The file need not exist.
    """
    if found := _STORED.fullmatch(image):
        return StoredPicture(Path(found["path"]), int(found["offset"]), int(found["size"]))
    if not image or _ADDRESS.match(image):
        return None
    path = Path(image)
    return path if path.is_absolute() else None


def read_content(picture: Path | StoredPicture, field: str = "image") -> bytes:
    """The bytes of a picture, not decoded.

    Raises:
        InputError: The file cannot be read, or the picture is over ``BYTE_LIMIT``.
    """
    try:
        if isinstance(picture, StoredPicture):
            if picture.size > BYTE_LIMIT:
                raise InputError(_too_large(field, picture.size))
            with picture.path.open("rb") as file:
                file.seek(picture.offset)
                return file.read(picture.size)
        size = picture.stat().st_size
        if size > BYTE_LIMIT:
            raise InputError(_too_large(field, size))
        # A pipe or a device would never end.
        return picture.read_bytes() if picture.is_file() else b""
    except (OSError, ValueError, OverflowError) as error:
        received = getattr(error, "strerror", None) or "no path"
        raise InputError(f"{field}: expected a readable file, received: {received}") from error


def _too_large(field: str, size: int) -> str:
    return f"{field}: expected at most {BYTE_LIMIT:,} bytes, received {size:,}"


def is_address(image: str) -> bool:
    """Whether a picture is named by an address on the web, which is never read."""
    return bool(_ADDRESS.match(image))


def looks_like_picture(head: bytes) -> bool:
    """Whether the first 12 bytes are those of a JPEG, PNG or WebP file."""
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    )
