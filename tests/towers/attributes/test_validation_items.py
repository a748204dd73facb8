"""Held-out items with near-copies count only as far as the items to be filled have such too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.records import Item
from tests.quick_training import Silence
from tests.towers.attributes.lamp_shop import features_of
from towers.attributes.filling import FillOptions, fill
from towers.attributes.item_features import Hidden
from towers.attributes.validation_items import matched, near_copies_of


def families(count: int, of_each: int, *, seed: int, prefix: str) -> list[Item]:
    """Products in several sizes, whose maker follows from nothing but the product's own name."""
    rng = np.random.default_rng(seed)
    items = []
    for number in range(count):
        maker = "ABC"[rng.integers(3)]
        name = " ".join(f"{prefix}{number}word{one}" for one in range(6))
        items += [
            Item(f"{prefix}{number}-{size}", f"{name} {size} cm", attributes={"maker": maker})
            for size in range(of_each)
        ]
    return items


def shop(*, is_new: bool) -> list[Item]:
    """60 items without maker, of products of their own or of those that others are of too; 480 with."""
    known = families(60, 8, seed=1, prefix="k")
    asked = families(60, 1, seed=2, prefix="n") if is_new else families(60, 9, seed=1, prefix="k")
    lacking = asked if is_new else [item for item in asked if item.item_id.endswith("-8")]
    return [replace(item, attributes={}) for item in lacking] + known


def test_near_copies_of_items_to_fill_and_of_held_out_ones_are_counted() -> None:
    for is_new, share in ((True, 0.0), (False, 1.0)):
        view = features_of(shop(is_new=is_new)).view(Hidden("attribute maker"))
        # One size of each product is held out.
        rows = np.arange(60, 540)
        held_out, learnt = rows[::8], rows[rows % 8 != 60 % 8]
        copies = near_copies_of(view, learnt, held_out, np.arange(60), seed=1)
        assert copies is not None
        assert copies.held_out == 1.0 and copies.is_alike == (not is_new)
        assert abs(copies.to_fill - share) < 0.1
        if is_new:
            assert not len(matched(view, learnt, held_out, copies, seed=1))


def test_as_many_near_copies_are_kept_as_the_items_to_fill_have() -> None:
    items = families(40, 2, seed=1, prefix="k") + families(30, 1, seed=2, prefix="n")
    items += families(60, 1, seed=3, prefix="m")
    # Held out: 40 that have a near-copy and 30 that have none; to fill, 20 of 80 have one.
    view = features_of(items).view(Hidden("attribute maker"))
    learnt = np.arange(0, 80, 2)
    held_out = np.concatenate([np.arange(1, 80, 2), np.arange(80, 110)])
    asked = np.concatenate([np.arange(1, 41, 2), np.arange(110, 170)])
    copies = near_copies_of(view, learnt, held_out, asked, seed=1)
    assert copies is not None and (copies.held_out, copies.to_fill) == (40 / 70, 0.25)
    kept = matched(view, learnt, held_out, copies, seed=1)
    assert len(kept) == 40 and set(range(80, 110)) < set(kept.tolist())


def test_of_new_products_nothing_is_promised_that_was_measured_on_copies() -> None:
    for is_new in (True, False):
        items = shop(is_new=is_new)
        options = FillOptions(("maker",), 0.9, ("linear_svm",))
        found = fill(items, 60, features_of(items), [], options, Silence())
        (group,) = found.report["attributes"]["maker"]["groups"]
        assert (group["threshold"] is None) == is_new
