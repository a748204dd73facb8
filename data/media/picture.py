"""Pictures of items: formats and limits."""

from __future__ import annotations

from data.media.medium import Medium

BYTE_LIMIT = 4 * 1024 * 1024
"""Maximum size of a picture as stored, in bytes."""


def looks_like_picture(head: bytes) -> bool:
    """Whether the first 12 bytes are those of a JPEG, PNG or WebP file."""
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    )


PICTURES = Medium(
    field="image",
    noun="picture",
    formats="JPEG, PNG or WebP",
    file_name="pictures.bin",
    byte_limit=BYTE_LIMIT,
    file_limit=BYTE_LIMIT,
    looks_like=looks_like_picture,
)
"""``Item.image``."""
