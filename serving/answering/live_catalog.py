"""Items added, changed or deleted since a bundle was built: visible to the very next answer.

An item's vector depends only on the bundle and on the item's current state, never on the edits in
between. So many small edits give the same answers as one large one, and a restarted server, which
replays only the newest state of each item, answers as before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.records import Item
from towers.bundle.bundle import Bundle
from towers.catalog.items import Catalog
from towers.indexes.item_index import checked_embeddings
from towers.text.tokens import PADDING

_SAME_SHARE = 0.5


class _Embedded(NamedTuple):
    """An item's tokens in the bundle, ``[item_slot_count] int32``, and the vector of them."""

    tokens: np.ndarray
    vector: np.ndarray


@dataclass(frozen=True, eq=False)
class _Change:
    """One prepared change: everything that can fail has been computed.

    Args:
        item: The new state.
        row: The item's row; for a new item the row that it will get.
        is_new: Whether the catalogue has no row for it.
        vector: ``[dim] float32`` unit row; None if the current one stays.
    """

    item: Item
    row: int
    is_new: bool
    vector: np.ndarray | None


def _no_log() -> Callable[[], None]:
    return lambda: None


class LiveCatalog:
    """Changes a loaded bundle's catalogue, vector index and lexical index together.

    One writer at a time; readers need no lock: a row's columns and vector are written before any
    index returns the row.

    Args:
        bundle: The bundle to change.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._sources = bundle.ranker.sources
        self._lock = threading.Lock()
        self._changed: set[int] = set()
        self._bundle_item_count = bundle.catalog.count
        self._bundle_rows: dict[int, _Embedded] = {}

    def update(
        self, items: Sequence[Item], log: Callable[[], Callable[[], None]] = _no_log
    ) -> tuple[int, int]:
        """Adds or replaces items, all or none; returns the counts of added and updated items.

        Steps that can fail come first: every item is parsed and embedded, then logged, then the
        lexical index commits. The remaining steps only write to memory.

        Args:
            items: If an id occurs more than once, the last item counts.
            log: Makes the change durable and returns a function that undoes it.

        Raises:
            OverloadError: A disk is full or failing.
        """
        catalog = self._bundle.catalog
        with self._lock:
            changes = self._prepared(items)
            by_row = [(change.row, change.item) for change in changes]
            with self._sources.staged_items(by_row) as commit:
                undo = log()
                try:
                    commit()
                except BaseException:
                    undo()
                    raise
            renamed = [
                change.row
                for change in changes
                if change.is_new or catalog.titles[change.row] != change.item.title
            ]
            added = sum(self._put(change) for change in changes)
            self._sources.take_in_items(by_row)
            self._bundle.completion.put(renamed)
        return added, len(changes) - added

    def delete(self, item_ids: Iterable[str]) -> int:
        """Deletes items; returns how many existed."""
        with self._lock:
            rows = [self._bundle.catalog.remove(item_id) for item_id in dict.fromkeys(item_ids)]
            deleted = [row for row in rows if row is not None]
            self._changed.update(deleted)
        return len(deleted)

    @property
    def changed_count(self) -> int:
        """Number of items added, changed or deleted since the bundle was built."""
        return len(self._changed)

    def _prepared(self, items: Sequence[Item]) -> list[_Change]:
        catalog = self._bundle.catalog
        # A temporary catalogue parses every field as the active one will: what that would refuse
        # fails here, before anything has changed.
        read = Catalog.of(items, catalog.text)
        newest = {item.item_id: item for item in items}
        changes: list[_Change] = []
        new_row = catalog.count
        for item_id, tokens in zip(read.item_ids, read.tokens, strict=True):
            row = catalog.row_of.get(item_id)
            vector = None
            is_new = row is None
            if is_new or not np.array_equal(catalog.tokens[row], tokens):
                vector = self._vector(new_row if row is None else row, tokens)
                checked_embeddings(vector[None], f"embedding of {item_id}", len(vector))
                if row is not None and np.array_equal(self._sources.index.embeddings[row], vector):
                    vector = None
            changes.append(
                _Change(newest[item_id], new_row if row is None else row, is_new, vector)
            )
            new_row += is_new
        return changes

    def _put(self, change: _Change) -> bool:
        catalog = self._bundle.catalog
        was_listed = not change.is_new and bool(catalog.listed[change.row])
        if change.vector is not None:
            # Vector before row: a session may contain the item already, and readers that find its
            # row read its vector. Rows that the catalogue does not list are in no answer.
            self._sources.index.put(change.row, change.vector)
        catalog.upsert(change.item)
        self._changed.add(change.row)
        return not was_listed

    def _vector(self, row: int, tokens: np.ndarray) -> np.ndarray:
        """The vector of the item at ``row`` once its tokens are these, ``[dim] float32``."""
        if row < self._bundle_item_count:
            if row not in self._bundle_rows:
                self._bundle_rows[row] = _Embedded(
                    self._bundle.catalog.tokens[row].copy(),
                    self._sources.index.embeddings[row].copy(),
                )
            embedded = self._bundle_rows[row]
            # A known item keeps its trained vector while at least half of its tokens stay: the
            # item encoder sees nothing but tokens.
            if _is_similar(embedded.tokens, tokens):
                return embedded.vector
        return _unit(self._bundle.item_encoder.encode(tokens))


def _is_similar(before: np.ndarray, after: np.ndarray) -> bool:
    old = set(before[before != PADDING].tolist())
    new = set(after[after != PADDING].tolist())
    return len(old & new) >= _SAME_SHARE * max(1, len(old | new))


def _unit(vector: np.ndarray) -> np.ndarray:
    norm = float(np.linalg.norm(vector))
    # An item without tokens has a zero vector: use a fixed direction, as batch embedding does.
    if not norm > 0.5:
        return np.full_like(vector, 1.0 / np.sqrt(len(vector)))
    return vector / np.float32(norm)
