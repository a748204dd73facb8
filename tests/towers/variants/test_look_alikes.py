"""Items that look the same are near-duplicates, whatever their words say, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from serving.cli.tables.report_tables import variants_text
from tests.towers.variants.test_variant_groups import as_sets, catalog_of
from towers.config import VariantsConfig
from towers.modalities.item_vectors import ContentVectors
from towers.variants.group_report import group_report
from towers.variants.look_alikes import joined
from towers.variants.variant_groups import VariantGroups

MILK = ("Food", "Dairy")
DIM = 128


def item(number: int, title: str, brand: str = "Farm", **attributes: str) -> Item:
    return Item(f"i{number}", title, category=MILK, brand=brand, attributes=attributes)


def look(number: int, cosine: float = 1.0) -> np.ndarray:
    """A unit vector with that cosine to the look of a number, and 0 to every other look."""
    found = np.zeros(DIM, np.float32)
    found[2 * number], found[2 * number + 1] = cosine, np.sqrt(1 - cosine**2)
    return found


def groups_of(
    items: list[Item],
    looks: list[np.ndarray],
    keys: list[int] | None = None,
    embeddings: np.ndarray | None = None,
) -> VariantGroups:
    pictures = ContentVectors(
        np.arange(len(looks)),
        np.stack(looks),
        np.array(keys or range(1, len(looks) + 1), np.uint64),
        {},
    )
    if embeddings is None:
        embeddings = np.tile(np.eye(1, 4, dtype=np.float32), (len(items), 1))
    return VariantGroups.of(catalog_of(items), embeddings, VariantsConfig(), pictures)


PAIR = [item(0, "Fresh whole milk"), item(1, "Alpine drink, full cream")]


def test_items_that_look_the_same_are_one_group_and_their_variants_with_them(
    tmp_path: Path,
) -> None:
    items = [
        *(item(0, "Fresh whole milk 1 l"), item(1, "Fresh whole milk 2 l")),
        *(item(2, "Alpine drink full cream 1 l"), item(3, "Alpine drink full cream 2 l")),
        *(item(4, "Alpine butter"), item(5, "Butter of the mountains"), item(6, "Cheese")),
    ]
    # Of the drinks, one of each name has a picture; the butters' is the same stored anew.
    looks = [look(0), look(1), look(0, 0.98), look(2), look(3, 0.975), look(3), look(4)]
    groups = groups_of(items, looks)
    assert as_sets(groups.codes) == [{0, 1, 2, 3}, {4, 5}]
    report = group_report(groups, catalog_of(items))
    assert (report["groups"], report["items"], report["look_alikes"]) == (2, 6, 4)
    assert "2 groups of 6 items, 4 of them near-duplicates by" in variants_text(report)
    groups.save(tmp_path)
    read = VariantGroups.load(tmp_path, catalog_of(items))
    assert read.look_alike_count == 4 and read.codes.tolist() == groups.codes.tolist()


@pytest.mark.parametrize(
    ("other", "cosine", "fused"),
    [
        (item(1, "Alpine drink, full cream"), 0.965, 1.0),
        (item(1, "Alpine drink, full cream"), 1.0, 0.8),
        (item(1, "Alpine drink, full cream", brand="Other"), 1.0, 1.0),
        (Item("i1", "Alpine drink, full cream", category=("Food",), brand="Farm"), 1.0, 1.0),
    ],
)
def test_another_look_vector_brand_or_category_is_another_product(
    other: Item, cosine: float, fused: float
) -> None:
    embeddings = np.array([[1, 0], [fused, np.sqrt(1 - fused**2)]], np.float32)
    found = groups_of([PAIR[0], other], [look(0), look(0, cosine)], embeddings=embeddings)
    assert not as_sets(found.codes)
    assert as_sets(groups_of(PAIR, [look(0), look(0, 0.98)]).codes) == [{0, 1}]


def test_codes_and_attributes_tell_what_looks_the_same_apart() -> None:
    titles = ["Boshi PSR1440 drill", "Cordless driver by Boshi GSB1880", "Boshi driver"]
    items = [item(number, title, "Boshi") for number, title in enumerate(titles)]
    assert as_sets(groups_of(items, [look(0)] * 3).codes) == [{0, 2}]
    tastes = ["sweet", "sour", "", "sweet", "sour", "sweet", "sour"]
    items = [
        item(number, f"{'abcdefg'[number] * 5} drops", taste=taste)
        for number, taste in enumerate(tastes)
    ]
    looks = [look(0), look(0), *(look(number) for number in range(1, 6))]
    assert not as_sets(groups_of(items, looks).codes)


def test_a_picture_of_several_kinds_of_items_tells_nothing() -> None:
    items = [*PAIR, Item("i2", "Hammer", category=("Tools",))]
    assert as_sets(groups_of(items, [look(0)] * 3, [9, 9, 8]).codes) == [{0, 1}]
    assert not as_sets(groups_of(items, [look(0)] * 3, [9, 9, 9]).codes)


def test_items_without_brand_and_category_are_not_compared() -> None:
    bare = [Item("i0", "Fresh whole milk"), Item("i1", "Alpine drink, full cream")]
    assert not as_sets(groups_of(bare, [look(0)] * 2).codes)


def test_an_encoder_that_tells_little_apart_has_to_be_surer() -> None:
    rng = np.random.default_rng(1)
    items = [Item(f"i{n}", "abcdefghij"[n % 10] * 4, category=(f"c{n // 10}",)) for n in range(200)]
    noise = rng.normal(size=(200, DIM)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    # All cosines are about 0.98; one pair of the same category has 1.
    vectors = np.sqrt(0.98) * look(0) + np.sqrt(0.02) * noise
    vectors[1] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert as_sets(groups_of(items, list(vectors)).codes) == [{0, 1}]


def test_groups_that_would_be_too_large_together_stay_as_they_are() -> None:
    groups = np.repeat(np.array([0, 1, -1], np.int32), [60, 60, 2])
    found = [np.array([0, 60]), np.array([120, 121])]
    assert as_sets(joined(groups, found)) == [set(range(60)), set(range(60, 120)), {120, 121}]
    assert joined(groups, []).tolist() == groups.tolist()
    small = np.array([1, -1, 0, 0, 1], np.int32)
    assert joined(small, [np.array([1, 2])]).tolist() == [0, 1, 1, 1, 0]
