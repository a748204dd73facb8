"""Pictures of coloured shapes on a noisy ground, for tests."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"red": (210, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 200)}
SHAPES = ("disc", "square")


def shape_picture(colour: str, shape: str, seed: int, size: int = 48) -> Image.Image:
    """One shape of a random size and place."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(150, 255, (size, size, 3), dtype=np.uint8))
    side = int(rng.integers(size // 3, size // 2 + 8))
    left, top = (int(value) for value in rng.integers(0, size - side, 2))
    draw, box = ImageDraw.Draw(image), (left, top, left + side, top + side)
    (draw.ellipse if shape == "disc" else draw.rectangle)(box, fill=COLOURS[colour])
    return image


def shape_bytes(colour: str, shape: str, seed: int) -> bytes:
    """The same as a PNG file."""
    file = io.BytesIO()
    shape_picture(colour, shape, seed).save(file, "PNG")
    return file.getvalue()


def write_shapes(folder: Path, per_kind: int) -> list[dict[str, object]]:
    """Writes pictures and gives their items as rows of ``items.jsonl``: a category, and no title."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for colour in COLOURS:
        for shape in SHAPES:
            for number in range(per_kind):
                name = f"{colour}-{shape}-{number}.png"
                (folder / name).write_bytes(shape_bytes(colour, shape, number))
                attributes = {"form": shape} if number % 3 else {}
                category = ["Shapes", colour]
                row = {
                    "item_id": name,
                    "category": category,
                    "image": name,
                    "attributes": attributes,
                }
                rows.append(row)
    return rows
