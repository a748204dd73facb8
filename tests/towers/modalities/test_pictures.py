"""Reading of pictures: what is converted, and what is refused before it is decoded."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from data.errors import InputError
from towers.modalities.pictures import read_picture

RED, BLUE = (220, 20, 30), (20, 30, 220)


def stored(image: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def halves(top: tuple[int, int, int] = RED, bottom: tuple[int, int, int] = BLUE) -> Image.Image:
    """24 x 32 pixels, the upper half of one colour, the lower half of another."""
    image = Image.new("RGB", (24, 32), top)
    image.paste(bottom, (0, 16, 24, 32))
    return image


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that promises so many pixels and holds almost none: a decompression bomb."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_give_the_same_picture(format_: str) -> None:
    found = read_picture(stored(halves(), format_), (16, 16))
    assert found.shape == (16, 16, 3) and found.dtype == np.uint8
    assert np.abs(found[3, 8].astype(int) - RED).max() < 12
    assert np.abs(found[12, 8].astype(int) - BLUE).max() < 12


def test_a_file_is_read_as_its_content_is(tmp_path: Path) -> None:
    path = tmp_path / "a picture.png"
    path.write_bytes(stored(halves()))
    assert np.array_equal(read_picture(path, (8, 8)), read_picture(path.read_bytes(), (8, 8)))


def test_the_orientation_of_the_camera_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # Turned by half a turn.
    turned = stored(halves(), "JPEG", exif=exif, quality=95)
    found = read_picture(turned, (16, 16)).astype(int)
    assert np.abs(found[3, 8] - BLUE).max() < 12 and np.abs(found[12, 8] - RED).max() < 12


def test_transparent_parts_become_white() -> None:
    image = Image.new("RGBA", (10, 10), (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 5))
    palette = Image.new("P", (10, 10), 1)
    palette.putpalette([0, 0, 0, *RED])
    palette.paste(0, (0, 0, 10, 5))
    grey = Image.new("LA", (10, 10), (0, 0))
    for content in (stored(image), stored(palette, transparency=0)):
        found = read_picture(content, (10, 10))
        assert (found[1] > 240).all() and np.abs(found[8].astype(int) - RED).max() < 6
    assert (read_picture(stored(grey), (4, 4)) == 255).all()


def test_grey_cmyk_and_16_bits_are_converted() -> None:
    grey = read_picture(stored(Image.new("L", (9, 9), 77)), (4, 4))
    assert (grey == 77).all()
    cmyk = read_picture(stored(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG"), (4, 4))
    assert np.abs(cmyk.astype(int) - (255, 0, 0)).max() < 12
    levels = np.full((9, 9), 77 * 257, np.uint16)
    deep = read_picture(stored(Image.fromarray(levels)), (4, 4))
    assert (deep == 77).all()
    # Grey with one level that is transparent.
    clear = stored(Image.fromarray(np.zeros((9, 9), np.uint16)), transparency=0)
    assert (read_picture(clear, (4, 4)) == 255).all()


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded() -> None:
    plain = stored(Image.new("L", (5_000, 5_000), 100), "JPEG", progressive=True)
    scans = plain.split(b"\xff\xda")
    assert 5 < len(scans) < 15 and read_picture(plain, (8, 8)).shape == (8, 8, 3)
    bomb = plain[:-2] + (b"\xff\xda" + scans[-1][:-2]) * 40 + b"\xff\xd9"
    with pytest.raises(InputError, match="^image: expected at most 20 scans of 5,000 x 5,000 pix"):
        read_picture(bomb, (8, 8))
    # Few pixels may have as many.
    small = stored(Image.new("L", (50, 50), 100), "JPEG", progressive=True)
    last = small.split(b"\xff\xda")[-1]
    read_picture(small[:-2] + (b"\xff\xda" + last[:-2]) * 40 + b"\xff\xd9", (8, 8))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_large_picture_is_shrunk_as_pillow_shrinks_it_whole(orientation: int) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (701, 1_003, 4), np.uint8)
    image = Image.fromarray(noise).resize((1_003, 701)).filter(ImageFilter.BoxBlur(20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    shown.getexif()[0x0112] = orientation
    whole = ImageOps.exif_transpose(shown).resize((40, 30), Image.Resampling.BICUBIC)
    found = read_picture(stored(image, exif=exif), (30, 40)).astype(int)
    assert np.abs(found - np.asarray(whole)).max() <= 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png_of_size(10_000, 10_000), "image: expected at most 12,500,000 pixels, received"),
        (png_of_size(16_385, 1), "image: expected at most 16,384 pixels a side, received 16,385 x"),
        (png_of_size(60_000, 60_000), "image: expected at most 25,000,000 pixels, received"),
        (
            stored(halves().resize((400, 400)), "JPEG")[:-900],
            "image: expected a JPEG, PNG or WebP picture that is whole, received a damaged one$",
        ),
        (
            b"this is a text\n" * 9,
            "image: expected a JPEG, PNG or WebP picture, received 135 bytes",
        ),
        (stored(halves(), "GIF"), "image: expected a JPEG, PNG or WebP picture, received"),
        (b"", "image: expected a JPEG, PNG or WebP picture, received nothing"),
        (bytes(4 * 1024 * 1024 + 1), "image: expected at most 4,194,304 bytes, received 4,194,305"),
    ],
)
def test_anything_else_is_refused_with_the_field_named(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        read_picture(content, (8, 8))


def test_a_path_that_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="image: expected a readable file, received: No such file"):
        read_picture(tmp_path / "none.png", (8, 8), field="photo")
    with pytest.raises(InputError, match="image: expected a readable file, received: no path"):
        read_picture(Path("a\0b"), (8, 8), field="photo")
    with pytest.raises(InputError, match="photo: expected a JPEG"):
        read_picture(tmp_path, (8, 8), field="photo")
