"""Decides which words of a query are conditions in a catalogue, and which are text."""

from __future__ import annotations

import re
import weakref
from collections.abc import Sequence

import numpy as np

from data.records import Item
from towers.catalog.catalog_names import CatalogNames
from towers.catalog.condition_words import ConditionWords, condition_words
from towers.catalog.items import Catalog
from towers.indexes.lexical_index import LexicalIndex
from towers.text.product_codes import own_number
from towers.text.understood import (
    NO_CONDITIONS,
    QueryConditions,
    Understood,
    UnderstoodKind,
    UnderstoodUse,
)
from towers.text.words import words
from towers.text.writing.folding import has_chinese, normalise

_MOST = 4
"""Texts with more conditions are none that a shopper types; they are words."""
_TITLE_COUNT = 50
"""Titles at most in which a phrase is looked for."""
_PART = re.compile(r"[^\W_]+")
_EDGES = re.compile(
    r"^(?:[\s,;.:·的]|(?:and|or|but|und|et|y|for|a|the)(?=\s|$))+"
    r"|(?:[\s,;:·]|(?<!\S)(?:and|or|but|und|et|y|for|with|a|the))+$"
)
"""What is left of a sentence at the edges once conditions are cut out."""


class QueryReader:
    """Reads the conditions and the names of the catalogue in queries.

    Args:
        catalog: The items.
        lexical: The index of their words, which must outlive the reader: it is not kept by it.
    """

    def __init__(self, catalog: Catalog, lexical: LexicalIndex) -> None:
        self._catalog = catalog
        # The index holds this reader. Without a cycle, a dropped bundle is freed at once.
        self._lexical: LexicalIndex = weakref.proxy(lexical)
        self._names = CatalogNames(catalog)
        self._has_prices = _has_prices(catalog)

    def take_in(self, items: Sequence[Item]) -> None:
        """Takes in the names and prices of new or changed items."""
        self._names.take_in(items)
        self._has_prices = self._has_prices or any(item.price is not None for item in items)

    def take_in_prices(self, prices: np.ndarray) -> bool:
        """Takes in new prices of items, ``[n] float32``, NaN for none; whether they are the first."""
        if self._has_prices or not np.isfinite(prices).any():
            return False
        self._has_prices = True
        return True

    def names(self, found: Sequence[str]) -> tuple[Understood, ...]:
        """The names of the catalogue in surface words."""
        return self._names.find(found)

    def conditions(self, text: str) -> QueryConditions:
        """The conditions in the text of a query.

        Words in the form of a condition are text all the same where a title, a brand or a category has
        them together with a word beside them, where the whole text is a title or an id, and, for price
        conditions, in a catalogue without prices.
        """
        plain = normalise(text)
        found = condition_words(plain)
        if not found or len(found) > _MOST:
            return NO_CONDITIONS
        is_item = text in self._catalog.row_of or (
            len(found) == 1 and found[0].end - found[0].begin == len(plain) and self._is_code(text)
        )
        parts, cut = [], []
        for one in found:
            is_text = is_item or self._is_text(plain, one)
            cut += [] if is_text else [one]
            parts.append(_understood(plain, one, is_text=is_text))
        # Case and marks of the rest stay, where positions are the same in both.
        rest = _without(text if len(text) == len(plain) else plain, cut)
        return QueryConditions(rest, tuple(parts))

    def _is_code(self, text: str) -> bool:
        return self._lexical.has_code(own_number(text))

    def _is_text(self, text: str, one: ConditionWords) -> bool:
        if one.kind is UnderstoodKind.PRICE and not self._has_prices:
            return True
        phrase = _spaced(text[one.begin : one.end])
        has_number = one.min_price is not None or one.max_price is not None
        if not has_number and self._names.has_within(phrase, text):
            return True
        holders = self._holders(phrase)
        if not len(holders):
            return False
        before = [part.start() for part in _PART.finditer(text, 0, one.begin)]
        behind = _PART.search(text, one.end)
        longer = [_spaced(text[before[-1] : one.end])] if before else []
        longer += [_spaced(text[one.begin : behind.end()])] if behind else []
        if len(holders) < _TITLE_COUNT:
            return self._is_in_titles(holders, longer, _spaced(text))
        return any(
            self._is_in_titles(self._holders(other), [other], _spaced(text))
            for other in (*longer, _spaced(text))
        )

    def _holders(self, phrase: str) -> np.ndarray:
        """Rows of items that have all words of a phrase."""
        requirements = [((stem,),) for stem in dict.fromkeys(words(phrase))]
        return self._lexical.holders(requirements, _TITLE_COUNT, is_best_first=True)

    def _is_in_titles(self, rows: np.ndarray, phrases: Sequence[str], whole: str) -> bool:
        """Whether a title has a phrase, or is the whole text."""
        patterns = [_as_words(phrase) for phrase in phrases]
        catalog = self._catalog
        for row in rows[rows < catalog.count].tolist():
            title = _spaced(normalise(catalog.titles[row])) if catalog.listed[row] else ""
            if title == whole or any(pattern.search(title) for pattern in patterns):
                return True
        return False


def _as_words(phrase: str) -> re.Pattern[str]:
    """A phrase between word boundaries; Chinese has none."""
    left = "" if has_chinese(phrase[0]) else r"(?<![^\W_])"
    right = "" if has_chinese(phrase[-1]) else r"(?![^\W_])"
    return re.compile(left + re.escape(phrase) + right)


def _spaced(text: str) -> str:
    """A text with single blanks, none at the edges."""
    return " ".join(text.split())


def _has_prices(catalog: Catalog) -> bool:
    return bool(np.isfinite(catalog.price[: catalog.count]).any())


def _without(text: str, cut: Sequence[ConditionWords]) -> str:
    """A text without some words."""
    parts, begin = [], 0
    for one in cut:
        parts.append(text[begin : one.begin])
        begin = one.end
    parts.append(text[begin:])
    return _EDGES.sub("", _spaced(" ".join(parts))) if cut else text


def _understood(text: str, one: ConditionWords, *, is_text: bool) -> Understood:
    return Understood(
        one.kind,
        _spaced(text[one.begin : one.end]),
        _value(one),
        UnderstoodUse.TEXT if is_text else one.use,
        min_price=one.min_price,
        max_price=one.max_price,
    )


def _value(one: ConditionWords) -> str:
    """The condition in words."""
    if one.kind is UnderstoodKind.STOCK:
        return "in stock"
    if one.use is not UnderstoodUse.FILTER:
        return "lowest first" if one.use is UnderstoodUse.SORT else "low"
    if one.min_price is None:
        return f"up to {one.max_price:g}"
    return (
        f"{one.min_price:g} or more"
        if one.max_price is None
        else f"{one.min_price:g} to {one.max_price:g}"
    )
