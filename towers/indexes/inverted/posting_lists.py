"""The rows of the documents that have a stem, in memory: which documents have all of some words.

Tantivy makes a Python object of every document that it finds, a fifth of a microsecond each, which for
words that thousands of items have costs more than all other parts of a search. Here a query intersects
arrays; scores stay with tantivy.
"""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path
from sys import intern
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from towers.compiled import BOOL, I32, I64, compiled, inlined, read, written
from towers.indexes.inverted.item_documents import Document
from towers.text.parsed_query import Alternatives

_STEMS_NAME, _ENDS_NAME, _ROWS_NAME = "stems.json", "posting_ends.npy", "postings.npy"
_NONE = np.zeros(0, np.int32)
_FAR = 16
"""From lists of this many times the length on, each row of the shorter list is looked up."""


class PostingLists:
    """Rows by stem, of the documents as built and of those put since.

    One writer at a time, readers need no lock. During ``put`` a reader may find some of its documents as
    before and some as after, so what it found must not be kept beyond.

    Args:
        stems: Distinct.
        ends: ``[stems] int64``: where the list of each stem ends in ``rows``.
        rows: ``int32``, ascending in each list.
        row_count: Documents as built; their rows are below.
    """

    def __init__(
        self, stems: Iterable[str], ends: np.ndarray, rows: np.ndarray, row_count: int
    ) -> None:
        self._place_of = {stem: place for place, stem in enumerate(stems)}
        self._begins, self._rows = np.concatenate([[0], ends]), rows
        self._row_count = row_count
        # Of the documents put since: ascending rows by stem, and stems by row.
        self._put: dict[str, _Grown] = {}
        self._stems_put: dict[int, tuple[str, ...]] = {}
        # Which of the documents as built were put again; empty while none was.
        self._is_replaced = np.zeros(0, bool)

    @classmethod
    def load(cls, folder: Path) -> PostingLists:
        """The lists that ``PostingWriter`` wrote, mapped into memory."""
        tree = json.loads((folder / _STEMS_NAME).read_text(encoding="utf-8"))
        rows = np.load(folder / _ROWS_NAME, mmap_mode="r", allow_pickle=False)
        ends = np.load(folder / _ENDS_NAME, allow_pickle=False)
        return cls(tree["stems"], ends, np.asarray(rows), tree["row_count"])

    def save_changed(self, folder: Path) -> None:
        """Writes the lists as they are now over those in a folder; nothing where nothing was put."""
        if self._stems_put:
            stems = [*dict.fromkeys((*self._place_of, *self._put))]
            _save(folder, stems, [*map(self.of, stems)], self.row_end)

    @property
    def row_end(self) -> int:
        """Above the rows of all documents."""
        return max(self._row_count, max(self._stems_put, default=-1) + 1)

    def of(self, stem: str) -> np.ndarray:
        """Rows of the documents that have a stem in any field, ``[n] int32``, ascending."""
        # Before the list of what was put, which is written first: no row is missing from both.
        is_replaced = self._is_replaced
        place, grown = self._place_of.get(stem), self._put.get(stem)
        put = _NONE if grown is None else grown.rows[: grown.length]
        if place is None:
            return put
        built = self._rows[self._begins[place] : self._begins[place + 1]]
        if len(is_replaced):
            kept = np.empty(len(built), np.int32)
            built = kept[: _leave_out(built, is_replaced, kept)]
        return _either(built, put)

    def with_all(self, requirements: Sequence[Alternatives]) -> np.ndarray:
        """Rows of the documents that have one complete alternative of each requirement.

        Returns:
            ``[n] int64``, ascending; none where nothing is required.
        """
        found = [self._with_any(alternatives) for alternatives in requirements]
        return (_all_of(found) if found else _NONE).astype(np.int64)

    def _with_any(self, alternatives: Alternatives) -> np.ndarray:
        found = [_all_of([*map(self.of, stems)]) for stems in alternatives]
        return reduce(_either, found, _NONE)

    def put(self, documents: Iterable[Document]) -> None:
        """Adds documents by row, or replaces those of these rows."""
        added: defaultdict[str, list[int]] = defaultdict(list)
        removed: defaultdict[str, list[int]] = defaultdict(list)
        replaced: list[int] = []
        for row, document in {one.row: one for one in documents}.items():
            before, now = set(self._stems_put.get(row, ())), stems_of(document)
            for stem in before - now:
                removed[stem].append(row)
            for stem in now - before:
                added[stem].append(row)
            self._stems_put[row] = tuple(map(intern, now))
            if row < self._row_count:
                replaced.append(row)
        for stem, gone in removed.items():
            rows, count = self._put[stem]
            left = np.setdiff1d(rows[:count], np.array(gone, np.int32))
            self._put[stem] = _Grown(left, len(left))
        for stem, new in added.items():
            self._put[intern(stem)] = _with_rows(self._put.get(stem), sorted(new))
        # Last: until then such a row may be on both lists, but never on none.
        if replaced:
            is_replaced = self._is_replaced
            is_replaced = (
                is_replaced.copy() if len(is_replaced) else np.zeros(self._row_count, bool)
            )
            is_replaced[replaced] = True
            self._is_replaced = is_replaced


class _Grown(NamedTuple):
    """The first ``length`` of ``rows [≥ length] int32`` are a list; the rest is room for later rows."""

    rows: np.ndarray
    length: int


def _with_rows(grown: _Grown | None, new: Sequence[int]) -> _Grown:
    """A list with further rows, ascending; those of new items, above all others, in constant time."""
    if grown is None:
        return _Grown(np.array(new, np.int32), len(new))
    rows, count = grown
    if count and rows[count - 1] >= new[0]:
        rows = _either(rows[:count], np.array(new, np.int32))
        return _Grown(rows, len(rows))
    end = count + len(new)
    if end > len(rows):
        rows = np.empty(2 * end, np.int32)
        rows[:count] = grown.rows[:count]
    # Readers of the shorter list do not look at these.
    rows[count:end] = new
    return _Grown(rows, end)


class PostingWriter:
    """Gathers the lists of documents that are added by ascending row, and writes them."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
        self._row_count = 0

    def add(self, document: Document) -> None:
        """Adds a document."""
        for stem in stems_of(document):
            self._rows[stem].append(document.row)
        self._row_count = document.row + 1

    def save(self, folder: Path) -> None:
        """Writes the lists into a folder."""
        _save(folder, [*self._rows], [*self._rows.values()], self._row_count)


def _save(
    folder: Path, stems: Sequence[str], lists: Sequence[npt.ArrayLike], row_count: int
) -> None:
    for name in (_STEMS_NAME, _ENDS_NAME, _ROWS_NAME):
        # Other folders may have links to an older file.
        (folder / name).unlink(missing_ok=True)
    text = json.dumps({"row_count": row_count, "stems": stems}, ensure_ascii=False)
    (folder / _STEMS_NAME).write_text(text, encoding="utf-8")
    rows = [np.asarray(one, np.int32) for one in lists]
    np.save(folder / _ENDS_NAME, np.cumsum([*map(len, rows)], dtype=np.int64))
    np.save(folder / _ROWS_NAME, np.concatenate([_NONE, *rows]))


def stems_of(document: Document) -> set[str]:
    """The stems of all fields of a document."""
    return {stem for of_field in document.stems.values() for stem in of_field}


def _all_of(lists: Sequence[np.ndarray]) -> np.ndarray:
    """The rows that are on every one of some lists, ``[n] int32``."""
    if not lists:
        return _NONE
    # The shortest first: what is left is never longer.
    first, *others = sorted(lists, key=len)
    for other in others:
        found = np.empty(len(first), np.int32)
        first = found[: _intersect(first, other, found)]
    return first


def _either(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The rows that are on either list, ``[n] int32``."""
    if not len(one) or not len(other):
        return one if len(one) else other
    found = np.empty(len(one) + len(other), np.int32)
    return found[: _unite(one, other, found)]


@compiled(I64, read(I32), read(BOOL), written(I32))
def _leave_out(rows: np.ndarray, is_left_out: np.ndarray, found: np.ndarray) -> int:
    count = 0
    for row in rows:
        if not is_left_out[row]:
            found[count] = row
            count += 1
    return count


@inlined
def _place(rows: np.ndarray, begin: int, row: int) -> int:
    """Of the first row of a list, from ``begin`` on, that is not below ``row``."""
    low, high = begin, len(rows)
    while low < high:
        middle = (low + high) // 2
        if rows[middle] < row:
            low = middle + 1
        else:
            high = middle
    return low


@compiled(I64, read(I32), read(I32), written(I32))
def _intersect(short: np.ndarray, long: np.ndarray, found: np.ndarray) -> int:
    count, place = 0, 0
    is_far = len(long) >= _FAR * len(short)
    for row in short:
        if is_far:
            place = _place(long, place, row)
        else:
            while place < len(long) and long[place] < row:
                place += 1
        if place == len(long):
            break
        if long[place] == row:
            found[count] = row
            count += 1
    return count


@compiled(I64, read(I32), read(I32), written(I32))
def _unite(one: np.ndarray, other: np.ndarray, found: np.ndarray) -> int:
    count, first, second = 0, 0, 0
    while first < len(one) or second < len(other):
        if second == len(other) or (first < len(one) and one[first] <= other[second]):
            row = one[first]
            second += second < len(other) and other[second] == row
            first += 1
        else:
            row = other[second]
            second += 1
        found[count] = row
        count += 1
    return count
