"""Spellings of one value, such as ``Blk``, ``black`` and ``BLACK``: what is merged, and why."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from data.predicted.fields import BRAND, CATEGORY, value_of
from data.records import Item
from towers.text.words import surface_words
from towers.text.writing.folding import fold, normalise
from towers.text.writing.units import plain_units

FORM, PLURAL, ABBREVIATION, TYPO = "form", "plural", "abbreviation", "typing error"
"""Why a spelling is merged: case, blanks, width, punctuation or unit; and three kinds of words."""

_ABBREVIATIONS: Mapping[str, tuple[str, ...]] = {
    "blk": ("black",),
    "wht": ("white",),
    "gry": ("grey", "gray"),
    "gray": ("grey",),
    "brn": ("brown",),
    "blu": ("blue",),
    "grn": ("green",),
    "ylw": ("yellow",),
    "yel": ("yellow",),
    "org": ("orange",),
    "pnk": ("pink",),
    "prpl": ("purple",),
    "slv": ("silver",),
    "slvr": ("silver",),
    "gld": ("gold",),
    "sml": ("small",),
    "med": ("medium",),
    "lrg": ("large",),
    "ss": ("stainless steel",),
    "aluminum": ("aluminium",),
    "alum": ("aluminium", "aluminum"),
}
"""Abbreviations and second spellings in use for colours, sizes and metals."""

_LISTS = re.compile(r"\s*(?:;|\||\\n|,\s)\s*")
_NOT_IN_NUMBERS = re.compile(
    r"(?<!\d)[-.,:](?=\D|$)|(?<=\D)[.,:](?!\d)|(?<=[^\W\d])[-–](?=[^\W\d])|[_'’`\"!?()\[\]*]"
)
_BLANKS = re.compile(r"\s+")
_UNIT_BY_CASE = re.compile(r"\d\s*(?:[kKMGT]b(?:it|ps)?|M[WVAFg])\b")
"""Bits, which are no bytes, and millions, which are no thousandths, of a unit."""
_SIGN = re.compile(r"(?:^|(?<=[\s(/×x]))[-−+](?=\d)")
_RATIO = 3
"""How much more frequent a value is than its abbreviation or its misspelling, at least."""
_MENTION_SHARE = 0.5
_SHORTEST_ABBREVIATION = 3
_SHORTEST_PLURAL = 4
_SHORTEST_TYPO = 6


@dataclass(frozen=True, slots=True)
class Merge:
    """A spelling that is another one's: ``value`` of ``field``, ``count`` times, stands for ``into``."""

    field: str
    value: str
    into: str
    count: int
    why: str


def merges_of(field: str, items: Sequence[Item]) -> list[Merge]:
    """The spellings of one field to be merged, by value.

    By form: values that are equal but for case, blanks, Unicode width, punctuation between letters, the
    spelling of a unit, or the order of a list. Units that differ by case alone (``Gb``, ``GB``; ``mW``,
    ``MW``) stay apart, and so does whatever has another number.

    By word, in attributes only, and only where no product, that is brand and title without these words,
    comes in both: a plural; an abbreviation in use; and a cut or misspelt word, where at least half of
    its items mention the whole one in title or description.
    """
    counts = Counter(value for item in items if (value := value_of(item, field)))
    groups: dict[str, list[str]] = defaultdict(list)
    for value in counts:
        groups[form(value)].append(value)
    into = {value: _shown(values, counts) for values in groups.values() for value in values}
    why = dict.fromkeys(counts, FORM)
    if field not in (BRAND, CATEGORY):
        of_form = Counter[str]()
        for value, count in counts.items():
            of_form[form(value)] += count
        evidence = _Evidence(field, items)
        words = [one for one in of_form if one.isalpha() and " " not in into[groups[one][0]]]
        for short, long, reason in _pairs(words, of_form):
            if evidence.allows(short, long, reason):
                target = into[groups[long][0]]
                for value in groups[short]:
                    into[value], why[value] = target, reason
    return sorted(
        (
            Merge(field, value, target, counts[value], why[value])
            for value, target in into.items()
            if value != target
        ),
        key=lambda merge: (merge.into, merge.value),
    )


def form(value: str) -> str:
    """What all spellings of a value have in common that differ by form alone."""
    parts = [part for part in _LISTS.split(value.strip()) if part]
    if len(parts) > 1 and not any(part[0].isdigit() for part in parts):
        return "\x1f".join(sorted(set(map(_form_of_one, parts))))
    return _form_of_one(value)


def _form_of_one(value: str) -> str:
    plain, _ = plain_units(fold(normalise(value)))
    plain = _BLANKS.sub(" ", _NOT_IN_NUMBERS.sub(" ", plain)).strip()
    if not any(map(str.isdigit, plain)):
        plain = plain.replace(" ", "") or value.strip()
    signs = [str(found.start()) for found in _SIGN.finditer(_BLANKS.sub(" ", value.strip()))]
    units = [found[-1:] for found in _UNIT_BY_CASE.findall(value)]
    return "\x1e".join([plain, *signs, *units])


def _shown(values: Sequence[str], counts: Counter[str]) -> str:
    """The most frequent spelling; of equals the one that begins with a capital alone, then the first."""
    return min(values, key=lambda one: (-counts[one], one != one.strip().capitalize(), one))


def _pairs(words: Sequence[str], counts: Mapping[str, int]) -> Iterable[tuple[str, str, str]]:
    """Pairs of forms that could be one value: the one to merge, the one to keep, and why.

    Args:
        words: The forms of one word.
        counts: Items of each form, of several words too.
    """
    known = set(words)
    for short in words:
        for long in _ABBREVIATIONS.get(short, ()):
            long = long.replace(" ", "")
            if long in counts:
                yield short, long, ABBREVIATION
        if len(short) >= _SHORTEST_PLURAL:
            for long in (short + "s", short + "es", short[:-1] + "ies" if short[-1] == "y" else ""):
                if long in known:
                    rare, frequent = sorted((short, long), key=lambda one: (counts[one], one))
                    yield rare, frequent, PLURAL
    by_first: dict[str, list[str]] = defaultdict(list)
    for word in words:
        by_first[word[0]].append(word)
    for same in by_first.values():
        for short in same:
            longer = [
                one for one in same if _is_cut(short, one) and counts[one] >= _RATIO * counts[short]
            ]
            # Where two words could be meant, none is.
            if len(longer) == 1:
                yield short, longer[0], ABBREVIATION
            typed = [
                one
                for one in same
                if _is_mistyped(short, one) and counts[one] >= _RATIO * counts[short]
            ]
            if len(typed) == 1:
                yield short, typed[0], TYPO


def _is_cut(short: str, long: str) -> bool:
    """Whether letters of a word are left out, the first kept."""
    if not _SHORTEST_ABBREVIATION <= len(short) < len(long) or long.startswith(short + "s"):
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)


def _is_mistyped(typed: str, word: str) -> bool:
    """Whether one letter is wrong, missing or too many, or two neighbours are swapped."""
    from rapidfuzz.distance import OSA

    return len(word) >= _SHORTEST_TYPO and OSA.distance(typed, word, score_cutoff=1) == 1


class _Evidence:
    """What the items say of two values: which come of one product, and which their texts mention."""

    def __init__(self, field: str, items: Sequence[Item]) -> None:
        self._words: dict[str, list[set[str]]] = defaultdict(list)
        self._titles: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
        for item in items:
            value = value_of(item, field)
            if value:
                key = form(value)
                title = surface_words(item.title)
                self._words[key].append({*title, *surface_words(item.description)})
                self._titles[key].append((item.brand, title))

    def allows(self, short: str, long: str, reason: str) -> bool:
        """Whether the items agree that two words are one value."""
        if self._come_of_one_product(short, long):
            return False
        if reason == PLURAL or long in {
            one.replace(" ", "") for one in _ABBREVIATIONS.get(short, ())
        }:
            return True
        texts = self._words[short]
        mentioned = sum(long in found or long in map("".join, pairwise(found)) for found in texts)
        return mentioned >= _MENTION_SHARE * len(texts)

    def _come_of_one_product(self, one: str, other: str) -> bool:
        """Whether a brand has a title that differs in these two words alone: then they are two values."""
        named = {one, other}

        def products(key: str) -> set[tuple[str, tuple[str, ...]]]:
            return {
                (brand, tuple(word for word in title if word not in named))
                for brand, title in self._titles[key]
                if title and not named.isdisjoint(title)
            }

        return not products(one).isdisjoint(products(other))
