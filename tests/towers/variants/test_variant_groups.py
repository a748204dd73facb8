"""Variants of one product share a group, and nothing else does."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError
from data.records import Item
from towers.catalog.items import Catalog
from towers.config import TextConfig, VariantsConfig
from towers.variants.colour_words import colour_words
from towers.variants.group_report import group_report
from towers.variants.link_rules import LinkRules
from towers.variants.title_parts import title_parts
from towers.variants.variant_groups import VariantGroups
from towers.variants.variant_links import complete_links, item_keys

DAIRY, PHONES, SHIRTS = ("Food", "Dairy"), ("Electronics", "Phones"), ("Clothing", "Shirts")


def item(
    number: int, title: str, brand: str = "", category: tuple[str, ...] = (), **rest: str
) -> Item:
    return Item(f"i{number}", title, category=category, brand=brand, price=2.0, attributes=rest)


SHOP = (
    # Sizes of one milk, and another kind of milk.
    *("Farmland milk 1 l", "Farmland milk 0.5 l", "Farmland oat milk 1 l"),
    # Colours and storage of one phone, another model, another maker.
    *("Nova T480 phone black 128 GB", "Nova T480 phone red 64 GB", "Nova T490 phone black 128 GB"),
    *("Acme T480 phone black 128 GB", "Nova T480 phone case black"),
    # What a colour makes another thing of.
    *("Leafy green tea 20 pieces", "Leafy black tea 20 pieces", "Leafy black tea 40 pieces"),
    # Near-duplicates, spelt apart; another order of words is another thing.
    *("Nordic T-shirt, cotton", "Nordic T shirt cotton"),
    *("Alpine milk chocolate", "Alpine chocolate milk"),
    # Volts are what a drill is built for.
    *("Boshi drill 12 V", "Boshi drill 18 V", "", "12 cm"),
)  # fmt: skip
EXPECTED = [{0, 1}, {3, 4}, {9, 10}, {11, 12}]
"""Positions in the shop of the items of each group, by hand."""


def shop_items() -> list[Item]:
    return [item(number, title) for number, title in enumerate(SHOP)]


def catalog_of(items: Sequence[Item]) -> Catalog:
    return Catalog.of(items, TextConfig(bucket_count=1_024))


def same_vectors(count: int) -> np.ndarray:
    return np.tile(np.array([[1.0, 0.0]], np.float32), (count, 1))


def groups_of(
    items: Sequence[Item], vectors: np.ndarray | None = None, group_by: str = ""
) -> list[set[int]]:
    catalog = catalog_of(items)
    vectors = same_vectors(len(items)) if vectors is None else vectors
    return as_sets(VariantGroups.of(catalog, vectors, VariantsConfig(group_by)).codes)


def as_sets(codes: np.ndarray) -> list[set[int]]:
    numbers = sorted(set(codes[codes >= 0].tolist()))
    return [set(np.flatnonzero(codes == number).tolist()) for number in numbers]


def test_sizes_quantities_and_colours_vary_and_nothing_else_does() -> None:
    assert groups_of(shop_items()) == EXPECTED


def test_items_of_other_brands_or_categories_are_no_variants() -> None:
    shop = [
        item(0, "Whole milk 1 l", "Farmland", DAIRY),
        item(1, "Whole milk 2 l", "Hillside", DAIRY),
        item(2, "Whole milk 2 l", "Farmland", ("Pets", "Food")),
        item(3, "Whole milk 2 l", "Farmland", DAIRY),
    ]
    assert groups_of(shop) == [{0, 3}]


def test_items_far_apart_in_the_fused_vectors_are_no_variants() -> None:
    near = [
        item(0, "Nordic scarf red"),
        item(1, "Nordic scarf blue"),
        item(2, "Nordic scarf green"),
    ]
    # Cosines: 0.97 from the first to the second, 0.8 from either to the third.
    vectors = np.array([[1, 0, 0], [0.97, 0.2431, 0], [0.8, 0.2, 0.5657]], np.float32)
    assert groups_of(near, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)) == [{0, 1}]


def test_a_chain_of_neighbours_makes_no_group() -> None:
    angles = np.deg2rad([0, 25, 50, 75])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    chain = [
        item(n, f"Nordic scarf {colour}")
        for n, colour in enumerate(("red", "blue", "green", "pink"))
    ]
    # Each is near the next (cosine 0.91), none near the one after it (0.64).
    assert groups_of(chain, vectors) == [{0, 1}, {2, 3}]


def test_titles_that_say_the_category_alone_name_no_product() -> None:
    def cereal(number: int, title: str, price: float | None) -> Item:
        return Item(
            f"c{number}", title, category=("Grocery", "Kids cereal"), brand="National", price=price
        )

    apart = [cereal(0, "Kids cereal 13 OZ", 2.0), cereal(1, "Kids cereal 17 OZ", 3.0)]
    assert groups_of(apart) == [{0, 1}]
    # A size that comes twice shows that sizes do not tell products apart.
    twice = [*apart, cereal(2, "Kids cereal 13 OZ", 2.0), cereal(3, "Kids cereal 13 OZ", 4.0)]
    assert groups_of(twice) == [{0, 2}]
    assert groups_of([cereal(0, "Kids cereal", 2.0), cereal(1, "Kids cereal", 2.0)]) == []


def test_an_attribute_that_sorts_products_keeps_them_apart() -> None:
    makers = ["north", "north", "south", "south"]
    shop = [
        item(n, f"Garden trowel {size} cm", "", ("Garden", "Tools"), maker=maker)
        for n, (size, maker) in enumerate(zip((20, 25, 30, 35), makers, strict=True))
    ]
    assert groups_of(shop) == [{0, 1}, {2, 3}]


def test_an_items_own_size_and_colour_vary_however_they_are_called() -> None:
    shop = [
        item(0, "Runner shoe Sandstorm 42", "Acme", SHIRTS, colour="Sandstorm", size="42"),
        item(1, "Runner shoe Nightfall 43", "Acme", SHIRTS, colour="Nightfall", size="43"),
        item(2, "Runner shoe 44", "Acme", SHIRTS),
    ]
    assert groups_of(shop) == [{0, 1}]


def test_codes_may_differ_at_their_end_where_a_colour_differs_too() -> None:
    shop = [
        item(0, "Inkwell cartridge T605700 black"),
        item(1, "Inkwell cartridge T605300 magenta"),
        item(2, "Inkwell cartridge T605900 black"),
    ]
    assert groups_of(shop) == [{0, 1}]


def test_words_in_the_place_of_colours_are_learnt() -> None:
    things = (
        "oak shelf board",
        "wall hook rail",
        "door knob set",
        "bath towel bar",
        "lamp shade top",
    )
    shop = [
        item(len(things) * k + n, f"{thing} {colour}")
        for k, colour in enumerate(("white", "brown", "pewter"))
        for n, thing in enumerate(things)
    ]
    assert colour_words(catalog_of(shop)) == {"pewter"}
    assert groups_of(shop) == [{n, n + 5, n + 10} for n in range(5)]


def test_a_group_by_an_attribute_is_taken_as_it_stands() -> None:
    shop = [
        item(0, "Milk 1 l", parent="a"),
        item(1, "Anything else", parent="a"),
        item(2, "Milk 2 l", parent="b"),
        item(3, "Milk 3 l"),
    ]
    assert groups_of(shop, group_by="parent") == [{0, 1}, {2}]
    message = "variants.group_by: expected an attribute of the items (parent), received 'parnt'"
    with pytest.raises(ConfigError, match=re.escape(message)):
        groups_of(shop, group_by="parnt")


@pytest.mark.parametrize("seed", range(20))
def test_every_two_items_of_a_group_are_linked_and_no_two_groups_could_be_one(seed: int) -> None:
    draw = np.random.default_rng(seed)
    count = int(draw.integers(2, 14))
    linked = draw.random((count, count)) < 0.7
    linked = linked & linked.T | np.eye(count, dtype=bool)
    vectors = draw.normal(size=(count, 3)).astype(np.float32)
    groups = [set(group.tolist()) for group in complete_links(linked, vectors)]
    placed = [place for group in groups for place in group]
    assert len(placed) == len(set(placed))
    for group in groups:
        assert len(group) > 1
        assert all(linked[one, other] for one in group for other in group)
    alone = [place for place in range(count) if place not in placed]
    for one in alone:
        assert not any(linked[one, other] for other in alone if other != one)
        assert not any(all(linked[one, other] for other in group) for group in groups)


def test_the_order_of_the_items_does_not_change_who_is_grouped() -> None:
    order = list(range(len(SHOP)))
    random.Random(3).shuffle(order)
    found = groups_of([shop_items()[place] for place in order])
    assert {frozenset(order[place] for place in group) for group in found} == set(
        map(frozenset, EXPECTED)
    )


def test_groups_survive_being_written_and_read(tmp_path: Path) -> None:
    catalog = catalog_of(shop_items())
    made = VariantGroups.of(catalog, same_vectors(len(SHOP)), VariantsConfig())
    made.save(tmp_path)
    read = VariantGroups.load(tmp_path, catalog)
    assert read.codes.tolist() == made.codes.tolist()
    assert np.load(tmp_path / "groups.npy", allow_pickle=False).dtype == np.int32
    np.save(tmp_path / "groups.npy", made.codes[:-1])
    with pytest.raises(
        ValueError, match=r"variants/groups.npy: expected int32 \[19\], received int32 \[18\]"
    ):
        VariantGroups.load(tmp_path, catalog)
    np.save(tmp_path / "groups.npy", np.full(len(SHOP), 99, np.int32))
    with pytest.raises(ValueError, match="variants/groups.npy: expected groups from -1 to 18"):
        VariantGroups.load(tmp_path, catalog)


def test_the_report_counts_groups_and_names_the_largest() -> None:
    catalog = catalog_of(shop_items())
    report = group_report(
        VariantGroups.of(catalog, same_vectors(len(SHOP)), VariantsConfig()), catalog
    )
    assert (report["groups"], report["items"]) == (4, 8)
    assert report["largest"][0] == {"title": "Farmland milk 1 l", "items": 2}
    assert json.loads(json.dumps(report)) == report
    catalog.remove("i1")
    groups = VariantGroups.of(catalog, same_vectors(len(SHOP)), VariantsConfig())
    assert group_report(groups, catalog)["groups"] == 3


class Live:
    """A catalogue of the shop that changes."""

    def __init__(self) -> None:
        self.catalog = catalog_of(shop_items())
        self.groups = VariantGroups.of(self.catalog, same_vectors(len(SHOP)), VariantsConfig())

    def put(self, new: Item) -> int:
        row, _ = self.catalog.upsert(new)
        self.groups.put(row, new, same_vectors(4_096))
        return row

    def group(self, row: int) -> set[int]:
        codes = self.groups.codes
        return set(np.flatnonzero(codes == codes[row]).tolist()) if codes[row] >= 0 else {row}


def test_a_new_item_joins_the_group_that_it_belongs_to() -> None:
    live = Live()
    assert live.group(live.put(item(100, "Farmland milk 2 l"))) == {0, 1, 19}
    assert live.group(live.put(item(101, "Farmland soy milk 2 l"))) == {20}
    # The first partner of an item that stood alone, and a third of the two.
    assert live.group(live.put(item(102, "Farmland oat milk 2 l"))) == {2, 21}
    assert live.group(live.put(item(103, "Farmland oat milk 3 l"))) == {2, 21, 22}


def test_an_item_with_other_words_changes_its_group_and_one_with_another_price_does_not() -> None:
    live = Live()
    live.put(replace(shop_items()[1], price=9.0))
    assert live.group(1) == {0, 1}
    live.put(replace(shop_items()[1], title="Farmland oat milk 0.5 l"))
    assert live.group(1) == {1, 2}
    assert live.group(0) == {0}
    live.put(replace(shop_items()[1], title="Farmland milk 0.5 l"))
    assert live.group(1) == {0, 1}


def test_many_new_items_find_room() -> None:
    live = Live()
    rows = [live.put(item(1_000 + n, f"Farmland milk {n + 2} l")) for n in range(150)]
    assert len(live.group(rows[0])) == 100
    assert all(len(live.group(row)) <= 100 for row in rows)


@pytest.mark.parametrize(
    "title", ["\x00", "1 l", "🙂🙂", "x" * 5_000, "x x x", "3 x 4 x", "° l ml", "黑"]
)
def test_odd_titles_have_parts(title: str) -> None:
    parts = title_parts(title, brand=title)
    assert title_parts(title, brand=title) == parts
    catalog = catalog_of([item(0, title)])
    assert len(item_keys(LinkRules.of(catalog, frozenset()))) == 1


def test_the_parts_of_titles() -> None:
    def varying(title: str, brand: str = "") -> tuple[str, ...]:
        return title_parts(title, brand=brand).varying

    assert varying("Photo paper glossy 8 x 10 in. 20 sheets") == (
        "8",
        "x",
        "10",
        "in",
        "20",
        "sheets",
        "8x10",
    )
    assert varying("Cleaner 3 in 1") == ()
    assert varying("Black & Decker drill red", "Black & Decker") == ("red",)
    assert varying("小米8 手机 黑色 8GB+128GB") == ("黑色", "8", "gb", "128", "gb")
    assert varying("T-shirt L") == ("l",)
    assert varying("L-carnitine") == ()
