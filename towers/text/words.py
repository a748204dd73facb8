"""Words and token numbers of any text, English or Chinese, the same in training and serving."""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib
from functools import lru_cache

import numpy as np
import Stemmer

from towers.text.chinese import cut
from towers.text.units import plain_unit, plain_units, with_plain_fractions

PADDING = 0
"""Token number of an empty slot; no word has it."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{HAN}]+|\d+\.\d+|[^\W_{HAN}]+")
_HAN_RUN = re.compile(rf"[{HAN}]")


def normalise(text: str) -> str:
    """Folds case, width and compatibility forms: ``ＬＥＤ`` and ``led`` are one word."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", with_plain_fractions(text)).casefold()
    return folded.replace("\u2044", "/")


def has_chinese(text: str) -> bool:
    """Whether any character of a text is Chinese."""
    return not text.isascii() and _HAN_RUN.search(text) is not None


def clear_caches() -> None:
    """Forgets words and texts that were read; they are kept only to read them faster."""
    for cached in (_words_of_run, stem, token, _word_tokens, _query_tokens):
        cached.cache_clear()


def surface_words(text: str) -> list[str]:
    """Words in order as they are written, then sizes such as ``2x4``.

    Numbers and units are written one way; a Chinese run gives its words and their characters.
    """
    plain, sizes = plain_units(normalise(text))
    found: list[str] = []
    for run in _RUN.findall(plain):
        if _HAN_RUN.match(run):
            found.extend(_words_of_run(run))
        else:
            found.append(plain_unit(run))
    return found + sizes


def words(text: str) -> list[str]:
    """The stems of ``surface_words``: what queries and items are matched by."""
    return [stem(word) for word in surface_words(text)]


@lru_cache(maxsize=200_000)
def _words_of_run(run: str) -> tuple[str, ...]:
    # Characters beside the words: a cut that differs between query and item still meets in them.
    return tuple(dict.fromkeys((*cut(run), *run)))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Stem of an English word (Porter 2001, "Snowball"); any other word as it is."""
    if not (word.isascii() and word.isalpha()):
        return word
    return str(_stemmers.english.stemWord(word))


class _Stemmers(threading.local):
    """One stemmer a thread: a stemmer holds the word it works on, and two threads would mix theirs."""

    def __init__(self) -> None:
        # Without a cache of its own: ``stem`` has one, which all threads share.
        self.english = Stemmer.Stemmer("english", 0)


_stemmers = _Stemmers()


@lru_cache(maxsize=500_000)
def token(text: str, bucket_count: int) -> int:
    """Number of a token in 1 … ``bucket_count`` − 1, the same in every process and release.

    The last quarter is for trigrams (``g:…``): a query has many, and one that shared its number
    with a word would drown it.
    """
    hashed = zlib.crc32(text.encode())
    trigram_count = bucket_count // 4
    if text.startswith("g:") and trigram_count:
        return bucket_count - trigram_count + hashed % trigram_count
    return 1 + hashed % (bucket_count - trigram_count - 1)


@lru_cache(maxsize=200_000)
def _word_tokens(word: str, bucket_count: int) -> tuple[int, ...]:
    """The word itself, then its character trigrams, which survive a typo."""
    edged = f"<{word}>"
    grams = {edged[at : at + 3] for at in range(len(edged) - 2)} if len(word) > 2 else ()
    return (
        token(f"w:{word}", bucket_count),
        *(token(f"g:{gram}", bucket_count) for gram in sorted(grams)),
    )


def query_tokens(text: str, *, slot_count: int, bucket_count: int) -> np.ndarray:
    """Token numbers of a query: all words first, then trigrams while there is room.

    Returns:
        ``[slot_count] int32``, padded with ``PADDING``; not to be written to.
    """
    return _query_tokens(text, slot_count, bucket_count)


@lru_cache(maxsize=20_000)
def _query_tokens(text: str, slot_count: int, bucket_count: int) -> np.ndarray:
    of_words = [_word_tokens(word, bucket_count) for word in words(text)]
    numbers = [tokens[0] for tokens in of_words]
    longest = max((len(tokens) for tokens in of_words), default=0)
    # Round by round, so that a long word does not take every slot from the others.
    for place in range(1, longest):
        numbers.extend(tokens[place] for tokens in of_words if place < len(tokens))
    slots = np.zeros(slot_count, np.int32)
    kept = numbers[:slot_count]
    slots[: len(kept)] = kept
    slots.flags.writeable = False
    return slots
