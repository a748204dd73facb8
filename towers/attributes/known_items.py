"""The items of a bundle's catalogue as rows to learn from."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from data.predicted.fields import with_value
from data.records import Item
from towers.catalog.items import Catalog


def items_of(catalog: Catalog, known: Collection[str]) -> tuple[list[Item], np.ndarray]:
    """The listed items of a catalogue but ``known`` ones, and their rows, ``[n] int64``.

    A catalogue keeps no descriptions. Its predicted values are left out: nothing is learnt from them.
    """
    attributes: list[dict[str, str]] = [{} for _ in range(catalog.count)]
    for name in catalog.attributes.names.names:
        values = catalog.attributes.values(name)
        for row, code in zip(
            *(one.tolist() for one in catalog.attributes.column(name)), strict=True
        ):
            attributes[row][name] = values[code]
    left_out = set(known)
    rows = [
        row
        for row in np.flatnonzero(catalog.listed[: catalog.count]).tolist()
        if catalog.item_ids[row] not in left_out
    ]
    items = [
        Item(
            catalog.item_ids[row],
            catalog.titles[row],
            category=catalog.category(row),
            brand=catalog.brand_name(row),
            price=None if np.isnan(catalog.price[row]) else float(catalog.price[row]),
            in_stock=bool(catalog.in_stock[row]),
            attributes=attributes[row],
        )
        for row in rows
    ]
    predicted = catalog.attributes.predicted
    for place, row in enumerate(rows):
        for field in predicted.get(row, ()):
            items[place] = with_value(items[place], field, "")
    return items, np.array(rows, np.int64)
