"""Attributes: conditions equal a check of every item, also after updates."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from towers.catalog.attributes import AttributeCondition, Attributes, as_number
from towers.catalog.filters import Filter
from towers.catalog.items import Catalog
from towers.config import TextConfig

TEXT = TextConfig(bucket_count=4_096, item_slot_count=16)
COLOURS = ("red", "green", "blue", "深蓝")
WEIGHTS = ("1", "2.5", "10", "-3", "1e2", "heavy", "nan", "")


def made_facts(rng: random.Random) -> dict[str, str]:
    facts = {
        "colour": rng.choice(COLOURS),
        "weight": rng.choice(WEIGHTS),
        "model": str(rng.randrange(1_000)),
    }
    return {name: value for name, value in facts.items() if rng.random() < 0.6}


def made_condition(rng: random.Random) -> AttributeCondition:
    if rng.random() < 0.4:
        low, high = rng.choice([(2.0, 50.0), (None, 2.5), (-3.0, None)])
        return AttributeCondition("weight", (), low, high)
    if rng.random() < 0.5:
        return AttributeCondition("colour", tuple(rng.sample([*COLOURS, "none"], 2)))
    return AttributeCondition("model", tuple(str(rng.randrange(1_000)) for _ in range(40)))


def meets(facts: dict[str, str], condition: AttributeCondition) -> bool:
    value = facts.get(condition.name)
    if not value or (condition.values and value not in condition.values):
        return False
    if condition.min_value is None and condition.max_value is None:
        return True
    if value in ("heavy", "nan"):
        return False
    low, high = condition.min_value, condition.max_value
    return (low is None or float(value) >= low) and (high is None or float(value) <= high)


def test_a_condition_is_the_check_of_every_item_through_live_changes_and_the_disk(
    tmp_path: Path,
) -> None:
    rng = random.Random(5)
    items = {f"i{n}": Item(f"i{n}", attributes=made_facts(rng)) for n in range(300)}
    catalog = Catalog.of(items.values(), TEXT)
    for turn in range(6):
        for _ in range(20 * bool(turn)):
            item_id = f"i{rng.randrange(340)}"
            items[item_id] = Item(item_id, attributes=made_facts(rng))
            catalog.upsert(items[item_id])
        if turn == 4:
            catalog.save(tmp_path)
            catalog = Catalog.load(tmp_path, TEXT)
        for _ in range(40):
            conditions = tuple(made_condition(rng) for _ in range(rng.randint(1, 2)))
            mask = catalog.mask(Filter(attributes=conditions))
            assert mask is not None
            expected = {
                item_id
                for item_id, item in items.items()
                if all(meets(dict(item.attributes), one) for one in conditions)
            }
            assert {catalog.item_ids[row] for row in np.flatnonzero(mask)} == expected


def test_a_mask_that_was_asked_for_before_knows_what_has_changed_since() -> None:
    item = Item("a", attributes={"colour": "red"})
    catalog = Catalog.of([item, replace(item, item_id="b")], TEXT)
    red = Filter(attributes=(AttributeCondition("colour", ("red",)),))

    def found() -> list[str]:
        mask = catalog.mask(red)
        assert mask is not None and not mask.flags.writeable
        return [catalog.item_ids[row] for row in np.flatnonzero(mask)]

    assert found() == found() == ["a", "b"]
    catalog.upsert(replace(item, attributes={"colour": "green"}))
    assert found() == ["b"]
    catalog.upsert(replace(item, item_id="c"))
    assert found() == ["b", "c"]
    catalog.remove("b")
    assert found() == ["c"]


def test_the_masks_that_are_kept_take_no_more_room_than_they_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("towers.catalog.items._MASK_BYTES", 1_000)
    catalog = Catalog.of([Item(f"i{n}", price=n) for n in range(100)], TEXT)
    for price in range(50):
        catalog.mask(Filter(min_price=price))
        assert len(catalog._masks) <= 10


def test_an_attribute_nobody_has_is_met_by_nobody() -> None:
    attributes = Attributes.of([Item("a", attributes={"colour": "red"}), Item("b")])
    assert attributes.matching(AttributeCondition("size", ("L",))).tolist() == []
    assert attributes.column("size")[0].tolist() == [] and attributes.values("size") == []
    assert attributes.names.get("size") == -1


def test_an_empty_value_is_no_value() -> None:
    items = [Item("a", attributes={"colour": ""}), Item("b", attributes={"size": "L"})]
    attributes = Attributes.of(items)
    assert attributes.names.names == ["size"]
    attributes.put(1, Item("b", attributes={"size": ""}))
    assert attributes.column("size")[0].tolist() == []


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12.0), (" 1.5 ", 1.5), ("12 OZ", None), ("inf", None), ("", None)]
)
def test_only_a_whole_finite_number_is_one(text: str, number: float | None) -> None:
    found = as_number(text)
    assert np.isnan(found) if number is None else found == number


def test_a_category_with_the_sign_between_levels_in_its_name_stays_one_level() -> None:
    item = Item("a", category=("Sound > light", "Lamps > LED"))
    catalog = Catalog.of([item, Item("b", category=("Sound", "light"))], TEXT)
    assert catalog.category(0) == item.category
    for path, expected in ((("Sound",), [False, True]), (("Sound > light",), [True, False])):
        mask = catalog.mask(Filter(category=path))
        assert mask is not None and mask.tolist() == expected
