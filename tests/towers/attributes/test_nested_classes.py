"""What the encoder tells of a finer field counts for the field whose classes are unions of its."""

from __future__ import annotations

import numpy as np

from data.records import Item
from tests.towers.attributes.lamp_shop import features_of
from towers.attributes.item_features import Hidden
from towers.attributes.picture_features import PictureFeatures
from towers.modalities.picture_heads import PictureHead

SORTS = ("Gala", "Fuji", "Lime")


def told(sorts: list[str], kinds: list[str]) -> np.ndarray:
    """Shares of apple and citrus: of every picture, .3 and .7; and .5 Gala, .1 Fuji and .4 lime."""
    items = [
        Item(f"{number}", "", attributes={"sort": sort, "kind": kind})
        for number, (sort, kind) in enumerate(zip(sorts, kinds, strict=True))
    ]
    items.append(Item("without a picture", "", attributes={}))
    vectors = np.sqrt(np.tile(np.array([[0.3, 0.7, 0.5, 0.1, 0.4]], np.float32), (len(items), 1)))
    vectors[-1] = 0.0
    heads = {"kind": PictureHead(("Apple", "Citrus"), 0), "sort": PictureHead(SORTS, 2)}
    pictures = PictureFeatures(vectors, np.ones(len(items), bool), heads)
    view = features_of(items, pictures).view(Hidden("kind"))
    assert view.head is not None and not view.head[-1].any()
    shares = np.exp(view.head[0])
    return np.asarray(shares / shares.sum())


def test_the_sum_of_the_finer_classes_is_put_beside_the_fields_own() -> None:
    found = told([*SORTS] * 10, ["Apple", "Apple", "Citrus"] * 10)
    np.testing.assert_allclose(found, [(0.3 + 0.6) / 2, (0.7 + 0.4) / 2], atol=1e-5)


def test_few_items_or_classes_across_each_other_tell_nothing_of_each_other() -> None:
    few = told([*SORTS] * 9, ["Apple", "Apple", "Citrus"] * 9)
    across = told([*SORTS] * 10, ["Apple", "Citrus"] * 15)
    np.testing.assert_allclose(few, [0.3, 0.7], atol=1e-5)
    np.testing.assert_allclose(across, [0.3, 0.7], atol=1e-5)
