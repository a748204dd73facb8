"""Short titles get the words of longer ones whose pictures are nearest, and only where that is sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.records import Item
from serving.cli.tables.attribute_tables import attribute_tables
from tests.quick_training import Silence
from tests.towers.attributes.lamp_shop import features_of
from towers.attributes.filling import Filled, FillOptions, fill
from towers.attributes.picture_features import PictureFeatures
from towers.attributes.titles.title_words import FIELD, title_words

DAIRY = ("Food", "Dairy")
TITLES = ("Farm oat milk", "Farm whole milk", "Alpine goat milk", "Alpine butter 250 g")
OF_EACH = 12
DIM = 16


def look(kind: int, seed: int) -> np.ndarray:
    """A unit vector near those of its kind."""
    found = 0.1 * np.random.default_rng(seed).normal(size=DIM)
    found[kind] += 1.0
    return np.asarray(found / np.linalg.norm(found), np.float32)


def shop(asked: list[tuple[str, int]]) -> tuple[list[Item], PictureFeatures]:
    """Items with short titles, of a kind each, and then twelve of each kind with whole ones."""
    items = [Item(f"a{n}", title, category=DAIRY) for n, (title, _) in enumerate(asked)]
    kinds = [kind for _, kind in asked]
    for number in range(OF_EACH * len(TITLES)):
        kinds.append(number % len(TITLES))
        items.append(Item(f"k{number}", TITLES[kinds[-1]], category=DAIRY))
    vectors = np.stack([look(kind, seed) for seed, kind in enumerate(kinds)])
    return items, PictureFeatures(vectors, np.ones(len(items), bool))


def told(
    items: list[Item], count: int, pictures: PictureFeatures, precision: float = 0.9
) -> dict[str, str]:
    values, _ = title_words(items, count, pictures, precision=precision, seed=3)
    assert all(one.attribute == FIELD for one in values)
    return {one.item_id: one.value for one in values if not one.abstained}


def test_words_and_picture_tell_together_what_a_title_lacks() -> None:
    # Of the second, its picture is butter's: its word says that it is a milk all the same.
    asked = [("Milk", 0), ("Milk", 2), ("ALPINE", 3), ("Farm", 1)]
    items, pictures = shop(asked)
    assert told(items, len(asked), pictures) == {
        "a0": "farm oat",
        "a1": "alpine goat",
        "a2": "butter",
        "a3": "whole milk",
    }


@pytest.mark.parametrize(
    "title",
    ["Farm oat milk", "milk, oat, Farm", "Farm oat milk of the valley", "Cheese", "", "1 l"],
)
def test_a_title_that_no_longer_one_holds_is_left_alone(title: str) -> None:
    items, pictures = shop([(title, 0)])
    assert not told(items, 1, pictures)


def test_other_categories_and_items_without_a_picture_tell_nothing() -> None:
    items, pictures = shop([("Milk", 0), ("Milk", 0)])
    items[0] = replace(items[0], category=("Toys",))
    pictures.vectors[1] = 0
    values, report = title_words(items, 2, pictures, precision=0.9, seed=3)
    assert not values and report["short_count"] == 0


def test_where_pictures_tell_nothing_words_are_abstained_from() -> None:
    items, pictures = shop([("Milk", 0)])
    drawn = np.random.default_rng(5).normal(size=pictures.vectors.shape)
    noise = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    blind = replace(pictures, vectors=noise.astype(np.float32))
    values, _ = title_words(items, 1, blind, precision=0.9, seed=3)
    assert values and all(one.abstained and one.reason == "below the threshold" for one in values)


def test_without_enough_pictures_that_the_encoder_has_not_seen_nothing_is_given() -> None:
    items, pictures = shop([("Milk", 0)])
    seen = replace(pictures, is_unseen=np.arange(len(items)) < 30)
    values, report = title_words(items, 1, seen, precision=0.9, seed=3)
    (one,) = values
    assert one.abstained and one.value == "farm oat" and report["validated_count"] < 30


def test_the_words_are_among_the_predicted_values_and_in_the_report() -> None:
    items, pictures = shop([("Milk", 0), ("Farm oat milk", 0)])

    def filled(*fields: str) -> Filled:
        options = FillOptions(fields, 0.9, ("naive_bayes",))
        return fill(items, 2, features_of(items, pictures), [], options, Silence())

    found = filled()
    assert [(one.item_id, one.value) for one in found.values] == [("a0", "farm oat")]
    report = filled(FIELD).report
    assert (report["titles"]["short_count"], report["titles"]["given_count"]) == (1, 1)
    (line,) = (part for part in attribute_tables(report) if isinstance(part, str))
    assert line.startswith("words for 1 of 1 short titles; of 4")
    assert filled("category").report["titles"] is None
