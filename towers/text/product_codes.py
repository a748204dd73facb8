"""The numbers by which an item can be asked for: its key, SKU, model, part or bar code."""

from __future__ import annotations

import re

from data.records import Item
from towers.text.words import normalise

_NAMES = re.compile(
    r"\b(sku|model|mpn|gtin|ean|upc|isbn|asin|part|article|art|number|no"
    r"|barcode|(bar|item|order|product) code)\b"
)
_OTHER_NAMES = re.compile(r"\b((number|no) of|model year)\b")
"""A count and a year, though their names hold a word for a number."""

_WORD_EDGE = re.compile(
    r"(?<=[a-z])(?=[A-Z\d])|(?<=[A-Z])(?=[A-Z][a-z]|\d)|(?<=\d)(?=[A-Z])|[\W_]+"
)
"""Between the words of ``part_number``, ``model-no``, ``productCode``, ``EANCode``, ``gtin13``."""

_CHUNK = re.compile(r"(?=\S*\d)\S{4,40}")
_LONG_DIGITS = 6
"""Fewer digits among other words are more often a size, a power or a year than a number."""


def numbers_of_item(item: Item) -> set[str]:
    """Key and numbers of an item, without hyphens and the like; ``#…`` in a title is one too."""
    texts = [item.item_id]
    texts += [text for name, text in item.attributes.items() if _is_number(name)]
    texts += [chunk[1:] for chunk in item.title.split() if chunk.startswith("#")]
    return {number for text in texts if (number := _bare(text))}


def own_number(item_id: str) -> str:
    """An item's key alone, written as ``numbers_of_item`` and ``numbers_in_query`` write it."""
    return _bare(item_id)


def numbers_in_query(text: str) -> set[str]:
    """The query as a whole and every run of it, if they hold a digit.

    Of a longer query a run of digits alone counts only where it is long: "1500 watt heater" does
    not ask for the item whose key is 1500.
    """
    runs = _CHUNK.findall(text)
    numbers = {number for run in runs if not _is_measure(number := _bare(run))}
    if runs:
        numbers.add(_bare(text))
    return {number for number in numbers if len(number) >= 4}


def _is_number(name: str) -> bool:
    """Whether an attribute of this name holds a number by which its item is known."""
    plain = _WORD_EDGE.sub(" ", name).lower()
    return bool(_NAMES.search(plain)) and not _OTHER_NAMES.search(plain)


def _is_measure(number: str) -> bool:
    return number.isdigit() and len(number) < _LONG_DIGITS


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, normalise(text)))
