"""Which items could take the place of others."""

from __future__ import annotations

import numpy as np

from data.records import Item
from towers.catalog.items import Catalog
from towers.catalog.substitutes import substitutes
from towers.config import TextConfig

ITEMS = (
    Item("mug", "Blue mug", category=("Kitchen", "Mugs")),
    Item("cup", "Tall cup", category=("Kitchen", "Mugs")),
    Item("pan", "Iron pan", category=("Kitchen", "Pans")),
    Item("camera", "Compact camera black"),
    Item("other camera", "Tough camera for divers"),
    Item("bag", "Camera bag"),
    Item("nameless", ""),
)


def found(*item_ids: str, items: tuple[Item, ...] = ITEMS) -> set[str]:
    catalog = Catalog.of(items, TextConfig())
    flags = substitutes(catalog, catalog.rows(item_ids))
    assert flags.dtype == bool and flags.shape == (len(items),)
    return {catalog.item_ids[row] for row in np.flatnonzero(flags).tolist()}


def test_substitutes_are_of_the_narrowest_category() -> None:
    assert found("mug") == {"mug", "cup"}
    assert found("mug", "pan") == {"mug", "cup", "pan"}


def test_without_a_category_titles_tell_the_kind() -> None:
    assert found("camera") == {"camera", "other camera"}
    assert found("bag") == {"bag"}


def test_an_item_that_nothing_names_has_no_substitute_but_itself() -> None:
    assert found("nameless") == {"nameless"}


def test_no_items_have_no_substitutes() -> None:
    assert found() == set()


def test_items_added_later_count_too() -> None:
    catalog = Catalog.of(ITEMS, TextConfig())
    catalog.upsert(Item("new", "Beaker", category=("Kitchen", "Mugs")))
    assert substitutes(catalog, catalog.rows(["mug"]))[catalog.row_of["new"]]
