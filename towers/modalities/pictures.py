"""Reading of pictures with Pillow: JPEG, PNG and WebP, with limits that hold before any decoding."""

from __future__ import annotations

import importlib.util
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.errors import InputError
from data.pictures import BYTE_LIMIT, StoredPicture, read_content

if TYPE_CHECKING:
    from PIL import Image

PIXEL_LIMIT = 25_000_000
"""Maximum width times height; a decoded picture takes 3 or 4 bytes of memory for each."""

FORMATS = ("JPEG", "PNG", "WEBP")

_EXPECTED = "a JPEG, PNG or WebP picture"
_WHITE = (255, 255, 255, 255)


def is_installed() -> bool:
    """Whether the extra ``vision`` is installed."""
    return importlib.util.find_spec("PIL") is not None


def read_picture(
    source: bytes | Path | StoredPicture, size: tuple[int, int], *, field: str = "image"
) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """A picture as ``[height, width, 3] uint8`` in RGB, upright, stretched to ``size``.

    The orientation of a camera (EXIF) is applied. Transparent parts become white; palettes, grey
    levels, CMYK and 16 bits a channel are converted. Of an animation, the first frame is read.

    Args:
        source: The content, or where it is.
        size: Height and width.
        field: What the message of an error names.

    Raises:
        InputError: Over 4 MiB or 25 million pixels, not in a format of ``FORMATS``, damaged,
            truncated, or a file that cannot be read.
    """
    content = _content(source, field)
    image = _opened(content, field)
    width, height = image.size
    if not 0 < width * height <= PIXEL_LIMIT:
        raise InputError(
            f"{field}: expected at most {PIXEL_LIMIT:,} pixels, received {width:,} x {height:,}"
        )
    try:
        # A JPEG can be decoded at a fraction of its size, which saves most of the time.
        image.draft("RGB", (2 * size[1], 2 * size[0]))
        image.load()
        upright = _in_rgb(_upright(image))
        resized = upright.resize((size[1], size[0]), resample=_bicubic(), reducing_gap=2.0)
        return np.asarray(resized, np.uint8)
    except Exception as error:  # A picture may be any bytes, and Pillow raises whatever it meets.
        raise InputError(
            f"{field}: expected {_EXPECTED} that is whole, received: {error!r}"[:300]
        ) from error


def _content(source: bytes | Path | StoredPicture, field: str) -> bytes:
    content = source if isinstance(source, bytes) else read_content(source, field)
    if len(content) > BYTE_LIMIT:
        raise InputError(
            f"{field}: expected at most {BYTE_LIMIT:,} bytes, received {len(content):,}"
        )
    if not content:
        raise InputError(f"{field}: expected {_EXPECTED}, received nothing")
    return content


def _opened(content: bytes, field: str) -> Image.Image:
    from PIL import Image

    # The size is checked by the caller; Pillow's own limit would only be told on standard error.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{field}: expected at most {PIXEL_LIMIT:,} pixels, received more"
        ) from error
    except Exception as error:
        raise InputError(
            f"{field}: expected {_EXPECTED}, received {len(content):,} bytes that are none"
        ) from error


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # A damaged EXIF block leaves the picture itself as it is.
        return image


def _in_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        # Pillow would cut 16 bits off at 255 instead of scaling them.
        levels = np.asarray(image).astype(np.float64)
        return Image.fromarray((levels / 257).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, _WHITE)
        return Image.alpha_composite(behind, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _bicubic() -> Any:
    from PIL import Image

    return Image.Resampling.BICUBIC
