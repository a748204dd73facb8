"""The nouns by which a title says what its item is, without a tagger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from towers.text.words import is_chinese_run, runs, stem, words
from towers.text.writing.chinese import cut
from towers.text.writing.folding import normalise


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

_HAN = "\u3400-\u9fff"
_LETTERS = rf"[^\W\d_{_HAN}]+"
_MODEL = rf"[\-./]|[^\W{_HAN}]"
_PIECE = re.compile(
    rf"(?P<word>[{_HAN}]+|{_LETTERS}(?:['’\-]{_LETTERS})*(?![^\W{_HAN}]))"
    rf"|(?P<number>(?:{_MODEL})*\d(?:{_MODEL})*)|[^\w\s]|\w+"
)
_READ_LETTERS = 500
"""What stands behind does not tell what an item is; signs without digits would cost their square."""
_DASHES = "-–—:|"
_JOINING = "/&+"


def head_keys(title: str, brand: str) -> frozenset[str]:
    """Keys of the nouns that a title says its item is, by ``noun_key``."""
    return frozenset(
        noun_key(word) for word in head_words(list(title_phrases(normalise(title))), brand)
    )


def noun_key(word: str) -> str:
    """What forms of a case-folded noun have in common: its stem, or a Chinese word itself."""
    return word if is_chinese_run(word) else stem(word)


class TitlePhrase(NamedTuple):
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


def title_phrases(normalised: str) -> Iterator[TitlePhrase]:
    phrase: list[str] = []
    is_own, is_behind_number = True, False
    for match in _PIECE.finditer(normalised, 0, _READ_LETTERS):
        word = match["word"]
        if word and word not in CONNECTING_WORDS:
            phrase += _split(word)
            continue
        if phrase:
            is_before_model = match["number"] is not None or match[0] in _DASHES
            yield TitlePhrase(tuple(phrase), is_own, is_behind_number, is_before_model)
            phrase, is_behind_number = [], False
            # "for phones and tablets", "for phones/tablets": both go with it.
            is_joined = match[0] in _JOINING if word is None else word not in _PREPOSITIONS
            is_own = is_own or not is_joined
        # "5 in." is a size.
        if word in _PREPOSITIONS and not is_behind_number:
            is_own = False
        is_behind_number = match["number"] is not None
    if phrase:
        yield TitlePhrase(tuple(phrase), is_own, is_behind_number, False)


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


def head_words(phrases: Sequence[TitlePhrase], brand: str) -> set[str]:
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
