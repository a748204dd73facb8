"""A made-up shop of lamps and cables, whose titles tell the colour, and holes where it is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.records import Item
from towers.attributes.item_features import ItemFeatures
from towers.attributes.picture_features import PictureFeatures
from towers.config import TextConfig

TEXT = TextConfig(bucket_count=512, item_slot_count=16)
COLOURS = ("Red", "Green", "Blue")


def lamps(count: int, *, seed: int = 3) -> list[Item]:
    """Lamps with a colour, named in the title; and as many cables with a length and no colour."""
    rng = np.random.default_rng(seed)
    items = []
    for number in range(count):
        colour = COLOURS[rng.integers(len(COLOURS))]
        words = rng.choice(["desk", "floor", "wall", "bright", "small", "round"], 2, replace=False)
        title = f"{colour.lower()} {' '.join(words)} lamp"
        items.append(Item(f"l{number}", title, brand="Lux", attributes={"colour": colour}))
    for number in range(count):
        plug = ("usb", "hdmi")[rng.integers(2)]
        attributes = {"length": f"{rng.integers(1, 4)} m"}
        items.append(Item(f"c{number}", f"{plug} cable plug", brand="Wire", attributes=attributes))
    return items


def with_holes(items: list[Item], name: str, share: float, *, seed: int = 5) -> list[Item]:
    """The items, of which some lost an attribute."""
    rng = np.random.default_rng(seed)
    return [
        replace(item, attributes={key: one for key, one in item.attributes.items() if key != name})
        if rng.random() < share
        else item
        for item in items
    ]


def features_of(items: list[Item], pictures: PictureFeatures | None = None) -> ItemFeatures:
    """Their features, by a table of token vectors drawn at random."""
    table = np.random.default_rng(1).normal(size=(TEXT.bucket_count, 8)).astype(np.float32)
    return ItemFeatures(items, TEXT, table, pictures)
