"""Token numbers of the titles of a batch: each piece is read once, then joined in compiled loops."""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from data.bulk.item_columns import Chunks
from towers.catalog.batches.text_pieces import IS_EMPTY, IS_FOREIGN, chunk_marks, join_chunks
from towers.catalog.batches.text_tokens import KIND_COUNT, Piece, TextTokens
from towers.compiled import BOOL, I32, I64, NONE, compiled, inlined, read, written

_LIMIT = 400_000
"""Chunks and pieces that are kept; some 200 bytes each."""
_FIRST_ROOM = 4_096


class Lists(NamedTuple):
    """Lists of token numbers side by side.

    Args:
        begins: ``[lists + 1] int64`` where each begins.
        tokens: ``[tokens] int32``.
    """

    begins: np.ndarray
    tokens: np.ndarray

    @classmethod
    def of(cls, lists: list[Any]) -> Lists:
        """Of lists of numbers."""
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return cls(begins, np.fromiter(chain.from_iterable(lists), np.int32, int(begins[-1])))

    def joined(self, others: Lists) -> Lists:
        """These and then others."""
        begins = np.concatenate([self.begins, others.begins[1:] + self.begins[-1]])
        return Lists(begins, np.concatenate([self.tokens, others.tokens]))


class TitleTokens:
    """Token numbers of titles, equal to those of ``TextTokens``.

    Args:
        texts: Reads what is new.
    """

    def __init__(self, texts: TextTokens) -> None:
        self._texts = texts
        self._clear()

    def _clear(self) -> None:
        self._numbers: dict[str, int] = {}
        self._marks = np.zeros(0, np.int32)
        # Lists by piece and kind; a hash table gives the place of each piece.
        self._pieces = Lists.of([])
        self._is_open = np.zeros(0, bool)
        self._keys = np.zeros(2 * _FIRST_ROOM, np.int64)
        self._places = np.zeros(2 * _FIRST_ROOM, np.int32)

    def of(self, chunks: Chunks) -> tuple[Lists, np.ndarray]:
        """Token numbers of each title, and whether it has more than ASCII, ``[titles] bool``."""
        if max(len(self._numbers), len(self._is_open)) > _LIMIT:
            self._clear()
        numbers = self._numbered(chunks.values)[chunks.codes]
        title_count, chunk_count = len(chunks.offsets) - 1, len(numbers)
        keys, begins = np.zeros(chunk_count, np.int64), np.zeros(chunk_count + 1, np.int64)
        title_begins = np.zeros(title_count + 1, np.int64)
        is_whole, is_foreign = np.zeros(title_count, bool), np.zeros(title_count, bool)
        marks = self._marks[numbers]
        _cut(chunks.offsets, numbers, marks, keys, begins, title_begins, is_whole, is_foreign)
        piece_count = int(title_begins[-1])
        keys, begins = keys[:piece_count], begins[: piece_count + 1]
        places = self._placed(keys, begins, chunks)
        _mark_open(title_begins, places, self._is_open, is_whole)
        whole = np.flatnonzero(is_whole)
        read_whole = Lists.of(
            [self._texts.of(_text(chunks, *chunks.offsets[at : at + 2])) for at in whole.tolist()]
        )
        lengths = np.zeros(title_count + 1, np.int64)
        _measure(title_begins, places, self._pieces.begins, lengths)
        lengths[1 + whole] = np.diff(read_whole.begins)
        found = Lists(np.cumsum(lengths), np.zeros(int(lengths.sum()), np.int32))
        _put_together(title_begins, places, *self._pieces, is_whole, *read_whole, *found)
        return found, is_foreign

    def _numbered(self, chunks: list[str]) -> np.ndarray:
        """Numbers of distinct chunks, new ones added, ``[n] int32``."""
        known = self._numbers
        found = [known.setdefault(chunk, len(known)) for chunk in chunks]
        if len(known) > len(self._marks):
            new = list(known)[len(self._marks) :]
            marks = np.array([chunk_marks(chunk) for chunk in new], np.int32)
            self._marks = np.concatenate([self._marks, marks])
        return np.array(found, np.int32)

    def _placed(self, keys: np.ndarray, begins: np.ndarray, chunks: Chunks) -> np.ndarray:
        """Places of pieces in the lists, ``[n] int32``; those of new ones are read."""
        places = np.zeros(len(keys), np.int32)
        if _look_up(keys, self._keys, self._places, places):
            new, first = np.unique(keys[places < 0], return_index=True)
            at = np.flatnonzero(places < 0)[first]
            texts = [_text(chunks, *begins[one : one + 2]) for one in at.tolist()]
            self._add(new, [self._texts.piece(text) for text in texts])
            _look_up(keys, self._keys, self._places, places)
        return places

    def _add(self, keys: np.ndarray, read: list[Piece]) -> None:
        before = len(self._is_open)
        self._pieces = self._pieces.joined(Lists.of([*chain(*(piece.kinds for piece in read))]))
        self._is_open = np.concatenate([self._is_open, [piece.is_open for piece in read]])
        while 2 * len(self._is_open) > len(self._keys):
            every, of_every = self._keys[self._keys != 0], self._places[self._keys != 0]
            self._keys = np.zeros(2 * len(self._keys), np.int64)
            self._places = np.zeros(len(self._keys), np.int32)
            _insert(every, of_every, self._keys, self._places)
        new = np.arange(before, len(self._is_open), dtype=np.int32)
        _insert(keys, new, self._keys, self._places)


def _text(chunks: Chunks, begin: int, end: int) -> str:
    return " ".join([chunks.values[code] for code in chunks.codes[begin:end].tolist()])


@inlined
def _mixed(key: int, number: int) -> Any:
    """The key of one more chunk behind those of ``key``: 64 bits, so that no two pieces share one."""
    mixed = np.int64(key) * np.int64(6364136223846793005) + np.int64(number + 1)
    return mixed ^ (mixed >> np.int64(29))


@compiled(
    *(NONE, read(I64), read(I32), read(I32), written(I64), written(I64), written(I64)),
    *(written(BOOL), written(BOOL)),
)
def _cut(
    offsets: np.ndarray,
    numbers: np.ndarray,
    marks: np.ndarray,
    keys: np.ndarray,
    begins: np.ndarray,
    title_begins: np.ndarray,
    is_whole: np.ndarray,
    is_foreign: np.ndarray,
) -> None:
    """Cuts titles into pieces: the key of each, its first chunk, and the first piece of each title."""
    is_joined = np.zeros(len(numbers), np.bool_)
    count = 0
    for title in range(len(offsets) - 1):
        begin, end = offsets[title], offsets[title + 1]
        join_chunks(marks[begin:end], is_joined[begin:end])
        for at in range(begin, end):
            if marks[at] & IS_FOREIGN:
                is_foreign[title] = True
            # Two blanks: some rules skip any number of them.
            if marks[at] & IS_EMPTY and begin < at < end - 1:
                is_whole[title] = True
            if at == begin or not is_joined[at]:
                begins[count] = at
                count += 1
                keys[count - 1] = 0
            keys[count - 1] = _mixed(keys[count - 1], numbers[at])
        title_begins[title + 1] = count
    begins[count] = len(numbers)


@inlined
def _slot(key: int, table: np.ndarray) -> Any:
    """Where a key is in an open-addressing table, or would be."""
    mask = len(table) - 1
    at = (key ^ (key >> np.int64(32))) & mask
    while table[at] != 0 and table[at] != key:
        at = (at + 1) & mask
    return at


@compiled(I64, read(I64), read(I64), read(I32), written(I32))
def _look_up(keys: np.ndarray, table: np.ndarray, places: np.ndarray, found: np.ndarray) -> Any:
    """Places by key, −1 where it is new; returns the number of these."""
    new_count = np.int64(0)
    for position in range(len(keys)):
        slot = _slot(keys[position], table)
        found[position] = places[slot] if table[slot] != 0 else -1
        new_count += table[slot] == 0
    return new_count


@compiled(NONE, read(I64), read(I32), written(I64), written(I32))
def _insert(keys: np.ndarray, of_keys: np.ndarray, table: np.ndarray, places: np.ndarray) -> None:
    for position in range(len(keys)):
        slot = _slot(keys[position], table)
        table[slot] = keys[position]
        places[slot] = of_keys[position]


@compiled(NONE, read(I64), read(I32), read(BOOL), written(BOOL))
def _mark_open(
    title_begins: np.ndarray, places: np.ndarray, is_open: np.ndarray, is_whole: np.ndarray
) -> None:
    for title in range(len(is_whole)):
        open_count = 0
        for at in range(title_begins[title], title_begins[title + 1]):
            open_count += is_open[places[at]]
        if open_count > 1:
            is_whole[title] = True


@compiled(NONE, read(I64), read(I32), read(I64), written(I64))
def _measure(
    title_begins: np.ndarray, places: np.ndarray, begins: np.ndarray, lengths: np.ndarray
) -> None:
    for title in range(len(lengths) - 1):
        for at in range(title_begins[title], title_begins[title + 1]):
            place = np.int64(places[at]) * KIND_COUNT
            lengths[title + 1] += begins[place + KIND_COUNT] - begins[place]


@compiled(
    *(NONE, read(I64), read(I32), read(I64), read(I32), read(BOOL), read(I64), read(I32)),
    *(read(I64), written(I32)),
)
def _put_together(
    title_begins: np.ndarray,
    places: np.ndarray,
    begins: np.ndarray,
    tokens: np.ndarray,
    is_whole: np.ndarray,
    whole_begins: np.ndarray,
    whole_tokens: np.ndarray,
    out_begins: np.ndarray,
    out: np.ndarray,
) -> None:
    """Joins the lists of each title's pieces, a kind of word after the other."""
    whole = 0
    for title in range(len(is_whole)):
        end = out_begins[title]
        if is_whole[title]:
            for at in range(whole_begins[whole], whole_begins[whole + 1]):
                out[end] = whole_tokens[at]
                end += 1
            whole += 1
            continue
        for kind in range(KIND_COUNT):
            for at in range(title_begins[title], title_begins[title + 1]):
                place = np.int64(places[at]) * KIND_COUNT + kind
                for token in range(begins[place], begins[place + 1]):
                    out[end] = tokens[token]
                    end += 1
