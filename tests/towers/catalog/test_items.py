"""The catalogue as columns: round trips, and masks equal a check of every item."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Item
from tests.towers import shelf
from towers.catalog.dictionary import Dictionary
from towers.catalog.filters import Filter
from towers.catalog.item_tokens import item_tokens
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.text.tokens import PADDING, token

TEXT = TextConfig(bucket_count=4_096, item_slot_count=16)

CATEGORIES = [
    ("Dairy",),
    ("Dairy", "Milk"),
    ("Dairy", "Milk", "Oat"),
    ("Dairy & eggs", "Eggs"),
    ("乳制品", "牛奶"),
    (),
]
BRANDS = ["", "Farm", "Oaty", "农场"]


def made_items(count: int, seed: int = 7) -> list[Item]:
    rng = random.Random(seed)
    return [
        Item(
            f"i{number}",
            title=f"thing {number}",
            category=rng.choice(CATEGORIES),
            brand=rng.choice(BRANDS),
            price=rng.choice([None, round(rng.uniform(0, 20), 2)]),
            in_stock=rng.random() < 0.7,
        )
        for number in range(count)
    ]


def meets(item: Item, conditions: Filter) -> bool:
    path, price = conditions.category, item.price
    return (
        item.category[: len(path)] == path
        and (not conditions.brands or item.brand in conditions.brands)
        and (conditions.min_price is None or (price is not None and price >= conditions.min_price))
        and (conditions.max_price is None or (price is not None and price <= conditions.max_price))
        and (item.in_stock or not conditions.in_stock_only)
    )


def made_filter(rng: random.Random, items: list[Item]) -> Filter:
    # Bounds are prices of items every other time: a bound is inclusive to the cent.
    prices = [item.price for item in items if item.price is not None]
    bounds = [None, None, rng.choice(prices), rng.uniform(0, 20)]
    return Filter(
        category=rng.choice([(), *CATEGORIES, ("Dair",), ("Milk",)]),
        brands=tuple(rng.sample([*BRANDS, "nobody"], rng.choice([0, 0, 1, 2]))),
        min_price=rng.choice(bounds),
        max_price=rng.choice(bounds),
        in_stock_only=rng.random() < 0.3,
    )


def test_a_mask_is_the_check_of_every_item_by_itself() -> None:
    items, rng = made_items(500), random.Random(11)
    catalog = Catalog.of(items, TEXT)
    gone = {item.item_id for item in rng.sample(items, 40)}
    for item_id in gone:
        catalog.remove(item_id)
    asked = 0
    while asked < 200:
        conditions = made_filter(rng, items)
        mask = catalog.mask(conditions)
        if conditions == Filter():
            assert mask is None
            continue
        asked += 1
        expected = [meets(item, conditions) and item.item_id not in gone for item in items]
        assert mask is not None and mask.tolist() == expected, conditions


def test_a_category_is_matched_by_whole_names() -> None:
    catalog = Catalog.of(made_items(200), TEXT)
    mask = catalog.mask(Filter(category=("Dairy",)))
    assert mask is not None
    found = {catalog.category(row) for row in np.flatnonzero(mask)}
    assert found == {("Dairy",), ("Dairy", "Milk"), ("Dairy", "Milk", "Oat")}


def test_an_item_comes_out_as_it_went_in() -> None:
    catalog = shelf.catalog()
    assert catalog.count == len(shelf.items())
    for row, item in enumerate(shelf.items()):
        assert catalog.item_ids[row] == item.item_id and catalog.row_of[item.item_id] == row
        assert catalog.titles[row] == item.title
        assert catalog.category(row) == item.category
        assert catalog.top_codes.names[catalog.top[row]] == item.category[0]
        assert catalog.brand_name(row) == item.brand
        assert catalog.price[row] == np.float32(item.price)
        assert bool(catalog.in_stock[row]) == item.in_stock and catalog.listed[row]
        assert np.array_equal(catalog.tokens[row], item_tokens(item, shelf.CONFIG.text))


def test_an_item_of_an_id_alone_has_a_row_and_no_tokens() -> None:
    catalog = Catalog.of([Item("i")], TEXT)
    assert catalog.category(0) == () and catalog.brand_name(0) == ""
    assert np.isnan(catalog.price[0]) and not catalog.tokens[0].any()


def test_a_changed_item_keeps_its_row() -> None:
    items = made_items(30)
    catalog = Catalog.of(items, TEXT)
    changed = replace(
        items[4], title="other words", brand="New", price=None, category=("New",), in_stock=False
    )
    assert catalog.upsert(changed) == (4, True)
    assert catalog.count == 30
    assert catalog.titles[4] == "other words" and catalog.brand_name(4) == "New"
    assert catalog.category(4) == ("New",) and np.isnan(catalog.price[4])
    assert np.array_equal(catalog.tokens[4], item_tokens(changed, TEXT))
    assert catalog.brand_name(5) == items[5].brand


def test_an_item_with_fewer_words_than_before_keeps_none_of_the_old() -> None:
    catalog = Catalog.of([Item("i", title="one two three four")], TEXT)
    catalog.upsert(Item("i", title="one"))
    assert catalog.tokens[0].tolist() == item_tokens(Item("i", title="one"), TEXT).tolist()


@pytest.mark.parametrize(
    ("change", "is_read_by_the_tower"),
    [
        ({"in_stock": False}, False),
        ({"description": "more of it"}, False),
        ({"price": 10.01}, False),
        ({"price": 40.0}, True),
        ({"title": "Oat drink"}, True),
        ({"brand": "Other"}, True),
        ({"category": ("Bakery",)}, True),
        ({"attributes": {"size": "2 l"}}, True),
    ],
)
def test_an_upsert_says_whether_the_tower_reads_something_new(
    change: dict[str, object], is_read_by_the_tower: bool
) -> None:
    item = Item("i", title="Oat milk", brand="Oaty", price=10.0, category=("Dairy",))
    catalog = Catalog.of([item], TEXT)
    assert catalog.upsert(item) == (0, False)
    assert catalog.upsert(replace(item, **change)) == (0, is_read_by_the_tower)


def test_a_removed_item_keeps_its_row_and_can_come_back() -> None:
    catalog = Catalog.of(made_items(5), TEXT)
    assert catalog.remove("i2") == 2
    assert catalog.remove("i2") is None
    assert catalog.remove("nobody") is None
    assert catalog.listed[:5].tolist() == [True, True, False, True, True]
    assert catalog.upsert(made_items(5)[2]) == (2, False)
    assert catalog.listed[:5].all()


def test_rows_of_unknown_ids_are_minus_one() -> None:
    catalog = Catalog.of(made_items(5), TEXT)
    assert catalog.rows(["i3", "nobody", "i0"]).tolist() == [3, -1, 0]
    assert catalog.rows([]).dtype == np.int64


def test_columns_grow_without_losing_a_row() -> None:
    items = made_items(3_000)
    catalog = Catalog.of(items, TEXT)
    prices = [np.nan if item.price is None else item.price for item in items]
    assert np.array_equal(catalog.price[:3_000], np.float32(prices), equal_nan=True)
    assert not catalog.listed[3_000:].any()


def test_a_catalogue_is_read_as_it_was_written_and_goes_on_from_there(tmp_path: Path) -> None:
    items = made_items(300)
    catalog = Catalog.of(items, TEXT)
    catalog.remove("i7")
    catalog.save(tmp_path)
    read = Catalog.load(tmp_path, TEXT)
    assert read.count == 300 and read.item_ids == catalog.item_ids
    assert read.titles == catalog.titles and read.row_of == catalog.row_of
    for name in ("leaf", "top", "brand", "price", "in_stock", "listed", "tokens"):
        before, after = getattr(catalog, name)[:300], getattr(read, name)
        assert before.dtype == after.dtype
        assert np.array_equal(before, after, equal_nan=name == "price")
    assert read.upsert(Item("new", category=("Dairy", "Milk"), brand="Brandnew")) == (300, True)
    assert read.category(300) == ("Dairy", "Milk") and read.brand_name(300) == "Brandnew"


@pytest.mark.parametrize("name", ["prices\u2028.npy", "names"])
def test_texts_of_any_kind_survive_the_disk(tmp_path: Path, name: str) -> None:
    item = Item(f'{name}"\\\n\u0000', title="标题 \U0001f95b\r\n", brand="O'Br\"ien")
    Catalog.of([item], TEXT).save(tmp_path)
    read = Catalog.load(tmp_path, TEXT)
    assert (read.item_ids[0], read.titles[0], read.brand_name(0)) == (
        item.item_id,
        item.title,
        item.brand,
    )


def test_tokens_name_the_path_brand_and_price_step_before_the_words() -> None:
    item = Item(
        "i", title="Whole milk", category=("Dairy", "Milk"), brand="Farm", price=8.0,
        attributes={"size": "1 litre"}, description="not read",
    )  # fmt: skip
    names = ["c:Dairy", "c:Dairy > Milk", "b:Farm", "p:6"]
    names += [f"w:{word}" for word in ("whole", "milk", "dairi", "farm", "1", "l")]
    expected = [token(name, TEXT.bucket_count) for name in names]
    padded = expected + [PADDING] * (TEXT.item_slot_count - len(expected))
    assert item_tokens(item, TEXT).tolist() == padded


def test_an_item_has_the_tokens_of_the_forms_that_queries_use() -> None:
    tokens = set(item_tokens(Item("i", title="Köln E-bike", brand="红米"), TEXT).tolist())
    for word in ("koln", "koeln", "e", "bike", "ebik", "红米", "hongmi"):
        assert token(f"w:{word}", TEXT.bucket_count) in tokens


@pytest.mark.parametrize("price", [None, 0.0, -1.0])
def test_an_item_without_a_price_has_no_price_step(price: float | None) -> None:
    assert item_tokens(Item("i", title="tea", price=price), TEXT).tolist()[1:] == [PADDING] * 15


def test_tokens_beyond_the_slots_are_left_out() -> None:
    long = Item("i", title=" ".join(f"word{number}" for number in range(100)))
    tokens = item_tokens(long, TEXT)
    assert tokens.shape == (16,) and (tokens != PADDING).all()


@given(st.lists(st.sampled_from(["a", "b", "c", "", "d"])))
def test_codes_count_up_in_order_of_first_sight(names: list[str]) -> None:
    codes = Dictionary(names)
    assert codes.names == list(dict.fromkeys(names))
    assert [codes.get(name) for name in codes.names] == list(range(len(codes.names)))
    assert codes.get("nobody") == -1
