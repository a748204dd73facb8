"""What the candidate tower reads of many items: the tokens of ``item_tokens``, a batch at a time."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from data.bulk.item_columns import ItemColumns
from data.records import Item
from towers.catalog.batches.text_tokens import TextTokens
from towers.catalog.batches.title_tokens import Lists, TitleTokens
from towers.catalog.item_tokens import path_tokens, price_step
from towers.compiled import BOOL, I32, I64, NONE, compiled, inlined, read, written
from towers.config import TextConfig
from towers.text.pinyin import romanised_brand
from towers.text.tokens import PADDING, token
from towers.text.words import stem
from towers.text.writing.folding import has_chinese

_LEVELS = "\x1f"
_NOTHING: tuple[int, ...] = ()
_NAME_LIMIT = 400_000


class BatchTokens:
    """Token numbers of items in batches; what has been read of a word is kept from batch to batch.

    Args:
        config: How item text becomes tokens.
    """

    def __init__(self, config: TextConfig) -> None:
        self._config = config
        self._texts = TextTokens(config.bucket_count)
        self._titles = TitleTokens(self._texts)
        self._names: dict[str, tuple[int, ...]] = {}

    def of(self, columns: ItemColumns, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Token numbers of the items at ``rows [n]`` of a batch.

        Returns:
            ``[n + 1] int64`` where each item's tokens begin, and ``[tokens] int32``, those of
            ``item_tokens`` without padding.
        """
        heads, tails, name_codes = self._names_of(columns, rows)
        titles, is_foreign = self._titles.of(columns.chunks)
        title_codes = columns.titles.codes[rows]
        offsets, owners = columns.attribute_offsets, self._romanised_titles(columns, is_foreign)
        has_no_brand = np.array([not brand for brand in columns.brands.values], bool)
        room = np.zeros((len(rows), self._config.item_slot_count), np.int32)
        lengths = np.zeros(len(rows), np.int64)
        _fill(
            (name_codes, self._steps(columns.prices[rows]), title_codes),
            has_no_brand[columns.brands.codes[rows]],
            (offsets[rows], offsets[rows + 1], columns.attributes.codes),
            (
                heads,
                tails,
                titles,
                owners,
                Lists.of([*map(self._words, columns.attributes.values)]),
            ),
            room,
            lengths,
        )
        begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return begins, room[np.arange(room.shape[1]) < lengths[:, None]]

    def _romanised_titles(self, columns: ItemColumns, is_foreign: np.ndarray) -> Lists:
        """What the brand in a title is in Latin letters, by title."""
        found: list[tuple[int, ...]] = [_NOTHING] * len(is_foreign)
        for code in np.flatnonzero(is_foreign).tolist():
            found[code] = self._romanised(columns.titles.values[code], "")
        return Lists.of(found)

    def _names_of(self, columns: ItemColumns, rows: np.ndarray) -> tuple[Lists, Lists, np.ndarray]:
        """Tokens of category and brand before and behind those of price and title.

        Returns:
            Both by code of a pair of category and brand, and the code of each of ``rows``.
        """
        buckets = self._config.bucket_count
        brand_count = max(1, len(columns.brands.values))
        pairs = (
            columns.paths.codes[rows].astype(np.int64) * brand_count + columns.brands.codes[rows]
        )
        distinct, codes = np.unique(pairs, return_inverse=True)
        heads, tails = [], []
        for pair in distinct.tolist():
            joined = columns.paths.values[pair // brand_count]
            path, brand = (
                tuple(joined.split(_LEVELS)) if joined else (),
                columns.brands.values[pair % brand_count],
            )
            of_brand = (token("b:" + brand, buckets),) if brand else ()
            heads.append((*path_tokens(path, buckets), *of_brand))
            words = chain.from_iterable(self._words(name) for name in (*reversed(path), brand))
            tails.append((*words, *self._romanised("", brand)))
        return Lists.of(heads), Lists.of(tails), codes.astype(np.int32)

    def _words(self, text: str) -> tuple[int, ...]:
        """Of a name or a value, which other items have as well."""
        known = self._names.get(text)
        if known is None:
            if len(self._names) >= _NAME_LIMIT:
                self._names.clear()
            known = self._names[text] = tuple(dict.fromkeys(self._texts.of(text)))
        return known

    def _romanised(self, title: str, brand: str) -> tuple[int, ...]:
        if not has_chinese(title or brand):
            return _NOTHING
        names = romanised_brand(Item("", title, brand=brand))
        return tuple(token("w:" + stem(name), self._config.bucket_count) for name in names)

    def _steps(self, prices: np.ndarray) -> np.ndarray:
        """The token of each item's price step, ``[n] int32``; 0 where it has none."""
        distinct, codes = np.unique(prices, return_inverse=True)
        tokens = [
            PADDING if step is None else token(f"p:{step}", self._config.bucket_count)
            for step in map(price_step, distinct.tolist())
        ]
        return np.array(tokens, np.int32)[codes]


def _fill(
    codes: tuple[np.ndarray, ...],
    may_be_romanised: np.ndarray,
    attributes: tuple[np.ndarray, ...],
    lists: tuple[Lists, ...],
    room: np.ndarray,
    lengths: np.ndarray,
) -> None:
    """Writes the distinct tokens of items, as many as there is room for, and their numbers.

    Args:
        codes: ``[n] int32`` each of names, price steps (tokens) and titles.
        may_be_romanised: ``[n] bool`` whether the brand is sought in the title.
        attributes: ``[n] int64`` where those of an item begin and end, and the codes of all values.
        lists: Tokens of names before and behind the others, of titles, of their brands in Latin
            letters, and of attribute values.
        room: ``[n, slots] int32``; written.
        lengths: ``[n] int64``; written.
    """
    flat = [array for one in lists for array in one]
    _fill_all(*codes, may_be_romanised, *attributes, *flat, room, lengths)


@inlined
def _put_list(
    begins: np.ndarray, tokens: np.ndarray, number: int, slots: np.ndarray, length: int
) -> Any:
    """Adds those tokens of a list that an item does not have yet; returns how many it has."""
    for at in range(begins[number], begins[number + 1]):
        length = _put_token(tokens[at], slots, length)
    return length


@inlined
def _put_token(token: int, slots: np.ndarray, length: int) -> Any:
    if length == len(slots):
        return length
    for at in range(length):
        if slots[at] == token:
            return length
    slots[length] = token
    return length + 1


@compiled(
    *(NONE, read(I32), read(I32), read(I32), read(BOOL), read(I64), read(I64), read(I32)),
    *(read(I64), read(I32), read(I64), read(I32), read(I64), read(I32), read(I64), read(I32)),
    *(read(I64), read(I32), written(I32, 2), written(I64)),
)
def _fill_all(
    names: np.ndarray,
    steps: np.ndarray,
    titles: np.ndarray,
    may_be_romanised: np.ndarray,
    value_begins: np.ndarray,
    value_ends: np.ndarray,
    values: np.ndarray,
    head_begins: np.ndarray,
    heads: np.ndarray,
    tail_begins: np.ndarray,
    tails: np.ndarray,
    title_begins: np.ndarray,
    title_tokens: np.ndarray,
    owner_begins: np.ndarray,
    owners: np.ndarray,
    of_value_begins: np.ndarray,
    of_values: np.ndarray,
    room: np.ndarray,
    lengths: np.ndarray,
) -> None:
    for item in range(len(names)):
        slots = room[item]
        length = _put_list(head_begins, heads, names[item], slots, np.int64(0))
        if steps[item] != PADDING:
            length = _put_token(steps[item], slots, length)
        length = _put_list(title_begins, title_tokens, titles[item], slots, length)
        length = _put_list(tail_begins, tails, names[item], slots, length)
        if may_be_romanised[item]:
            length = _put_list(owner_begins, owners, titles[item], slots, length)
        for at in range(value_begins[item], value_ends[item]):
            length = _put_list(of_value_begins, of_values, values[at], slots, length)
        lengths[item] = length
