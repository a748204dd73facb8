"""The numbers by which an item can be asked for: its key, SKU, model, part or bar code."""

from __future__ import annotations

import re

from data.records import Item
from towers.text import normalise

_NAMES = re.compile(r"(?i)\b(sku|model|mpn|gtin|ean|upc|isbn|asin|part|article|art|number|no)\b")
_CHUNK = re.compile(r"(?=\S*\d)\S{4,40}")


def numbers_of_item(item: Item) -> set[str]:
    """Key and numbers of an item, without hyphens and the like; ``#…`` in a title is one too."""
    texts = [item.item_id]
    texts += [text for name, text in item.attributes.items() if _NAMES.search(name)]
    texts += [chunk[1:] for chunk in item.title.split() if chunk.startswith("#")]
    return {number for text in texts if (number := _bare(text))}


def numbers_in_query(text: str) -> set[str]:
    """Every run of a query that holds a digit, and the query as a whole."""
    runs = _CHUNK.findall(text)
    numbers = {_bare(run) for run in runs}
    if runs:
        numbers.add(_bare(text))
    return {number for number in numbers if len(number) >= 4}


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, normalise(text)))
