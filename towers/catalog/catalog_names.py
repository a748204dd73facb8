"""Names of the catalogue in the words of a query: brands, colours, sizes and categories."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from data.records import Item
from towers.catalog.items import Catalog
from towers.text.understood import Understood, UnderstoodKind
from towers.text.words import runs, stem, surface_words
from towers.text.writing.folding import fold, has_chinese, normalise

_COLOUR_NAMES = re.compile(r"\b(?:colou?rs?|farben?|couleurs?|colore|цвет|kleur)\b|颜色|顏色|色$")
_SIZE_NAMES = re.compile(
    r"\b(?:sizes?|gr(?:ö|oe)(?:ß|ss)e|tailles?|tallas?|taglie?|размер)\b|尺[码碼寸]|サイズ"
)
_OTHER_NAMES = re.compile(r"\b(?:temperature|depth|gamut|rendering|number|count|code|file|cache)\b")
"""Attribute names with "colour" or "size" that hold neither: colour temperature, file size."""
_WORD_EDGE = re.compile(r"(?<=[a-z])(?=[A-Z])|[\W_]+")
_LIST = re.compile(r"\s*[,;/|&+、，]\s*")
"""Between the values of an attribute with several."""
_FLAGS = ("true", "false", "yes", "no", "none", "n/a", "y", "n")
"""Values that say whether there is a colour or size at all."""
_ALIASES = re.compile(r"\s*[/|()（）]\s*")
"""Between the spellings of a brand: ``Xiaomi (小米)``."""
_SIZE_WORDS = frozenset(
    ("size", "sizes", "grosse", "groesse", "taille", "talla", "taglia", "размер", "尺码")
)
_PLAIN_SIZES = frozenset(("xxs", "xs", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl", "5xl"))
"""Sizes that are nothing else; of the other short ones a word such as "size" must be beside them."""
_SHORT_SIZE = re.compile(r"\w{1,2}|[\d.]+")

_LONGEST = 6
"""Words of the longest name that is recognised."""
_TITLE_LIMIT = 20_000
"""Titles at most in which the use of names is counted."""
_FEWEST = 4
"""Up to so many titles of other items do not make a name ambiguous."""
_TITLED_SHARE = 10
"""Of so many items of a name one counts as if it had the name in its title, where fewer do."""
_DOMINANCE = 10
"""How often more items a name must have than a name of another kind with the same words."""

_Group = tuple[UnderstoodKind, str]
"""A kind of name, and for colours and sizes the attribute."""


@dataclass(slots=True)
class _Name:
    """A name of the catalogue and how its words are used there.

    Args:
        group: Kind and attribute.
        value: As in the catalogue.
        words: Its surface words.
        item_count: Items that have it.
        own_count: Titles of these items with its words.
        other_count: Titles with its words of items that have another name of the group.
        paths: Of a category: the paths that end with it.
    """

    group: _Group
    value: str
    words: tuple[str, ...]
    item_count: int = 0
    own_count: int = 0
    other_count: int = 0
    paths: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def is_ordinary(self) -> bool:
        """Whether its words more often mean something else."""
        own = max(self.own_count, self.item_count // _TITLED_SHARE)
        return self.other_count > max(own, _FEWEST)


class CatalogNames:
    """The names of brands, categories, and values of colours and sizes, by the stems of their words.

    Ambiguous names are not recognised: those whose words are in many titles of items that have
    another brand, category or value, and those of two kinds. Names are never removed.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._by_stems: dict[tuple[str, ...], tuple[_Name, ...]] = {}
        self._longest: dict[str, int] = {}
        self._of_values: dict[tuple[_Group, str], tuple[_Name, ...]] = {}
        self._names: dict[tuple[_Group, str, tuple[str, ...]], _Name] = {}
        self._proper_words: set[str] = set()
        rows = np.flatnonzero(catalog.listed[: catalog.count])
        step = 1 + len(rows) // _TITLE_LIMIT
        sampled = rows[::step]
        brands = {
            code: self._add(_BRAND, catalog.brand_codes.names[code], count)
            for code, count in _counts(catalog.brand[rows])
        }
        categories = {
            code: self._add_path(catalog.category_path(code), count)
            for code, count in _counts(catalog.leaf[rows])
        }
        values: dict[int, list[_Name]] = {}
        for attribute in catalog.attributes.names.names:
            group = name_group(attribute)
            if group is not None:
                with_it, codes = catalog.attributes.column(attribute)
                spelt = catalog.attributes.values(attribute)
                names = {code: self._add(group, spelt[code], n) for code, n in _counts(codes)}
                kept = np.isin(with_it, sampled)
                for row, code in zip(with_it[kept].tolist(), codes[kept].tolist(), strict=True):
                    values.setdefault(row, []).extend(names[code])
        for row in sampled.tolist():
            names_of_row = [*brands[catalog.brand[row]], *categories[catalog.leaf[row]]]
            self._count_title(catalog.titles[row], [*names_of_row, *values.get(row, ())], step)

    def take_in(self, items: Iterable[Item]) -> None:
        """Adds the names of new or changed items."""
        for item in items:
            self._add(_BRAND, item.brand, 1)
            self._add_path(item.category, 1)
            for attribute, value in item.attributes.items():
                group = name_group(attribute)
                if group is not None:
                    self._add(group, value, 1)

    def find(self, words: Sequence[str]) -> tuple[Understood, ...]:
        """The names in the surface words of a query, the longest ones, in order."""
        stems = [stem(word) for word in words]
        found: list[Understood] = []
        begin = 0
        while begin < len(words):
            longest = min(self._longest.get(stems[begin], 0), len(words) - begin)
            for end in range(begin + longest, begin, -1):
                part = self._by_stems.get(tuple(stems[begin:end]))
                name = self._meant(part, words, (begin, end)) if part else None
                if name is not None:
                    found.append(_understood(name, words[begin:end]))
                    begin = end - 1
                    break
            begin += 1
        return tuple(found)

    def has_within(self, word: str, text: str) -> bool:
        """Whether a brand or category in a text has ``word`` among its words."""
        return word in self._proper_words and any(
            part.kind in _PROPER_KINDS and word in part.text.split()
            for part in self.find(surface_words(text))
        )

    def _meant(
        self, names: Sequence[_Name], query_words: Sequence[str], span: tuple[int, int]
    ) -> _Name | None:
        """The name that words of a query mean; None if that is ambiguous."""
        words = tuple(query_words[slice(*span)])
        is_whole = span == (0, len(query_words))
        by_kind: dict[UnderstoodKind, _Name] = {}
        for name in names:
            kind = name.group[0]
            if kind is UnderstoodKind.CATEGORY:
                fits = is_whole or not name.is_ordinary
            else:
                fits = name.words == words and not name.is_ordinary
            if kind is UnderstoodKind.SIZE and fits and not _is_plain_size(words):
                fits = not _SIZE_WORDS.isdisjoint(query_words[max(0, span[0] - 1) : span[1] + 1])
            if fits and (kind not in by_kind or by_kind[kind].item_count < name.item_count):
                by_kind[kind] = name
        if not by_kind:
            return None
        first, *others = sorted(by_kind.values(), key=lambda name: -name.item_count)
        if not others or first.item_count >= _DOMINANCE * others[0].item_count:
            return first
        # A category is often named after the brand whose items it holds.
        brand = by_kind.get(UnderstoodKind.BRAND)
        is_clear = len(by_kind) == 2 and UnderstoodKind.CATEGORY in by_kind
        return brand if is_clear else None

    def _add(
        self, group: _Group, value: str, item_count: int, path: tuple[str, ...] = ()
    ) -> tuple[_Name, ...]:
        """The names that a value of a group is spelt by, new ones added; counts its items."""
        names = self._of_values.get((group, value))
        if names is None:
            names = self._of_values[group, value] = self._named(group, value)
        for name in names:
            name.item_count += item_count
            if path:
                name.paths.add(path)
        return names

    def _named(self, group: _Group, value: str) -> tuple[_Name, ...]:
        """The same, without their counts."""
        names: list[_Name] = []
        for text in _spellings(group, value) if value else ():
            words = tuple(surface_words(text))
            if not 0 < len(words) <= _LONGEST or (group[0] in _LONG_KINDS and _is_letter(text)):
                continue
            told = value if group[0] is UnderstoodKind.BRAND else text
            name = self._names.get((group, told, words))
            if name is None:
                name = self._names[group, told, words] = _Name(group, told, words)
                stems = tuple([stem(word) for word in words])
                if group[0] in _PROPER_KINDS:
                    self._proper_words.update(words)
                self._by_stems[stems] = (*self._by_stems.get(stems, ()), name)
                self._longest[stems[0]] = max(len(words), self._longest.get(stems[0], 0))
            names.append(name)
        return tuple(names)

    def _add_path(self, path: tuple[str, ...], item_count: int) -> tuple[_Name, ...]:
        category = UnderstoodKind.CATEGORY, ""
        parts = [
            self._add(category, part, item_count, path[: depth + 1])
            for depth, part in enumerate(path)
        ]
        return tuple([name for names in parts for name in names])

    def _count_title(self, title: str, names: Sequence[_Name], weight: int) -> None:
        """Counts the names in a title, as words of an item that has ``names``."""
        words = [run[0] for run in runs(fold(normalise(title)))]
        stems = [stem(word) for word in words]
        own = {id(name) for name in names}
        groups = {name.group for name in names}
        for begin, first in enumerate(stems):
            for length in range(1, min(self._longest.get(first, 0), len(stems) - begin) + 1):
                for name in self._by_stems.get(tuple(stems[begin : begin + length]), ()):
                    if id(name) in own:
                        name.own_count += weight
                    # An unbranded item whose title begins with a brand may well be of it.
                    elif name.group in groups or (name.group == _BRAND and begin):
                        name.other_count += weight


_BRAND: _Group = (UnderstoodKind.BRAND, "")
_PROPER_KINDS = (UnderstoodKind.BRAND, UnderstoodKind.CATEGORY)
_LONG_KINDS = (*_PROPER_KINDS, UnderstoodKind.COLOUR)
"""Kinds whose names have two characters or more."""


@lru_cache(maxsize=10_000)
def name_group(attribute: str) -> _Group | None:
    """The group of an attribute's values; None if they are neither colours nor sizes."""
    plain = normalise(_WORD_EDGE.sub(" ", attribute))
    if _OTHER_NAMES.search(plain):
        return None
    if _COLOUR_NAMES.search(plain):
        return UnderstoodKind.COLOUR, attribute
    return (UnderstoodKind.SIZE, attribute) if _SIZE_NAMES.search(plain) else None


def _spellings(group: _Group, value: str) -> Iterator[str]:
    """A value as it is, and the aliases of a brand or the values of a list."""
    if group[0] is UnderstoodKind.CATEGORY:
        yield value
        return
    parts = (_ALIASES if group == _BRAND else _LIST).split(value)
    if group == _BRAND or value.lower() not in _FLAGS:
        yield from dict.fromkeys((value, *filter(None, parts)))


def _counts(codes: np.ndarray) -> list[tuple[int, int]]:
    """Distinct codes with their counts."""
    distinct, counts = np.unique(codes, return_counts=True)
    return list(zip(distinct.tolist(), counts.tolist(), strict=True))


def _is_letter(text: str) -> bool:
    """Whether a text is a single character, and no Chinese one, which may be a word."""
    return len(text) == 1 and not has_chinese(text)


def _is_plain_size(words: tuple[str, ...]) -> bool:
    return len(words) > 1 or words[0] in _PLAIN_SIZES or not _SHORT_SIZE.fullmatch(words[0])


def _understood(name: _Name, words: Sequence[str]) -> Understood:
    kind, attribute = name.group
    path = next(iter(name.paths)) if len(name.paths) == 1 else ()
    return Understood(kind, " ".join(words), name.value, attribute=attribute, category=path)
