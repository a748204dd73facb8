"""Head nouns of titles: the words that say what an item is, without a tagger."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from towers.catalog.items import Catalog
from towers.text.chinese import cut
from towers.text.words import is_chinese_run, normalise, runs, stem, words

LEAST_ITEMS = 5
"""Titles that a head noun must end a phrase of."""


def _listed(words_with_blanks: str) -> frozenset[str]:
    return frozenset(words_with_blanks.split())


_PREPOSITIONS = _listed(
    "at by for from in of on over per to under w with without "
    "für mit von aus ohne de du des en pour avec sans con para sin di"
)
CONNECTING_WORDS = _PREPOSITIONS | _listed(
    "a an and as is or plus the x und oder der die das et ou la le les y el los 的 和 与"
)
"""Words between phrases; no query is about them."""

_QUALITIES = _listed(
    "black white red blue green yellow gray grey silver gold brown orange pink purple magenta cyan "
    "beige bronze chrome nickel brass ivory almond natural clear color colour colors colours "
    "original new compatible standard premium professional indoor outdoor small medium large male "
    "female"
)
"""Words that often end a phrase after its noun."""

_PARTICIPLE_OR_COLOUR = re.compile("[a-z]{4,}ed|.*色")

_NUMBERS_OF_THINGS = _listed(
    "pack packs set sets piece pieces pair pairs kit kits size sizes style styles series line "
    "collection collections product products design designs industries 系列 套装 新品 新款"
)
"""Nouns under which a shopper would not look for a thing."""

_HAN = "\u3400-\u9fff"
_LETTERS = rf"[^\W\d_{_HAN}]+"
_MODEL = rf"[\-./]|[^\W{_HAN}]"
_PIECE = re.compile(
    rf"(?P<word>[{_HAN}]+|{_LETTERS}(?:['’\-]{_LETTERS})*(?![^\W{_HAN}]))"
    rf"|(?P<number>(?:{_MODEL})*\d(?:{_MODEL})*)|[^\w\s]|\w+"
)
_DASHES = "-–—:|"
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


def head_keys(title: str, brand: str) -> frozenset[str]:
    """Keys of the nouns that a title says its item is, by ``noun_key``."""
    return frozenset(noun_key(word) for word in _heads(list(_phrases(normalise(title))), brand))


def noun_key(word: str) -> str:
    """What forms of a case-folded noun have in common: its stem, or a Chinese word itself."""
    return word if is_chinese_run(word) else stem(word)


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
        phrases = list(_phrases(normalise(title)))
        forms = {word: noun_key(word) for phrase in phrases for word in phrase.words}
        self._titles.update(set(forms.values()))
        for word, key in forms.items():
            self._forms[key][word] += 1
        if phrases:
            self._opened[forms[phrases[0].words[0]]] += 1
        heads = _heads(phrases, brand)
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


class _Phrase(NamedTuple):
    """Neighbouring content words of a title.

    Args:
        words: Case-folded, not stemmed.
        is_own: Whether no preposition stands before it.
        is_behind_number: Whether a number or a model's name does.
        is_before_model: Whether a number, a model's name or a dash follows.
    """

    words: tuple[str, ...]
    is_own: bool
    is_behind_number: bool
    is_before_model: bool


def _phrases(normalised: str) -> Iterator[_Phrase]:
    phrase: list[str] = []
    is_own, is_behind_number = True, False
    for match in _PIECE.finditer(normalised):
        word = match["word"]
        if word and word not in CONNECTING_WORDS:
            phrase += _split(word)
            continue
        if phrase:
            is_before_model = match["number"] is not None or match[0] in _DASHES
            yield _Phrase(tuple(phrase), is_own, is_behind_number, is_before_model)
            phrase, is_behind_number = [], False
            # "for phones and tablets": both go with it.
            is_own = is_own or word is None or word in _PREPOSITIONS
        # "5 in." is a size.
        if word in _PREPOSITIONS and not is_behind_number:
            is_own = False
        is_behind_number = match["number"] is not None
    if phrase:
        yield _Phrase(tuple(phrase), is_own, is_behind_number, False)


def _split(word: str) -> list[str]:
    """The words of a Chinese run, a last one of one character with the word before it."""
    if word.isascii():
        return [word]
    found: list[str] = []
    for match in runs(word):
        run = match[0]
        if not is_chinese_run(run):
            found.append(run)
            continue
        parts = cut(run)
        if len(parts[-1]) == 1 and len(parts) > 1:
            before = parts[-2]
            parts[-1] = before if before.endswith(parts[-1]) else before + parts[-1]
        found += dict.fromkeys(part for part in parts if len(part) > 1)
    return found or [word]


def _heads(phrases: Sequence[_Phrase], brand: str) -> set[str]:
    """The head nouns of a title's phrases, as they stand there."""
    of_brand = frozenset(words(brand))
    heads = set()
    for number, phrase in enumerate(phrases):
        # A first word before a model's name is a maker's, one word behind a number a unit.
        is_name = len(phrase.words) == 1 and (
            phrase.is_behind_number or (number == 0 and phrase.is_before_model)
        )
        if phrase.is_own and (not is_name or is_chinese_run(phrase.words[0])):
            heads.add(_head(phrase.words, of_brand))
    return heads - {""}


def _head(phrase: tuple[str, ...], of_brand: frozenset[str]) -> str:
    """The last word that is neither a quality nor of the brand; empty if there is none."""
    for word in reversed(phrase):
        is_quality = word in _QUALITIES or _PARTICIPLE_OR_COLOUR.fullmatch(word) is not None
        if not (is_quality or noun_key(word) in of_brand):
            is_long = len(word) > (1 if is_chinese_run(word) else 2)
            return word if is_long else ""
    return ""
