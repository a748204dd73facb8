"""Sounds of items: formats and limits."""

from __future__ import annotations

from data.media.medium import Medium

BYTE_LIMIT = 32 * 1024 * 1024
"""Maximum size of a sound in a column of bytes: three minutes of uncompressed stereo at 44.1 kHz."""

FILE_LIMIT = 4 * 1024 * 1024 * 1024
"""Maximum size of a file named by its path, of which only a part is read: six hours of the same."""

_FRAME_BITS, _LAYER_3 = 0xE6, 0xE2
"""Of the second byte of an MP3 frame: synchronisation and layer."""


def looks_like_sound(head: bytes) -> bool:
    """Whether the first 12 bytes are those of a WAV, FLAC, OGG, MP3 or AIFF file."""
    if head[:4] in (b"RIFF", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    if head.startswith((b"fLaC", b"OggS", b"ID3")):
        return True
    # An MP3 without tags begins with a frame.
    return len(head) > 1 and head[0] == 0xFF and head[1] & _FRAME_BITS == _LAYER_3


SOUNDS = Medium(
    field="audio",
    noun="sound",
    formats="WAV, FLAC, OGG, MP3 or AIFF",
    file_name="sounds.bin",
    byte_limit=BYTE_LIMIT,
    file_limit=FILE_LIMIT,
    looks_like=looks_like_sound,
)
"""``Item.audio``."""
