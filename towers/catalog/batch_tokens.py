"""What the candidate tower reads of many items: the tokens of ``item_tokens``, a batch at a time."""

from __future__ import annotations

from itertools import chain

import numpy as np

from data.item_columns import ItemColumns
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


class BatchTokens:
    """Token numbers of items in batches; what has been read of a word is kept from batch to batch.

    Args:
        config: How item text becomes tokens.
    """

    def __init__(self, config: TextConfig) -> None:
        self._config = config
        self._texts = TextTokens(config.bucket_count)

    def of(self, columns: ItemColumns, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Token numbers of the items at ``rows [n]`` of a batch.

        Returns:
            ``[n + 1] int64`` where each item's tokens begin, and ``[tokens] int32``, those of
            ``item_tokens`` without padding.
        """
        buckets, slot_count = self._config.bucket_count, self._config.item_slot_count
        paths = [tuple(path.split(_LEVELS)) if path else () for path in columns.paths.values]
        tokens_of_path = [path_tokens(path, buckets) for path in paths]
        words_of_path = [
            tuple(number for name in reversed(path) for number in self._words(name)) for path in paths
        ]
        brands = columns.brands.values
        token_of_brand = [(token("b:" + brand, buckets),) if brand else () for brand in brands]
        words_of_brand = [(*self._words(brand), *self._romanised("", brand)) for brand in brands]
        words_of_value = [self._words(value) for value in columns.attributes.values]
        # Those of a part of a batch only.
        title_codes = columns.titles.codes[rows]
        tokens_of_title: list[list[int]] = [[]] * len(columns.titles.values)
        for code in np.unique(title_codes).tolist():
            tokens_of_title[code] = self._texts.of(columns.titles.values[code])
        titles = columns.titles.values
        steps = self._steps(columns.prices)
        path_codes, brand_codes = columns.paths.codes.tolist(), columns.brands.codes.tolist()
        offsets = columns.attribute_offsets.tolist()
        value_codes = columns.attributes.codes.tolist()
        found: list[list[int]] = []
        for row, title in zip(rows.tolist(), title_codes.tolist(), strict=True):
            path, brand = path_codes[row], brand_codes[row]
            of_title = _NOTHING if brands[brand] else self._romanised(titles[title], "")
            numbers = dict.fromkeys(
                chain(
                    tokens_of_path[path],
                    token_of_brand[brand],
                    steps[row],
                    tokens_of_title[title],
                    words_of_path[path],
                    words_of_brand[brand],
                    of_title,
                    *[words_of_value[code] for code in value_codes[offsets[row] : offsets[row + 1]]],
                )
            )
            found.append(list(numbers)[:slot_count])
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        flat = np.fromiter(chain.from_iterable(found), np.int32, int(begins[-1]))
        return begins, flat

    def _words(self, text: str) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self._texts.of(text)))

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
