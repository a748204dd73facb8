"""Caps on a page, by counting."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Item
from serving.policy.caps import BRAND_CAP, CATEGORY_CAP, Caps, product_words
from serving.policy.settings import Policy
from tests.towers import shelf
from towers.catalog.items import Catalog


def pages(order: list[int], pins: dict[int, str], size: int) -> list[list[int | str]]:
    """The list with pins at their ranks, page by page."""
    left: list[int | str] = [*order]
    for rank in sorted(pins):
        left.insert(rank, pins[rank])
    return [left[start : start + size] for start in range(0, len(left), size)]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=40),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 8),
    st.dictionaries(st.integers(0, 9), st.sampled_from("abc"), max_size=3),
)
def test_a_page_keeps_within_the_caps_unless_nothing_left_does(
    keys: list[tuple[str, str]], first: int, second: int, size: int, pinned: dict[int, str]
) -> None:
    pins = {rank: brand for rank, brand in pinned.items() if rank < len(keys) + len(pinned)}
    pins = dict(zip(sorted(pins), pins.values(), strict=True))
    names = (BRAND_CAP, CATEGORY_CAP)
    of_pins = {rank: {BRAND_CAP: brand, CATEGORY_CAP: "x"} for rank, brand in pins.items()}
    caps = Caps(
        {BRAND_CAP: first, CATEGORY_CAP: second},
        {name: [key[number] for key in keys] for number, name in enumerate(names)},
        of_pins,
    )
    order, causes = caps.order(size, kinds=np.zeros(len(keys), bool))
    assert sorted(order.tolist()) == [*range(len(keys))]
    is_left = set(range(len(keys)))
    for page in pages(order.tolist(), pins, size):
        brands = Counter(one for one in page if isinstance(one, str))
        categories = Counter({"x": sum(brands.values())})
        for position in (one for one in page if isinstance(one, int)):
            fitting = [
                one
                for one in sorted(is_left)
                if brands[keys[one][0]] < first and categories[keys[one][1]] < second
            ]
            assert position == (fitting[0] if fitting else min(is_left))
            is_left.remove(position)
            brands[keys[position][0]] += 1
            categories[keys[position][1]] += 1
    moved = {one for place, one in enumerate(order.tolist()) if one != place}
    named = np.flatnonzero(causes[BRAND_CAP] | causes[CATEGORY_CAP])
    assert moved <= set(named.tolist())


def test_what_is_only_related_never_takes_the_place_of_what_is_relevant() -> None:
    caps = Caps({BRAND_CAP: 1}, {BRAND_CAP: ["a", "a", "a", "b", "c"]}, {})
    kinds = np.array([False, False, False, True, True])
    assert caps.order(5, kinds=kinds)[0].tolist() == [0, 1, 2, 3, 4]
    assert caps.order(5, kinds=np.zeros(5, bool))[0].tolist() == [0, 3, 4, 1, 2]
    # On the next page counting begins anew.
    assert caps.order(2, kinds=np.zeros(5, bool))[0].tolist() == [0, 3, 1, 4, 2]


def test_items_without_a_brand_are_not_capped() -> None:
    items = [replace(shelf.items()[n], item_id=f"i{n}", brand="") for n in range(5)]
    catalog = Catalog.of(items, shelf.CONFIG.text)
    caps = Caps.of(Policy(brand_cap=1), np.arange(5), {}, catalog)
    assert caps.order(5, kinds=np.zeros(5, bool))[0].tolist() == [0, 1, 2, 3, 4]
    assert caps.fitting([3, 4], [0, 1, 2], 0, 5) == [3, 4]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kids cereal 13 OZ", "Kids cereal 17.5 OZ"),
        ("T-Shirt red XL", "T-Shirt blue S"),
        ("手机 红色 128GB", "手机 黑色 64GB"),
    ],
)
def test_sizes_and_colours_make_variants_of_one_product(one: str, other: str) -> None:
    assert product_words(one) == product_words(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Kids cereal", "Kids yogurt"), ("Red 10", "Blue 10"), ("iPhone", "Pixel")]
)
def test_other_words_make_other_products(one: str, other: str) -> None:
    assert product_words(one) != product_words(other)


def test_variants_are_told_by_title_or_by_the_attribute_that_the_shop_names() -> None:
    items = [
        Item("a", "Shirt red", brand="X", attributes={"style": "s1"}),
        Item("b", "Shirt blue", brand="X", attributes={"style": "s2"}),
        Item("c", "Trousers", brand="X", attributes={"style": "s1"}),
        Item("d", "Hat", brand="X"),
        Item("e", "Scarf", brand="X"),
    ]
    catalog = Catalog.of(items, shelf.CONFIG.text)

    def order(policy: Policy) -> list[int]:
        caps = Caps.of(policy, np.arange(5), {}, catalog)
        order: list[int] = caps.order(5, kinds=np.zeros(5, bool))[0].tolist()
        return order

    assert order(Policy(variant_cap=1)) == [0, 2, 3, 4, 1]
    assert order(Policy(variant_cap=1, variant_attribute="style")) == [0, 1, 3, 4, 2]
    # A pinned item counts on its page.
    pinned = Caps.of(Policy(variant_cap=1), np.array([0, 2, 3]), {1: 1}, catalog)
    assert pinned.order(4, kinds=np.zeros(3, bool))[0].tolist() == [1, 2, 0]
