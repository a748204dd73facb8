"""Reading of pictures with Pillow: JPEG, PNG and WebP, with limits that hold before any decoding."""

from __future__ import annotations

import importlib.util
import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from data.errors import InputError
from data.media.medium import Place
from data.media.picture import BYTE_LIMIT, PICTURES

if TYPE_CHECKING:
    from PIL import Image

JPEG_PIXEL_LIMIT = 25_000_000
"""Maximum width times height of a JPEG, which is decoded at a fraction of its size."""

PIXEL_LIMIT = 12_500_000
"""The same of other formats, which are decoded whole: 190 MB for a WebP of that size."""

SIDE_LIMIT = 16_384
"""Maximum width and height."""

SCANNED_PIXEL_LIMIT = 20 * JPEG_PIXEL_LIMIT
"""Maximum pixels of a JPEG times its scans, each of which passes over all of them. Cameras and tools
write some ten scans; a file of 4 MiB can hold a hundred thousand."""

FORMATS = ("JPEG", "PNG", "WEBP")

_EXPECTED = "a JPEG, PNG or WebP picture"
_WHITE = (255, 255, 255, 255)
_START_OF_SCAN = b"\xff\xda"
_BAND_PIXELS = 500_000
_ORIENTATION = 0x0112
_FIRST_TURNED = 5
"""From this orientation on, the width of what is stored is the height of what is shown."""


def is_installed() -> bool:
    """Whether the extra ``vision`` is installed."""
    return importlib.util.find_spec("PIL") is not None


def read_picture(
    source: bytes | Place, size: tuple[int, int], *, field: str = "image"
) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """A picture as ``[height, width, 3] uint8`` in RGB, upright, stretched to ``size``.

    The orientation of a camera (EXIF) is applied. Transparent parts become white; palettes, grey
    levels, CMYK and 16 bits a channel are converted. Of an animation, the first frame is read.

    Args:
        source: The content, or where it is.
        size: Height and width.
        field: What the message of an error names.

    Raises:
        InputError: Over 4 MiB or a limit of pixels, sides or scans, not in a format of ``FORMATS``,
            damaged, truncated, or a file that cannot be read.
    """
    content = _content(source, field)
    image = _opened(content, field)
    _check_extent(image, content, field)
    try:
        # A JPEG can be decoded at a fraction of its size, which saves most of the time.
        image.draft("RGB", (2 * max(size), 2 * max(size)))
        image.load()
        orientation = _orientation(image)
        is_turned = orientation >= _FIRST_TURNED
        stored_size = size if is_turned else (size[1], size[0])
        return np.asarray(_upright(_resized(image, stored_size), orientation), np.uint8)
    except Exception as error:  # A picture may be any bytes, and Pillow raises whatever it meets.
        raise InputError(
            f"{field}: expected {_EXPECTED} that is whole, received a damaged one"
        ) from error


def _content(source: bytes | Place, field: str) -> bytes:
    content = source if isinstance(source, bytes) else PICTURES.content(source)
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
            f"{field}: expected at most {JPEG_PIXEL_LIMIT:,} pixels, received more"
        ) from error
    except Exception as error:
        raise InputError(
            f"{field}: expected {_EXPECTED}, received {len(content):,} bytes that are none"
        ) from error


def _check_extent(image: Image.Image, content: bytes, field: str) -> None:
    width, height = image.size
    is_jpeg = image.format in ("JPEG", "MPO")
    limit = JPEG_PIXEL_LIMIT if is_jpeg else PIXEL_LIMIT
    if not 0 < width * height <= limit:
        raise InputError(
            f"{field}: expected at most {limit:,} pixels, received {width:,} x {height:,}"
        )
    if max(width, height) > SIDE_LIMIT:
        raise InputError(
            f"{field}: expected at most {SIDE_LIMIT:,} pixels a side,"
            f" received {width:,} x {height:,}"
        )
    scan_count = content.count(_START_OF_SCAN) if is_jpeg else 1
    if scan_count * width * height > SCANNED_PIXEL_LIMIT:
        most = SCANNED_PIXEL_LIMIT // (width * height)
        raise InputError(
            f"{field}: expected at most {most:,} scans of {width:,} x {height:,} pixels,"
            f" received {scan_count:,}"
        )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # A damaged EXIF block leaves the picture itself as it is.
        return 1


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A decoded picture in RGB, stretched to width and height.

    Converted in bands, each of which is shrunk at once: a converted copy of the whole would take
    several times the memory of the picture.
    """
    from PIL import Image

    width, height = image.size
    across, down = max(1, width // (2 * size[0])), max(1, height // (2 * size[1]))
    shrunk = Image.new("RGB", (-(-width // across), -(-height // down)))
    band_height = down * max(1, _BAND_PIXELS // (width * down))
    for top in range(0, height, band_height):
        band = image.crop((0, top, width, min(top + band_height, height)))
        shrunk.paste(_in_rgb(band).reduce((across, down)), (0, top // down))
    # The last column and row may stand for fewer pixels than the others.
    return shrunk.resize(size, _bicubic(), box=(0, 0, width / across, height / down))


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    from PIL import ImageOps

    image.getexif()[_ORIENTATION] = orientation
    return ImageOps.exif_transpose(image)


def _in_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        # Pillow would cut 16 bits off at 255 instead of scaling them.
        levels = np.asarray(image)
        grey = (levels.astype(np.float32) / 257).clip(0, 255).astype(np.uint8)
        if (transparent := image.info.get("transparency")) is not None:
            grey[levels == transparent] = 255
        return Image.fromarray(grey).convert("RGB")
    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, _WHITE)
        return Image.alpha_composite(behind, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _bicubic() -> Any:
    from PIL import Image

    return Image.Resampling.BICUBIC
