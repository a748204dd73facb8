"""Forms of a word by which queries and items meet although they cut or spell it differently."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, combinations
from typing import NamedTuple

from towers.text.words import (
    KEPT_LENGTH,
    CutText,
    chinese_words,
    cut_text,
    is_unspaced_run,
    runs,
    stem,
)
from towers.text.writing.chinese import inner_words
from towers.text.writing.folding import HAN, fold, has_chinese, other_spellings
from towers.text.writing.units import is_quantity

_WORD = rf"[^\W_{HAN}]+"
# From the start of a word on and without backtracking into one, or a word of a thousand letters would
# take a million steps.
_CHUNK = re.compile(
    rf"(?<![^\W_{HAN}]){_WORD}+(?:(?:[-&_+‐‑–]|(?<=[^\W\d])\.|\.(?=[^\W\d])){_WORD}+)+"
)
_SEPARATOR = re.compile(r"[\W_]+")
_SHORT_PART = 3
_MOST_PARTS = 4
_LEAST_DIGITS = 6
"""Shorter numbers joined to one would be taken for years, sizes and prices."""

_NAME_AND_NUMBER = re.compile(r"(?<![^\W_])(?:([a-z]{2,})(\d[a-z\d]*)|(\d+)([a-z]{2,}))(?![^\W_])")
"""``iphone13``, ``wh1000xm4`` and ``13pro``, which queries may cut between letters and digits."""
_NAME_AND_MODEL = re.compile(r"(?<![^\W_])([a-z]{2,}) ([a-z]{1,3}\d{1,4}[a-z]{0,2})(?![^\W_])")
"""``galaxy s21``, which queries may join."""
_SIGN_NAMES = {
    "c++": ("cpp", "cplusplus"),
    "c#": ("csharp",),
    "f#": ("fsharp",),
    ".net": ("dotnet",),
}
_LETTERS_OR_DIGITS = re.compile(r"[^\W\d_]+|\d+")

_GRAM = "~"
"""In front of the parts of a word that is written without blanks, so that they equal no word."""
_GRAM_WEIGHT = 0.5
_HEAD_WEIGHT = 0.9
"""Of the last character of a longer word, mostly its head: 伞 of 雨伞."""
_SPLIT_WEIGHT = 0.8
_SPELLING_WEIGHT = 0.9
_COMPOUND_WEIGHT = 0.4
_COMPOUND_LIMIT = 6
_WEARERS = frozenset("男女童")
"""Men, women, children: characters that stand for a word wherever they are in one, as 男 in 男士."""
_ENDINGS = ("en", "er", "e", "n", "s", "")
_LINKS = ("", "s", "n", "en", "er", "es", "e")
_LONG_ACTIVITY = 6
_DOER_WEIGHT = 0.7
_SHORTEST_MODIFIER = 3
_LONG_MODIFIER = 4
_LONG_HEAD = 5
_COMPOUNDING = ("und", "fur", "mit", "der", "die", "das", "voor", "met", "het", "och", "og", "med")
_SPACED = ("and", "for", "with", "the", "of", "to")


class Form(NamedTuple):
    """A form of a word.

    Args:
        stems: All of them must be in an item, and for its score in one field.
        weight: Of all of them together, at most 1.
    """

    stems: tuple[str, ...]
    weight: float

    @property
    def is_word(self) -> bool:
        """Whether it is one word that stands for the other, and not parts of it."""
        return len(self.stems) == 1 and not self.stems[0].startswith(_GRAM)


class ItemWords(NamedTuple):
    """What is indexed of an item's text.

    Args:
        words: Surface words in order, then other spellings, joined parts and parts of them.
        grams: Parts of words that are written without blanks, as ``forms`` asks for them.
        spellings: As typed, of the words that folding has changed.
    """

    words: tuple[str, ...]
    grams: tuple[str, ...]
    spellings: Mapping[str, str]


def item_words(text: str) -> ItemWords:
    """Cuts an item's text; short ones are kept, since many items share a category, a brand or a value."""
    return _kept_item_words(text) if len(text) <= KEPT_LENGTH else _item_words(text)


def _item_words(text: str) -> ItemWords:
    cut = cut_text(text)
    folded = fold(cut.normalised)
    grams: list[str] = []
    if not folded.isascii():
        for run in runs(folded):
            grams += _grams_of_run(run[0])
    words, sizes, *others = _kinds(cut, folded)
    found = [*words, *sizes]
    # Once each, so that a form counts no more than the word that it is of.
    found += [other for other in dict.fromkeys(chain(*others)) if other not in found]
    return ItemWords(tuple(found), tuple(grams), cut.spellings)


_kept_item_words = lru_cache(maxsize=4_000)(_item_words)


def word_kinds(text: str) -> tuple[list[Sequence[str]], bool]:
    """The words of ``item_words`` by kind, in its order, but with repetitions.

    Returns:
        Words, sizes, other spellings, names of signs, joined parts, names with models, and parts of
        names with numbers; and whether folding has changed a word.
    """
    cut = cut_text(text)
    return _kinds(cut, fold(cut.normalised)), bool(cut.spellings)


def _kinds(cut: CutText, folded: str) -> list[Sequence[str]]:
    spelt: list[str] = []
    for word, typed in cut.spellings.items():
        spelt += [other for other in other_spellings(typed) if stem(other) != stem(word)]
    return [
        cut.words,
        cut.sizes,
        spelt,
        [name for sign, names in _SIGN_NAMES.items() if sign in cut.words for name in names],
        [joined for _, joined in _joined_parts(folded)],
        [name + model for name, model in _NAME_AND_MODEL.findall(folded)],
        [part for parts in _NAME_AND_NUMBER.findall(folded) for part in parts if part],
    ]


def forms(word: str, cut: CutText) -> list[Form]:
    """Forms of a surface word of a query, besides the word itself.

    Args:
        cut: The query that the word is from.
    """
    found: list[Form] = []
    typed = cut.spellings.get(word)
    if typed is not None:
        found += [Form((stem(one),), _SPELLING_WEIGHT) for one in other_spellings(typed)]
        parts = [fold(part) for part in typed.split("'")]
        if len(parts) > 1:
            found.append(Form(tuple(map(stem, parts)), _SPLIT_WEIGHT))
    if word.isascii():
        parts = _LETTERS_OR_DIGITS.findall(word)
        if len(parts) > 1 and max(map(len, parts)) >= _SHORT_PART and word.isalnum():
            found.append(Form(tuple(map(stem, parts)), _SPLIT_WEIGHT))
        if word.endswith("ing") and len(word) >= _LONG_ACTIVITY:
            # What does it is mostly what is wanted: washing, a washer.
            found.append(Form((stem(f"{word[:-3]}er"),), _DOER_WEIGHT))
    elif has_chinese(word) or is_unspaced_run(word):
        found.append(Form(_grams(word), _GRAM_WEIGHT if len(word) > 1 else _HEAD_WEIGHT))
        if has_chinese(word):
            found += [Form(parts, _SPLIT_WEIGHT) for parts in _chinese_parts(word)]
    return found


class Compounds:
    """Words of the catalogue that are compounds, by the word that they end in.

    ``Kinderfahrrad`` is found by ``Fahrrad``. Of a short modifier or head both must be words of the
    catalogue. Where most items are in a language that does not write compounds as one word ("carpet"
    is no pet), callers should use it for rare words of other languages only.

    Args:
        counts: Items by surface word.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self._live: set[str] = set()
        self._reversed = sorted(word[::-1] for word in counts if _may_be_compound(word))
        self.is_usual = sum(counts.get(word, 0) for word in _COMPOUNDING) > sum(
            counts.get(word, 0) for word in _SPACED
        )
        """Whether most items are in a language that writes compounds as one word."""

    def take_in(self, words: Iterable[str]) -> None:
        """Adds words of live changes."""
        for word in words:
            if word not in self._counts and word not in self._live:
                self._live.add(word)
                if _may_be_compound(word):
                    insort(self._reversed, word[::-1])

    def forms(self, word: str) -> list[Form]:
        """The compounds that end in a word, or a declined form of it."""
        least = 4 if self.is_usual else 5
        if len(word) < least or not (word.isascii() and word.isalpha()):
            return []
        found: dict[str, None] = {}
        ending = next((one for one in _ENDINGS if word.endswith(one)), "")
        base = word.removesuffix(ending)
        for head in dict.fromkeys((word, *(base + one for one in _ENDINGS))):
            if len(head) >= least:
                found.update(dict.fromkeys(self._ending_in(head)))
        found.pop(word, None)
        return [Form((one,), _COMPOUND_WEIGHT) for one in dict.fromkeys(map(stem, found))]

    def _ending_in(self, head: str) -> list[str]:
        begin = head[::-1]
        start = bisect_left(self._reversed, begin)
        found: list[str] = []
        for backwards in self._reversed[start : start + 40 * _COMPOUND_LIMIT]:
            if not backwards.startswith(begin) or len(found) == _COMPOUND_LIMIT:
                break
            word = backwards[::-1]
            modifier = word[: -len(head)]
            is_long = len(head) >= _LONG_HEAD and len(modifier) >= _LONG_MODIFIER
            if is_long or self._is_modifier(modifier):
                found.append(word)
        return found

    def _is_modifier(self, word: str) -> bool:
        for link in _LINKS:
            bare = word.removesuffix(link)
            if len(bare) < _SHORTEST_MODIFIER or (link and bare == word):
                continue
            if bare in self._counts or bare in self._live:
                return True
        return False


def _may_be_compound(word: str) -> bool:
    return len(word) >= 7 and word.isascii() and word.isalpha()


def joined_parts(cut: CutText) -> list[tuple[tuple[str, ...], str]]:
    """Parts of a query with signs between, and the word that they are together: ``wi-fi``."""
    return _joined_parts(fold(cut.normalised))


def _joined_parts(text: str) -> list[tuple[tuple[str, ...], str]]:
    """Neighbouring parts of ``wi-fi``, ``at&t``, ``node.js`` and ``dhp-484z``, and them as one word."""
    found: list[tuple[tuple[str, ...], str]] = []
    for match in _CHUNK.finditer(text):
        chunk = match[0]
        parts = tuple(_SEPARATOR.split(chunk)[: _MOST_PARTS + 1])
        has_digit = any(map(str.isdigit, chunk))
        if is_quantity(chunk) or not (has_digit or min(map(len, parts)) < _SHORT_PART):
            continue
        if not has_digit:
            found.append((parts, "".join(parts)))
            continue
        for start, end in combinations(range(len(parts) + 1), 2):
            joined = "".join(parts[start:end])
            if end - start > 1 and (not joined.isdigit() or len(joined) >= _LEAST_DIGITS):
                found.append((parts[start:end], joined))
    return found


def _grams_of_run(run: str) -> list[str]:
    """The grams of all words that a run may hold, and the last character of each of its words."""
    if has_chinese(run):
        heads = [word[-1] for word in chinese_words(run)]
        return [
            *_grams(run),
            *(_GRAM + one for one in (*heads, *sorted(_WEARERS.intersection(run)))),
        ]
    if is_unspaced_run(run):
        return [*_grams(run), _GRAM + run[-1]]
    return []


def _chinese_parts(word: str) -> list[tuple[str, str]]:
    """Two words that a word is made of; the second may be the last character: 折叠 and 伞 of 折叠伞."""
    inner = inner_words(word)
    found = []
    for end in range(2, len(word)):
        head = word[end:] if len(word) - end > 1 else _GRAM + word[end]
        if word[:end] in inner and (head in inner or head.startswith(_GRAM)):
            found.append((word[:end], head))
    return found


def _grams(word: str) -> tuple[str, ...]:
    size = min(len(word), 3 if "\u0e01" <= word[0] <= "\u17d3" else 2)
    starts = range(len(word) - size + 1)
    return tuple(dict.fromkeys(_GRAM + word[start : start + size] for start in starts))
