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
from towers.text.words import normalise, surface_words, words

_TITLE_COUNT = 50
"""Titles at most in which a phrase is looked for."""
_SPACES = re.compile(r"\s+")
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
        lexical: The index of their words.
    """

    def __init__(self, catalog: Catalog, lexical: LexicalIndex) -> None:
        self._catalog = catalog
        # Weak, since the index holds the reader: its folder is removed as soon as it is let go.
        self._lexical: LexicalIndex = weakref.proxy(lexical)
        self._names = CatalogNames(catalog)
        self._has_prices = _has_prices(catalog)

    def take_in(self, items: Sequence[Item]) -> None:
        """Takes in the names and prices of new or changed items."""
        self._names.take_in(items)
        self._has_prices = self._has_prices or any(item.price is not None for item in items)

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
        if not found:
            return NO_CONDITIONS
        is_item = (
            text in self._catalog.row_of
            or self._lexical.has_code(own_number(text))
            or self._is_in_title(plain, is_whole=True)
        )
        parts, cut = [], []
        for one in found:
            is_text = is_item or self._is_text(plain, one)
            cut += [] if is_text else [one]
            parts.append(_understood(plain, one, is_text=is_text))
        # Case and marks of the rest stay, where positions are the same in both.
        return QueryConditions(
            _without(text if len(text) == len(plain) else plain, cut), tuple(parts)
        )

    def _is_text(self, text: str, one: ConditionWords) -> bool:
        if one.kind is UnderstoodKind.PRICE and not self._has_prices:
            return True
        before = [part.start() for part in _PART.finditer(text, 0, one.begin)]
        behind = _PART.search(text, one.end)
        phrases = [text[before[-1] : one.end]] if before else []
        phrases += [text[one.begin : behind.end()]] if behind else []
        if one.use is not UnderstoodUse.FILTER or one.kind is UnderstoodKind.STOCK:
            word = text[one.begin : one.end].strip()
            if self._names.has_within(surface_words(text), word):
                return True
        return any(map(self._is_in_title, phrases))

    def _is_in_title(self, phrase: str, *, is_whole: bool = False) -> bool:
        """Whether a title has a phrase, or is it."""
        phrase = _SPACES.sub(" ", phrase).strip()
        requirements = [((stem,),) for stem in dict.fromkeys(words(phrase))]
        rows = self._lexical.holders(requirements, _TITLE_COUNT)
        if not len(rows):
            return False
        pattern = re.compile(rf"(?<![^\W_]){re.escape(phrase)}(?![^\W_])")
        catalog = self._catalog
        for row in rows[rows < catalog.count].tolist():
            title = _SPACES.sub(" ", normalise(catalog.titles[row])).strip()
            if catalog.listed[row] and (title == phrase if is_whole else pattern.search(title)):
                return True
        return False


def _has_prices(catalog: Catalog) -> bool:
    return bool(np.isfinite(catalog.price[: catalog.count]).any())


def _without(text: str, cut: Sequence[ConditionWords]) -> str:
    """A text without some words."""
    parts, begin = [], 0
    for one in cut:
        parts.append(text[begin : one.begin])
        begin = one.end
    parts.append(text[begin:])
    left = _SPACES.sub(" ", " ".join(parts))
    return _EDGES.sub("", left) if cut else text


def _understood(text: str, one: ConditionWords, *, is_text: bool) -> Understood:
    return Understood(
        one.kind,
        _SPACES.sub(" ", text[one.begin : one.end]).strip(),
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
