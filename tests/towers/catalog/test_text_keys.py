"""Keys of texts: equal for equal words, and for no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Item
from towers.catalog.facts import PriceChange
from towers.catalog.items import Catalog
from towers.catalog.text_keys import text_key
from towers.config import TextConfig

ITEM = Item(
    "i",
    "Oat milk",
    "From oats",
    ("Dairy", "Oat"),
    "Oaty",
    2.0,
    attributes={"size": "1 l", "a": "b"},
)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Oat mil", "description": "kFrom oats"},
        {"description": ""},
        {"category": ("Dairy", "Oat", "")},
        {"category": ("DairyOat",)},
        {"brand": "Oat", "category": ("yDairy", "Oat")},
        {"attributes": {"size": "1 l"}},
        {"attributes": {"size": "b", "a": "1 l"}},
        {"attributes": {"siz": "e1 l", "a": "b"}},
    ],
)
def test_other_words_have_another_key(change: dict[str, object]) -> None:
    assert text_key(replace(ITEM, **change)) != text_key(ITEM)


def test_price_stock_time_and_the_order_of_attributes_do_not_matter() -> None:
    other = replace(
        ITEM,
        price=9.0,
        in_stock=False,
        currency="EUR",
        image="x.png",
        audio="x.wav",
        created_time=datetime(2024, 1, 1, tzinfo=UTC),
        attributes={"a": "b", "size": "1 l"},
    )
    assert text_key(other) == text_key(ITEM) != 0


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # Half a doubling is a step: 2 is step 2, as is 2.3; 2.4 is step 3.
        (2.0, 2.3, PriceChange.SAME_STEP),
        (2.0, 2.4, PriceChange.OTHER_STEP),
        (2.0, None, PriceChange.OTHER_STEP),
        (None, 2.0, PriceChange.OTHER_STEP),
        (None, None, PriceChange.SAME_STEP),
        # A price of 0 has no step.
        (0.0, 2.0, PriceChange.OTHER_STEP),
        (0.0, None, PriceChange.SAME_STEP),
    ],
)
def test_a_price_is_told_by_its_step(
    before: float | None, after: float | None, expected: PriceChange
) -> None:
    catalog = Catalog.of([replace(ITEM, price=before)], TextConfig())
    assert catalog.price_change(0, replace(ITEM, price=after)) is expected


def test_an_item_that_is_not_listed_has_changed_in_more_than_price() -> None:
    catalog = Catalog.of([ITEM], TextConfig())
    assert catalog.price_change(0, ITEM) is PriceChange.SAME_STEP
    catalog.remove("i")
    assert catalog.price_change(0, ITEM) is PriceChange.MORE


def test_a_catalogue_saved_without_keys_learns_them_from_changes(tmp_path: Path) -> None:
    Catalog.of([ITEM], TextConfig()).save(tmp_path)
    (tmp_path / "text_keys.npy").unlink()
    read = Catalog.load(tmp_path, TextConfig())
    assert read.price_change(0, ITEM) is PriceChange.MORE
    read.upsert(ITEM)
    assert read.price_change(0, ITEM) is PriceChange.SAME_STEP
