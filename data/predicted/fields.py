"""The fields of an item that can be predicted: brand, category and attributes, by one name each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from data.records import Item

BRAND, CATEGORY = "brand", "category"
LEVELS = " > "
"""Between the levels of a category, as in files."""

_OWN = "attributes."
"""In front of an attribute that is called ``brand`` or ``category``."""


def field_names(items: Sequence[Item]) -> list[str]:
    """Category and brand, then the attributes that any item has, the most filled first."""
    counts = Counter(name for item in items for name, value in item.attributes.items() if value)
    return [CATEGORY, BRAND, *(field_of(name) for name, _ in counts.most_common())]


def value_of(item: Item, field: str) -> str:
    """The value of a field; empty where the item lacks it."""
    if field == BRAND:
        return item.brand
    if field == CATEGORY:
        return LEVELS.join(item.category)
    return item.attributes.get(attribute_of(field), "")


def with_value(item: Item, field: str, value: str) -> Item:
    """The item with another value of a field; an empty one removes it."""
    if field == BRAND:
        return replace(item, brand=value)
    if field == CATEGORY:
        return replace(item, category=tuple(value.split(LEVELS)) if value else ())
    attributes = {**item.attributes, attribute_of(field): value}
    return replace(item, attributes={name: one for name, one in attributes.items() if one})


def attribute_of(field: str) -> str:
    """The name of an attribute by that of its field."""
    return field.removeprefix(_OWN) if field in (_OWN + BRAND, _OWN + CATEGORY) else field


def field_of(attribute: str) -> str:
    """The field of an attribute by its name."""
    return _OWN + attribute if attribute in (BRAND, CATEGORY) else attribute
