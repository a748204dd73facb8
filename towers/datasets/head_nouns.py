"""Head nouns of titles: the words that say what an item is, without a tagger."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

from towers.catalog.items import Catalog
from towers.text.title_heads import head_words, noun_key, title_phrases
from towers.text.words import words
from towers.text.writing.folding import normalise

LEAST_ITEMS = 5
"""Titles that a head noun must end a phrase of."""

_NUMBERS_OF_THINGS = frozenset(
    (
        *("pack", "packs", "set", "sets", "piece", "pieces", "pair", "pairs", "kit", "kits"),
        *("size", "sizes", "style", "styles", "series", "line", "collection", "collections"),
        *("product", "products", "design", "designs", "industries", "系列", "套装", "新品", "新款"),
    )
)
"""Nouns under which a shopper would not look for a thing."""

_END_SHARE = 0.1
"""Least share of a noun's titles in which it ends a phrase."""
_END_SHARE_OF_ONE_FORM = 0.35
_OPENING_SHARE = 0.8
"""Least share of a maker's titles that its name opens, in a catalogue without brands."""


class TitleWords(NamedTuple):
    """What titles tell of their words.

    Args:
        types: Head nouns in their commonest form, those of most titles first.
        openers: Words that nearly always open a title, as a maker's name does; likewise.
    """

    types: tuple[str, ...]
    openers: tuple[str, ...]


def title_words(catalog: Catalog) -> TitleWords:
    """Head nouns and opening words of the catalogue's titles.

    A head noun is the last content word of a phrase: before a comma, bracket, preposition or number,
    or at the end; not of a phrase behind a preposition, which tells what an item goes with. It must
    end a phrase of at least ``LEAST_ITEMS`` titles. Nouns that are known in singular and plural, or
    from a category, come first: a word of one form may be a quality or a name.
    """
    count = _Counts()
    for row in range(catalog.count):
        if catalog.listed[row]:
            count.add(catalog.titles[row], catalog.brand_name(row))
    for path in catalog.category_codes.names:
        count.nouns.update(words(path))
    return TitleWords(tuple(count.types()), tuple(count.openers()))


class _Counts:
    """Titles by stem."""

    def __init__(self) -> None:
        self.nouns: set[str] = set()
        self._titles: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._opened: Counter[str] = Counter()
        self._forms: dict[str, Counter[str]] = defaultdict(Counter)
        self._ending_forms: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, title: str, brand: str) -> None:
        phrases = list(title_phrases(normalise(title)))
        forms = {word: noun_key(word) for phrase in phrases for word in phrase.words}
        self._titles.update(set(forms.values()))
        for word, key in forms.items():
            self._forms[key][word] += 1
        if phrases:
            self._opened[forms[phrases[0].words[0]]] += 1
        heads = head_words(phrases, brand)
        for word in heads:
            self._ending_forms[forms[word]][word] += 1
        self._ended.update({forms[word] for word in heads})

    def types(self) -> list[str]:
        found = []
        for key, ended in self._ended.items():
            is_noun = self._is_noun(key)
            share = ended / self._titles[key]
            text = _commonest(self._ending_forms[key])
            if (
                ended >= LEAST_ITEMS
                and share >= (_END_SHARE if is_noun else _END_SHARE_OF_ONE_FORM)
                and (is_noun or not self._is_opener(key))
                and text not in _NUMBERS_OF_THINGS
            ):
                found.append((not is_noun, -self._titles[key], text))
        return [text for _, _, text in sorted(found)]

    def openers(self) -> list[str]:
        found = [
            (-self._titles[key], _commonest(self._forms[key]))
            for key in self._opened
            if self._is_opener(key) and not self._is_noun(key)
        ]
        return [text for _, text in sorted(found)]

    def _is_noun(self, key: str) -> bool:
        return key in self.nouns or len({form.endswith("s") for form in self._forms[key]}) == 2

    def _is_opener(self, key: str) -> bool:
        return self._opened[key] >= max(LEAST_ITEMS, _OPENING_SHARE * self._titles[key])


def _commonest(forms: Counter[str]) -> str:
    return min(forms.items(), key=lambda form: (-form[1], form[0]))[0]
