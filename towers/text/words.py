"""Tokenisation and stemming of English and Chinese text, the same in training and serving."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from towers.text.chinese import cut
from towers.text.units import plain_unit, plain_units, with_plain_fractions

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{_HAN}]+|\d+\.\d+|[^\W_{_HAN}]+")
_HAN_CHARACTER = re.compile(rf"[{_HAN}]")


class CutText(NamedTuple):
    """A text cut into words.

    Args:
        normalised: The text with case, width and compatibility forms folded.
        words: Surface words in order: not stemmed, numbers and units normalised.
        sizes: Sizes such as ``2x4``, which are words as well.
    """

    normalised: str
    words: tuple[str, ...]
    sizes: tuple[str, ...]


def normalise(text: str) -> str:
    """Folds case, width and compatibility forms: ``ＬＥＤ`` and ``led`` are one word."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", with_plain_fractions(text)).casefold()
    return folded.replace("\u2044", "/")


def has_chinese(text: str) -> bool:
    """Whether any character of a text is Chinese."""
    return not text.isascii() and _HAN_CHARACTER.search(text) is not None


def runs(text: str) -> Iterator[re.Match[str]]:
    """Matches of Chinese runs, numbers and other words, before any further processing."""
    return _RUN.finditer(text)


def is_chinese_run(run: str) -> bool:
    """Whether one of ``runs`` is Chinese, by its first character."""
    return _HAN_CHARACTER.match(run) is not None


def with_word_replaced(text: str, word: str, other: str) -> str:
    """Replaces ``word`` by ``other`` wherever it is a whole word."""
    return _RUN.sub(lambda run: other if run[0] == word else run[0], text)


def cut_text(text: str) -> CutText:
    """Tokenises a text; a Chinese run gives its words and their characters."""
    normalised = normalise(text)
    plain, sizes = plain_units(normalised)
    found: list[str] = []
    for run in _RUN.findall(plain):
        found.extend(subwords(run) if is_chinese_run(run) else (plain_unit(run),))
    return CutText(normalised, tuple(found), tuple(sizes))


def surface_words(text: str) -> list[str]:
    """Surface words in order, then sizes."""
    _, found, sizes = cut_text(text)
    return [*found, *sizes]


def words(text: str) -> list[str]:
    """The stems of ``surface_words``, by which queries and items are matched."""
    return [stem(word) for word in surface_words(text)]


def subwords(word: str) -> tuple[str, ...]:
    """The tokens of a single word; of a Chinese one its words and characters."""
    return _words_of_chinese(word) if is_chinese_run(word) else (word,)


@lru_cache(maxsize=200_000)
def _words_of_chinese(run: str) -> tuple[str, ...]:
    # Characters too: they match where query and item are segmented differently.
    return tuple(dict.fromkeys((*cut(run), *run)))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Stem of an English word (Porter 2001, "Snowball"); any other word as it is."""
    if not (word.isascii() and word.isalpha()):
        return word
    return str(_stemmers.english.stemWord(word))


class _Stemmers(threading.local):
    """One stemmer per thread, since a stemmer is not thread-safe."""

    def __init__(self) -> None:
        # Without its own cache: ``stem`` has one, shared by all threads.
        self.english = Stemmer.Stemmer("english", 0)


_stemmers = _Stemmers()


def clear_caches() -> None:
    """Clears the caches of words and stems."""
    for cached in (_words_of_chinese, stem):
        cached.cache_clear()
