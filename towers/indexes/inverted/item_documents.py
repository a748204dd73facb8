"""What of an item is indexed: stems by field, product codes, spellings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from data.records import Item
from towers.text.pinyin import romanised_brand
from towers.text.product_codes import numbers_of_item
from towers.text.word_forms import ItemWords, item_words
from towers.text.words import stem

FIELD_WEIGHTS = {"title": 2.0, "category": 1.5, "brand": 1.5, "rest": 0.7}
"""Boost of each text field."""
NAME_FIELDS = ("title", "category", "brand")
"""Fields of short texts, of which the spelling counts."""

WordsByField = Mapping[str, Sequence[ItemWords]]
"""What is indexed of each text, by field."""


class Document(NamedTuple):
    """One item.

    Args:
        row: Its row in the catalogue.
        stems: Of its words, by field of ``FIELD_WEIGHTS``.
        codes: Its product codes.
        spellings: As typed, by stem, of the words of its names that folding has changed.
    """

    row: int
    stems: Mapping[str, Sequence[str]]
    codes: Iterable[str]
    spellings: Mapping[str, str]


def words_by_field(item: Item) -> WordsByField:
    """What is indexed of each text, by field."""
    texts = {
        "title": (item.title,),
        "category": item.category,
        "brand": (item.brand,),
        "rest": (*item.worded_attributes.values(), item.description),
    }
    found = {field: [item_words(text) for text in of_field] for field, of_field in texts.items()}
    # No words of the vocabulary, since the first word of a title is not always a brand.
    romanised = map(stem, romanised_brand(item))
    brand = found["brand"][0]
    found["brand"] = [brand._replace(grams=(*brand.grams, *romanised))]
    return found


def distinct_words(by_field: WordsByField) -> set[str]:
    return {word for of_field in by_field.values() for one in of_field for word in one.words}


def document_of(row: int, item: Item, by_field: WordsByField) -> Document:
    stems = {
        field: [one for text in of_field for one in (*map(stem, text.words), *text.grams)]
        for field, of_field in by_field.items()
    }
    names = [text for field in NAME_FIELDS for text in by_field[field]]
    spellings = {stem(word): typed for text in names for word, typed in text.spellings.items()}
    if spellings:
        # Not where the word also stands as folded: "Café Royal, Cafe".
        plain = {stem(word) for text in names for word in text.words if word not in text.spellings}
        spellings = {of_word: typed for of_word, typed in spellings.items() if of_word not in plain}
    return Document(row, stems, numbers_of_item(item), spellings)
