"""Items added, changed or deleted since a bundle was built: visible to the very next answer.

An item's vector depends only on the bundle and on the item's current state, never on the edits in
between. So many small edits give the same answers as one large one, and a restarted server, which
replays only the newest state of each item, answers as before.

A change of price, stock or time alone, which is what most changes are, only writes to columns: the
lexical index, the vectors, completion and the caches of queries stay as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from data.errors import InputError
from data.records import STOCK_ATTRIBUTE, Item
from towers.bundle.bundle import Bundle
from towers.catalog.facts import Facts, PriceChange, completeness
from towers.catalog.item_tokens import item_tokens
from towers.catalog.items import Catalog
from towers.indexes.background_rebuild import BackgroundRebuild
from towers.indexes.item_index import checked_embeddings
from towers.paced import Paced
from towers.ranking.ranker import Check, no_check
from towers.text.tokens import PADDING

_SAME_SHARE = 0.5
_VECTOR_COUNT = 50
"""Vectors that are put into an index together, in a tenth of a millisecond, before more urgent work may
pass."""


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
        read: A catalogue that has the item in this state.
    """

    item: Item
    row: int
    is_new: bool
    vector: np.ndarray | None
    read: Catalog


class _PriceStep(NamedTuple):
    """An item that moves to another price step, which the candidate tower reads; as in ``_Change``.

    A price of 0 is none to the towers, and to ``completeness``.
    """

    row: int
    completeness: float
    tokens: np.ndarray
    vector: np.ndarray | None


class _Prepared(NamedTuple):
    """A prepared batch.

    Args:
        changes: Of all items but those of which only price, stock or time changes.
        rows: ``[n] int64`` rows of these others.
        same: These others, by ``rows``.
        facts: Their new facts, by ``rows``.
        steps: Those of them with another price step.
    """

    changes: Sequence[_Change]
    rows: np.ndarray
    same: Sequence[Item]
    facts: Facts
    steps: Sequence[_PriceStep]


Log = Callable[[Sequence[Item]], Callable[[], None]]
"""Makes a change of items durable, and returns a function that undoes it."""


def _no_log(items: Sequence[Item]) -> Callable[[], None]:
    return lambda: None


class LiveCatalog:
    """Changes a loaded bundle's catalogue, vector index and lexical index together.

    One writer at a time; readers need no lock: a row's columns and vector are written before any
    index returns the row.

    Args:
        bundle: The bundle to change.

    Attributes:
        bundle_item_count: Items of the bundle itself, whose rows come before those of items added live.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._sources = bundle.ranker.sources
        self._lock = threading.Lock()
        self._changed: set[int] = set()
        self.bundle_item_count = bundle.catalog.count
        self._bundle_rows: dict[int, _Embedded] = {}
        self._rebuild = BackgroundRebuild(self._sources.vector_indexes)

    def update(
        self,
        items: Sequence[Item],
        log: Log = _no_log,
        give_way: Check = no_check,
    ) -> tuple[int, int]:
        """Adds or replaces items, all or none; returns the counts of added and updated items.

        Steps that can fail come first: every item is parsed and embedded, then logged, then the
        lexical index commits. The remaining steps only write to memory.

        Args:
            items: If an id occurs more than once, the last item counts. Where they lack a value that the
                bundle has a prediction of, they get it.
            log: Is given the items.
            give_way: Called between one item and the next; it may wait.

        Raises:
            OverloadError: A disk is full or failing.
        """
        with self._lock:
            prepared = self._prepared(Paced(self._bundle.predictions.filled_all(items), give_way))
            write = partial(log, Paced(items, give_way))
            added = 0
            if prepared.changes:
                added = self._take_in(prepared.changes, write, give_way)
            else:
                write()
            self._take_in_facts(prepared)
            self._rebuild.start_if_due()
        return added, len(prepared.changes) + len(prepared.rows) - added

    def _take_in(
        self, changes: Sequence[_Change], write: Callable[[], Callable[[], None]], give_way: Check
    ) -> int:
        """Logs the whole batch, and takes in its changes of words; returns the count of added items."""
        by_row = Paced([(change.row, change.item) for change in changes], give_way)
        with self._sources.staged_items(by_row) as commit:
            undo = write()
            try:
                commit()
            except BaseException:
                undo()
                raise
        titles = self._bundle.catalog.titles
        renamed = [
            change.row
            for change in changes
            if change.is_new or titles[change.row] != change.item.title
        ]
        added = self._put_all(changes, give_way)
        self._sources.take_in_items(by_row)
        self._bundle.completion.put(renamed)
        return added

    def _take_in_facts(self, prepared: _Prepared) -> None:
        """Writes what is no change of words; nothing here can fail."""
        if not len(prepared.rows):
            return
        catalog = self._bundle.catalog
        for row, share, tokens, vector in prepared.steps:
            if vector is not None:
                self._sources.index.put(row, vector)
            catalog.tokens[row], catalog.completeness[row] = tokens, share
        if catalog.attributes.names.get(STOCK_ATTRIBUTE) >= 0:
            for row, item in zip(prepared.rows.tolist(), prepared.same, strict=True):
                catalog.attributes.put(row, item)
        catalog.update_facts(prepared.rows, prepared.facts)
        self._sources.take_in_prices(prepared.facts.price)
        self._changed.update(prepared.rows.tolist())

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

    def _prepared(self, items: Paced[Item]) -> _Prepared:
        catalog = self._bundle.catalog
        newest = {item.item_id: item for item in items}
        rows: list[int] = []
        same: list[Item] = []
        steps: list[_PriceStep] = []
        reworded: list[Item] = []
        for item in Paced(newest.values(), items.give_way):
            row = catalog.row_of.get(item.item_id)
            change = PriceChange.MORE if row is None else catalog.price_change(row, item)
            if row is None or change is PriceChange.MORE:
                reworded.append(item)
                continue
            rows.append(row)
            same.append(item)
            if change is PriceChange.OTHER_STEP:
                tokens = item_tokens(item, catalog.text)
                vector = self._changed_vector(row, tokens)
                steps.append(_PriceStep(row, completeness(item), tokens, vector))
        changes = self._changes(Paced(reworded, items.give_way)) if reworded else []
        ids = [one.item.item_id for one in changes] + [catalog.item_ids[one.row] for one in steps]
        _check([*(one.vector for one in changes), *(one.vector for one in steps)], ids)
        return _Prepared(changes, np.array(rows, np.int64), same, Facts.of(same), steps)

    def _changes(self, items: Paced[Item]) -> list[_Change]:
        """Changes of words, of items of distinct ids."""
        catalog = self._bundle.catalog
        # A temporary catalogue parses every field as the active one will: what that would refuse
        # fails here, before anything has changed.
        read = Catalog.of(items, catalog.text, items.give_way)
        changes: list[_Change] = []
        new_row = catalog.count
        for item, tokens in zip(items, read.tokens, strict=True):
            row = catalog.row_of.get(item.item_id)
            is_new = row is None
            vector = None
            if row is None:
                row = new_row
                vector = self._vector(row, tokens)
                new_row += 1
            elif not np.array_equal(catalog.tokens[row], tokens):
                vector = self._changed_vector(row, tokens)
            changes.append(_Change(item, row, is_new, vector, read))
        return changes

    def _changed_vector(self, row: int, tokens: np.ndarray) -> np.ndarray | None:
        """The vector of a known item by its new tokens; None where it is as before."""
        vector = self._vector(row, tokens)
        is_same = np.array_equal(self._sources.index.embeddings[row], vector)
        return None if is_same else vector

    def _put_all(self, changes: Sequence[_Change], give_way: Check) -> int:
        """Puts vectors and rows into index and catalogue; returns the count of added items.

        A vector before its row: a session may contain an item already, and readers that find its row read
        its vector. Rows that the catalogue does not list are in no answer.
        """
        added = 0
        for begin in range(0, len(changes), _VECTOR_COUNT):
            part = changes[begin : begin + _VECTOR_COUNT]
            put = [(one.row, one.vector) for one in part if one.vector is not None]
            if put:
                give_way()
                rows, vectors = zip(*put, strict=True)
                self._sources.index.put_all(rows, np.stack(vectors))
            added += sum(self._put(change) for change in Paced(part, give_way))
        return added

    def _put(self, change: _Change) -> bool:
        catalog = self._bundle.catalog
        was_listed = not change.is_new and bool(catalog.listed[change.row])
        catalog.upsert(change.item, change.read)
        if self._bundle.variants is not None:
            self._bundle.variants.put(change.row, change.item, self._sources.index.embeddings)
        self._changed.add(change.row)
        return not was_listed

    def _vector(self, row: int, tokens: np.ndarray) -> np.ndarray:
        """The vector of the item at ``row`` once its tokens are these, ``[dim] float32``."""
        if row < self.bundle_item_count:
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


def _check(vectors: Sequence[np.ndarray | None], item_ids: Sequence[str]) -> None:
    """Raises ``InputError`` where the vector of an item is not a finite one of length 1."""
    new = [
        (vector, id_) for vector, id_ in zip(vectors, item_ids, strict=True) if vector is not None
    ]
    if not new:
        return
    try:
        checked_embeddings(np.stack([vector for vector, _ in new]), "embeddings of changed items")
    except InputError:
        # Once more, one by one, to name the item.
        for vector, id_ in new:
            checked_embeddings(vector[None], f"embedding of {id_}")
        raise


def _unit(vector: np.ndarray) -> np.ndarray:
    norm = float(np.linalg.norm(vector))
    # An item without tokens has a zero vector: use a fixed direction, as batch embedding does.
    if not norm > 0.5:
        return np.full_like(vector, 1.0 / np.sqrt(len(vector)))
    return vector / np.float32(norm)
