"""Items that came, changed or went since a bundle was made: seen by the very next answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

import numpy as np

from data.records import Item
from towers.bundle.bundle import Bundle
from towers.catalog.items import item_tokens
from towers.text.words import PADDING

_SAME_SHARE = 0.5


class LiveCatalog:
    """Changes of a loaded bundle's catalogue, vector index and lexical index, as one.

    One writer at a time; readers need no lock: a row's columns and vector are in their place
    before any index returns the row.

    Args:
        bundle: What is changed.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._sources = bundle.ranker.sources
        self._lock = threading.Lock()
        self._changed: set[int] = set()

    def update(self, items: Sequence[Item]) -> tuple[int, int]:
        """Adds or replaces items; the counts of added and of updated ones."""
        newest = {item.item_id: item for item in items}
        catalog = self._bundle.catalog
        with self._lock:
            renamed = [
                item.item_id
                for item in newest.values()
                if (row := catalog.row_of.get(item.item_id)) is None
                or catalog.titles[row] != item.title
            ]
            added = sum(self._put(item) for item in newest.values())
            self._sources.take_in_items(
                [(catalog.row_of[item_id], item) for item_id, item in newest.items()]
            )
            self._bundle.completion.put([catalog.row_of[item_id] for item_id in renamed])
        return added, len(newest) - added

    def delete(self, item_ids: Iterable[str]) -> int:
        """Takes items out; how many were there."""
        with self._lock:
            rows = [self._bundle.catalog.remove(item_id) for item_id in dict.fromkeys(item_ids)]
            gone = [row for row in rows if row is not None]
            self._changed.update(gone)
        return len(gone)

    @property
    def changed_count(self) -> int:
        """Items added, changed or taken out since the bundle was made."""
        return len(self._changed)

    def _put(self, item: Item) -> bool:
        catalog = self._bundle.catalog
        known = catalog.row_of.get(item.item_id)
        was_listed = known is not None and bool(catalog.listed[known])
        before = None if known is None else catalog.tokens[known]
        tokens = item_tokens(item, catalog.text)
        # A known item keeps the vector that training gave it while most of its words stay: the
        # item encoder knows words alone.
        if before is None or not (np.array_equal(before, tokens) or _alike(before, tokens)):
            vector = self._bundle.item_encoder.encode(tokens)
            # First the vector: a session may name the item already, and whoever finds its row
            # reads it. A row that the catalogue does not list yet is left out of every answer.
            self._sources.index.put(catalog.count if known is None else known, _unit(vector))
        row, _ = catalog.upsert(item)
        self._changed.add(row)
        return not was_listed


def _alike(before: np.ndarray, after: np.ndarray) -> bool:
    old = set(before[before != PADDING].tolist())
    new = set(after[after != PADDING].tolist())
    return len(old & new) >= _SAME_SHARE * max(1, len(old | new))


def _unit(vector: np.ndarray) -> np.ndarray:
    norm = float(np.linalg.norm(vector))
    # An item without any word has no direction: give it a fixed one, as batch embedding does.
    if not norm > 0.5:
        return np.full_like(vector, 1.0 / np.sqrt(len(vector)))
    return vector / np.float32(norm)
