"""Product codes of items and queries: item id, SKU, model, part and bar code."""

from __future__ import annotations

import re

from data.records import Item
from towers.text.writing.folding import fold, normalise

_NAMES = re.compile(
    r"\b(sku|model|mpn|gtin|ean|upc|isbn|asin|part|article|art|number|no"
    r"|barcode|(bar|item|order|product) code)\b"
)
_OTHER_NAMES = re.compile(r"\b((number|no) of|model year)\b")
"""Attribute names that match ``_NAMES`` but hold a count or a year."""

_WORD_EDGE = re.compile(
    r"(?<=[a-z])(?=[A-Z\d])|(?<=[A-Z])(?=[A-Z][a-z]|\d)|(?<=\d)(?=[A-Z])|[\W_]+"
)
"""Between the words of ``part_number``, ``model-no``, ``productCode``, ``EANCode``, ``gtin13``."""

_DIGIT = re.compile(r"\d")
_CHUNK = re.compile(r"(?=\S*\d)\S{4,40}")
_BAR_CODE_LENGTHS = (12, 13, 14)
"""UPC, EAN and GTIN."""

_LONG_DIGITS = 6
"""Shorter digit runs among other words are more often a size, power or year than a code."""


def numbers_of_item(item: Item) -> set[str]:
    """Id and product codes of an item, alphanumeric characters only; also ``#…`` in its title."""
    texts = [item.item_id]
    texts += [text for name, text in item.attributes.items() if _is_number(name)]
    texts += [chunk[1:] for chunk in item.title.split() if chunk.startswith("#")]
    return {number for text in texts if (number := _bare(text))}


def own_number(item_id: str) -> str:
    """An item's id, normalised as in ``numbers_of_item`` and ``numbers_in_query``."""
    return _bare(item_id)


def numbers_in_query(text: str) -> set[str]:
    """Possible product codes in a query: the whole text and each of its parts with a digit.

    In a query of several words a run of digits counts only if it is long: "1500 watt heater" does not
    ask for the item with id 1500.
    """
    if text.isascii() and _DIGIT.search(text) is None:
        return set()
    runs = _CHUNK.findall(text)
    numbers = {number for run in runs if not _is_measure(number := _bare(run))}
    if any(map(str.isdigit, text)):
        # A code may hold blanks: "DCD 771".
        numbers.add(_bare(text))
    return {number for number in numbers if len(number) >= 4}


def _is_number(name: str) -> bool:
    """Whether an attribute of this name holds a product code."""
    plain = _WORD_EDGE.sub(" ", name).lower()
    return bool(_NAMES.search(plain)) and not _OTHER_NAMES.search(plain)


def _is_measure(number: str) -> bool:
    return number.isdigit() and len(number) < _LONG_DIGITS


def _bare(text: str) -> str:
    bare = "".join(filter(str.isalnum, fold(normalise(text))))
    # A bar code is filled up with zeros in front where a longer kind of bar code is asked for.
    return bare.lstrip("0") if len(bare) in _BAR_CODE_LENGTHS and bare.isdigit() else bare
