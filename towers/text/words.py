"""Tokenisation and stemming of queries, the same in training and serving."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import Stemmer

from towers.text.writing.chinese import cut, inner_words
from towers.text.writing.folding import HAN, fold, has_chinese, normalise, spellings
from towers.text.writing.units import plain_unit, plain_units


def _marks() -> str:
    """Vowel signs and other marks of the scripts of Asia, which are part of words but no letters."""
    codes = [code for code in range(0x0900, 0x1CFF) if unicodedata.category(chr(code))[0] == "M"]
    return "".join(map(chr, codes))


_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff"
_HIRAGANA = "\u3041-\u3096\u309d-\u309f"
_HANGUL = "\uac00-\ud7a3"
_THAI = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0ece\u1000-\u109f\u1780-\u17d3"
_UNSPACED = rf"[{_KATAKANA}]+|[{_HIRAGANA}]+|[{_HANGUL}]+|[{_THAI}]+"
"""Runs of the scripts that write several words without blanks, or may: kana, Hangul, Thai and its
neighbours."""

_LETTER = rf"[^\W_{HAN}{_KATAKANA}{_HIRAGANA}{_HANGUL}{_THAI}]"
_RUN = re.compile(rf"\d+\.\d+|[{HAN}]+|{_UNSPACED}|(?:{_LETTER}[{_marks()}]*)+")
_ASCII_RUN = re.compile(r"\d+\.\d+|[a-z0-9]+")

_UNSPACED_CHARACTER = re.compile(_UNSPACED)

_SIGNED = (
    r"(?<![^\W_])[a-z](?:\+{2,3}|#)(?![^\W\d_]|[+#])"
    r"|(?:(?<![\w.])|(?<=\basp)|(?<=\bado)|(?<=\bvb))\.net(?![^\W_])"
)
"""Words that their signs make: ``c++``, ``a++``, ``c#``, ``.net``, the latter in ``asp.net`` too."""
_SIGNED_RUN = re.compile(f"{_SIGNED}|{_RUN.pattern}")

# Word boundaries: Chinese characters and underscores do not extend a word.
_NO_LETTER_BEFORE, _NO_LETTER_BEHIND = rf"(?<![^\W_{HAN}])", rf"(?![^\W_{HAN}])"

_CHINESE_PARTICLES = frozenset("的了和与及之在是")

KEPT_LENGTH = 200
"""Longest text whose words are kept."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


class CutText(NamedTuple):
    """A text cut into words.

    Args:
        normalised: The text with case, width and compatibility forms folded.
        words: Surface words in order: folded, not stemmed, numbers and units normalised.
        sizes: Sizes such as ``2x4``, which are words as well.
        spellings: As typed, of the words that folding has changed.
    """

    normalised: str
    words: tuple[str, ...]
    sizes: tuple[str, ...]
    spellings: Mapping[str, str] = _NOTHING


def runs(text: str) -> Iterator[re.Match[str]]:
    """Matches of Chinese runs, numbers and other words, before any further processing."""
    return _RUN.finditer(text)


def is_chinese_run(run: str) -> bool:
    """Whether one of ``runs`` is Chinese, by its first character."""
    return has_chinese(run[0])


def is_unspaced_run(run: str) -> bool:
    """Whether one of ``runs`` is in another script that may be written without blanks."""
    return _UNSPACED_CHARACTER.match(run) is not None


def with_word_replaced(text: str, word: str, other: str) -> str:
    """Replaces the folded ``word`` by ``other`` wherever it is a whole word of a normalised text."""
    replaced = re.sub(_NO_LETTER_BEFORE + re.escape(word) + _NO_LETTER_BEHIND, other, text)
    if replaced != text:
        return replaced
    for folded, typed in spellings(text):
        if folded == word:
            text = re.sub(_NO_LETTER_BEFORE + re.escape(typed) + _NO_LETTER_BEHIND, other, text)
    return text


def cut_text(text: str) -> CutText:
    """Tokenises a text as a query; short ones are kept, since each is asked for in several places."""
    return _kept_cut_text(text) if len(text) <= KEPT_LENGTH else _cut_text(text)


def _cut_text(text: str) -> CutText:
    normalised = normalise(text)
    folded = fold(normalised)
    plain, sizes = plain_units(folded)
    typed = _NOTHING
    if "+" in folded or folded != normalised:
        typed = MappingProxyType(dict(spellings(normalised)))
    if "#" in plain or "++" in plain or ".net" in plain:
        pattern = _SIGNED_RUN
    else:
        pattern = _ASCII_RUN if plain.isascii() else _RUN
    found: list[str] = []
    for run in pattern.findall(plain):
        if run.isascii() or not is_chinese_run(run):
            found.append(plain_unit(run))
        else:
            found.extend(_words_of_chinese(run))
    return CutText(normalised, tuple(found), tuple(sizes), typed)


_kept_cut_text = lru_cache(maxsize=4_000)(_cut_text)


def surface_words(text: str) -> list[str]:
    """Surface words of a query in order, then sizes."""
    _, found, sizes, _ = cut_text(text)
    return [*found, *sizes]


def words(text: str) -> list[str]:
    """The stems of ``surface_words``."""
    return [stem(word) for word in surface_words(text)]


def subwords(word: str) -> tuple[str, ...]:
    """The tokens of a single word; of a Chinese one its words."""
    return _words_of_chinese(word) if is_chinese_run(word) else (word,)


@lru_cache(maxsize=200_000)
def _words_of_chinese(run: str) -> tuple[str, ...]:
    """Words of a Chinese run, each long one after the words inside it."""
    return tuple(
        dict.fromkeys(one for word in chinese_words(run) for one in (*inner_words(word), word))
    )


@lru_cache(maxsize=200_000)
def chinese_words(run: str) -> tuple[str, ...]:
    """Words of a Chinese run, side by side; characters that the dictionary leaves single are joined.

    So no character of a longer word, known or not, is a word of its own: 蕉内 is one word although the
    dictionary has neither it nor its parts.
    """
    found: list[str] = []
    single = ""
    for word in (*cut(run), ""):
        if len(word) == 1 and word not in _CHINESE_PARTICLES:
            single += word
            continue
        found.extend(one for one in (single, word) if one)
        single = ""
    return tuple(found)


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
    for cached in (_words_of_chinese, chinese_words, stem, _kept_cut_text):
        cached.cache_clear()
