"""What the candidate tower reads of many items: the tokens of ``item_tokens``, a batch at a time."""

from __future__ import annotations

from itertools import chain

import numpy as np

from data.bulk.item_columns import ItemColumns
from data.records import Item
from towers.catalog.item_tokens import path_tokens, price_step
from towers.catalog.text_tokens import TextTokens
from towers.config import TextConfig
from towers.text.pinyin import romanised_brand
from towers.text.tokens import token
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
        self._names: dict[str, tuple[int, ...]] = {}

    def of(self, columns: ItemColumns, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Token numbers of the items at ``rows [n]`` of a batch.

        Returns:
            ``[n + 1] int64`` where each item's tokens begin, and ``[tokens] int32``, those of
            ``item_tokens`` without padding.
        """
        slot_count = self._config.item_slot_count
        heads, tails, name_codes = self._names_of(columns, rows)
        words_of_value = [self._words(value) for value in columns.attributes.values]
        titles = columns.titles.values
        title_codes = columns.titles.codes[rows]
        tokens_of_title: list[list[int]] = [[]] * len(titles)
        for code in np.unique(title_codes).tolist():
            tokens_of_title[code] = self._texts.of(titles[code])
        has_no_brand = np.array([not brand for brand in columns.brands.values], bool)
        may_be_romanised = has_no_brand[columns.brands.codes[rows]].tolist()
        offsets = columns.attribute_offsets
        value_codes = columns.attributes.codes.tolist()
        found: list[list[int]] = []
        for names, step, title, begin, end, has_title_only in zip(
            name_codes,
            self._steps(columns.prices[rows]),
            title_codes.tolist(),
            offsets[rows].tolist(),
            offsets[rows + 1].tolist(),
            may_be_romanised,
            strict=True,
        ):
            parts = [heads[names], step, tokens_of_title[title], tails[names]]
            if has_title_only and (of_title := self._romanised(titles[title], "")):
                parts.append(of_title)
            parts += [words_of_value[code] for code in value_codes[begin:end]]
            found.append(list(dict.fromkeys(chain.from_iterable(parts)))[:slot_count])
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        flat = np.fromiter(chain.from_iterable(found), np.int32, int(begins[-1]))
        return begins, flat

    def _names_of(
        self, columns: ItemColumns, rows: np.ndarray
    ) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], list[int]]:
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
        return heads, tails, codes.tolist()

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

    def _steps(self, prices: np.ndarray) -> list[tuple[int, ...]]:
        """The token of each item's price step, if it has one."""
        distinct, codes = np.unique(prices, return_inverse=True)
        tokens = [
            _NOTHING if step is None else (token(f"p:{step}", self._config.bucket_count),)
            for step in map(price_step, distinct.tolist())
        ]
        return [tokens[code] for code in codes.tolist()]
