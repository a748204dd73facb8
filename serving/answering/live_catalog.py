"""Items that came, changed or went since a bundle was made: seen by the very next answer.

What an item's vector is depends on the bundle and on the item as it is now, never on the edits that
led there. So many small edits answer as one large one does, and a restarted server, which is told
the newest state of each item alone, answers as it did before.
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
    """What the bundle holds of an item: ``[item_slot_count] int32``, and the vector made of them."""

    tokens: np.ndarray
    vector: np.ndarray


@dataclass(frozen=True, eq=False)
class _Change:
    """What becomes of one item, all of it worked out.

    Args:
        item: As it is from now on.
        row: Its row, of a new one the row that it gets.
        is_new: Whether the catalogue has no row for it.
        vector: ``[dim] float32`` unit row; None where it keeps the one that it has.
    """

    item: Item
    row: int
    is_new: bool
    vector: np.ndarray | None


def _no_log() -> Callable[[], None]:
    return lambda: None


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
        self._bundle_item_count = bundle.catalog.count
        self._bundle_rows: dict[int, _Embedded] = {}

    def update(
        self, items: Sequence[Item], log: Callable[[], Callable[[], None]] = _no_log
    ) -> tuple[int, int]:
        """Adds or replaces items, all or none; the counts of added and of updated ones.

        All that can fail comes first: every item is read and embedded, then logged, then the
        lexical index commits. What is left only writes to memory.

        Args:
            items: Of those with one id the last one holds.
            log: Makes the change durable; what it returns takes it back again.

        Raises:
            OverloadError: A disk is full or failing.
        """
        lexical, catalog = self._sources.lexical, self._bundle.catalog
        with self._lock:
            changes = self._worked_out(items)
            if lexical is None:
                log()
            else:
                with lexical.staged([(change.row, change.item) for change in changes]) as commit:
                    take_back = log()
                    try:
                        commit()
                    except BaseException:
                        take_back()
                        raise
            renamed = [
                change.row
                for change in changes
                if change.is_new or catalog.titles[change.row] != change.item.title
            ]
            added = sum(self._put(change) for change in changes)
            if lexical is not None:
                lexical.show()
            self._bundle.completion.put(renamed)
        return added, len(changes) - added

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

    def _worked_out(self, items: Sequence[Item]) -> list[_Change]:
        catalog = self._bundle.catalog
        # A catalogue of their own reads every field as the served one will: what it cannot take
        # fails here, where nothing has changed yet.
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
            # First the vector: a session may name the item already, and whoever finds its row
            # reads it. A row that the catalogue does not list yet is left out of every answer.
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
            # A known item keeps the vector that training gave it while most of its words stay:
            # the item encoder knows words alone.
            if _alike(embedded.tokens, tokens):
                return embedded.vector
        return _unit(self._bundle.item_encoder.encode(tokens))


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
