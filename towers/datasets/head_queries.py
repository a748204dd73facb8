"""Queries that many items answer: types of things, categories, brands, brand and type, typos.

``synthetic_queries`` ask for one item each; these are what shoppers type first.
"""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from towers.catalog.items import Catalog
from towers.datasets.head_nouns import LEAST_ITEMS, title_words
from towers.text.title_heads import CONNECTING_WORDS
from towers.text.words import is_chinese_run, runs, words
from towers.text.writing.folding import has_chinese, normalise

KINDS = ("type", "slip", "category", "brand", "brand_type")

_LEAST_ITEMS_OF_PAIR = 3
_PAIRS_PER_BRAND = 3
_LEAST_LETTERS = 5
_SLIP_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class HeadQuery:
    """A query without one wanted item: every item that has its words is right.

    Args:
        kind: One of ``KINDS``.
        text: As a visitor types it.
        meant: The same without its typo.
        stems: Stems of the text as meant, without function words; a Chinese run is kept whole.
    """

    kind: str
    text: str
    meant: str
    stems: tuple[str, ...]


def head_queries(catalog: Catalog, *, limit: int = 50, seed: int = 7) -> list[HeadQuery]:
    """At most ``limit`` queries of each kind, those of most items first; none without texts.

    Type words are head nouns of titles. A slip is a type word with one typo at any letter that gives
    no other word of the titles. Where items have no brands, words that open titles stand for them.

    Args:
        limit: Queries of each kind.
        seed: Of the typos.
    """
    of_titles = title_words(catalog)
    types = of_titles.types[:limit]
    listed = [row for row in range(catalog.count) if catalog.listed[row]]
    title_stems = [frozenset(words(title)) for title in catalog.titles]
    categories = _commonest(catalog.category(row)[-1] for row in listed if catalog.category(row))
    brands = _commonest(catalog.brand_name(row) for row in listed) or list(of_titles.openers)
    texts = {
        "type": list(types),
        "slip": _slips(types, title_stems, random.Random(seed)),
        "category": categories,
        "brand": brands,
        "brand_type": _pairs(catalog, title_stems, brands, types)[:limit],
    }
    found = []
    for kind in KINDS:
        meant = types if kind == "slip" else texts[kind]
        queries = [
            HeadQuery(kind, normalise(text), normalise(as_meant), query_stems(as_meant))
            for text, as_meant in zip(texts[kind], meant, strict=True)
            if text
        ]
        found += [query for query in queries if query.stems][:limit]
    return found


def query_stems(text: str) -> tuple[str, ...]:
    """The distinct stems of a text that an item must hold; a Chinese run is one of them."""
    if not has_chinese(text):
        found = [word for word in words(text) if word not in CONNECTING_WORDS]
        return tuple(dict.fromkeys(found))
    stems: list[str] = []
    for match in runs(normalise(text)):
        stems += [match[0]] if is_chinese_run(match[0]) else words(match[0])
    return tuple(dict.fromkeys(one for one in stems if one not in CONNECTING_WORDS))


def with_slip(word: str, rng: random.Random) -> str:
    """The word with one letter deleted, inserted or replaced, or two swapped, at any position.

    Typos in training data differ: ``synthetic_queries.with_typo`` keeps the first letter.
    """
    typo = word
    while typo == word:
        position, letter = rng.randrange(len(word)), rng.choice(string.ascii_lowercase)
        before, here, after = word[:position], word[position], word[position + 1 :]
        variants = (before + after, before + letter + here + after, before + letter + after)
        typo = rng.choice((*variants, before + after[:1] + here + after[1:]))
    return typo


def _commonest(names: Iterable[str]) -> list[str]:
    counts = Counter(name for name in names if name)
    return [
        name
        for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        if count >= LEAST_ITEMS
    ]


def _slips(
    types: Iterable[str], title_stems: Iterable[frozenset[str]], rng: random.Random
) -> list[str]:
    """A typo of each word; empty where it has few letters, or every typo tried is a word too."""
    known = frozenset().union(*title_stems)
    slips = []
    for word in types:
        slip = ""
        if len(word) >= _LEAST_LETTERS and word.isascii() and word.isalpha():
            typos = (with_slip(word, rng) for _ in range(_SLIP_ATTEMPTS))
            slip = next((typo for typo in typos if known.isdisjoint(words(typo))), "")
        slips.append(slip)
    return slips


def _pairs(
    catalog: Catalog,
    title_stems: Sequence[frozenset[str]],
    brands: Iterable[str],
    types: Iterable[str],
) -> list[str]:
    """Brands with types that their titles have, those of most items first."""
    held_types, held_names = _Finder(types), _Finder(brands)
    known = frozenset(brands)
    counts: Counter[tuple[str, str]] = Counter()
    for row, stems in enumerate(title_stems):
        if not catalog.listed[row]:
            continue
        title, brand = catalog.titles[row], catalog.brand_name(row)
        # An item's own brand; a catalogue without brands has them in titles.
        own = {brand} & known if brand else held_names.found_in(title, stems)
        if own:
            held = held_types.found_in(title, stems)
            counts.update((name, word) for name in own for word in held if word not in name.lower())
    taken: Counter[str] = Counter()
    texts = []
    for (brand, word), count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        if count >= _LEAST_ITEMS_OF_PAIR and taken[brand] < _PAIRS_PER_BRAND:
            taken[brand] += 1
            texts.append(f"{brand} {word}")
    return texts


class _Finder:
    """Finds which of some texts a title has."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_stem: dict[str, list[tuple[str, frozenset[str]]]] = {}
        self._chinese: list[str] = []
        for text in texts:
            stems = query_stems(text)
            if has_chinese(text):
                self._chinese.append(text)
            elif stems:
                self._by_stem.setdefault(stems[0], []).append((text, frozenset(stems)))

    def found_in(self, title: str, title_stems: frozenset[str]) -> set[str]:
        """The texts that a title has all stems of, or contains if Chinese."""
        found = {
            text
            for one in title_stems & self._by_stem.keys()
            for text, stems in self._by_stem[one]
            if stems <= title_stems
        }
        if has_chinese(title):
            found.update(text for text in self._chinese if text in title)
        return found
