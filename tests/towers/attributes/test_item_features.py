"""Models read everything of an item but the field that they predict."""

from __future__ import annotations

import numpy as np
import pytest

from data.records import Item
from tests.towers.attributes.lamp_shop import features_of
from towers.attributes.item_features import Hidden, View
from towers.attributes.picture_features import PictureFeatures


def items(value: str = "") -> list[Item]:
    """Pairs of equal items, so that no word is left out as a single one; the first two have a value."""
    of_pair = [
        Item(f"{copy}", "soft lamp", "warm light", ("Home", "Lamps"), attributes={"base": "oak"})
        for copy in "ab"
    ]
    facts = {"base": "oak", "colour": value} if value else {"base": "oak"}
    return [
        Item(f"{copy}", "soft lamp", "warm light", ("Home", "Lamps"), attributes=facts)
        for copy in "cd"
    ] + of_pair


def same(one: View, other: View) -> bool:
    def vectors(view: View) -> np.ndarray:
        return view.token_vectors[view.tokens].sum(axis=1)

    return bool(
        np.allclose(one.words.toarray(), other.words.toarray())
        and np.allclose(vectors(one), vectors(other))
        and np.allclose(one.vectors, other.vectors)
    )


def test_the_value_of_the_hidden_field_changes_nothing() -> None:
    hidden = Hidden("colour")
    plain = features_of(items()).view(hidden)
    assert same(features_of(items("red")).view(hidden), plain)
    assert same(features_of(items("green")).view(hidden), plain)


@pytest.mark.parametrize("field", ["base", "category", "brand"])
def test_the_value_of_another_field_is_read(field: str) -> None:
    one, other = (features_of(items(value)).view(Hidden(field)) for value in ("red", "green"))
    assert not same(one, other)


def test_hidden_text_leaves_the_other_fields() -> None:
    view = features_of(items()).view(Hidden("base", text=True))
    spoken = [Item(f"{n}", "other words", "here", ("Home", "Lamps")) for n in range(4)]
    assert same(view, features_of(spoken).view(Hidden("base", text=True)))
    assert view.words.nnz


def test_pictures_are_read_where_they_are_not_hidden() -> None:
    pictures = np.eye(4, dtype=np.float32)
    features = features_of(items(), PictureFeatures(pictures, np.ones(4, bool)))
    without = features.view(Hidden("base", pictures=True)).vectors
    assert np.array_equal(
        features.view(Hidden("base")).vectors, np.hstack([without, 2.0 * pictures])
    )
