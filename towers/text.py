"""Words and token numbers of any text, English or Chinese, the same in training and serving."""

from __future__ import annotations

import re
import unicodedata
import zlib
from functools import lru_cache

import numpy as np

PADDING = 0
"""Token number of an empty slot; no word has it."""

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_HAN_RUN = re.compile(rf"[{_HAN}]")


def normalise(text: str) -> str:
    """Folds case, width and compatibility forms: ``ＬＥＤ`` and ``led`` are one word."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """Words in order, plural endings folded; a Chinese run gives its characters and pairs.

    Pairs of characters stand in for words where no dictionary is at hand: 智能手机 gives
    智, 智能, 能, 能手, 手, 手机, 机.
    """
    found: list[str] = []
    for run in _RUN.findall(normalise(text)):
        found.extend(_words_of_run(run))
    return found


@lru_cache(maxsize=200_000)
def _words_of_run(run: str) -> tuple[str, ...]:
    if not _HAN_RUN.match(run):
        return (fold_plural(run),)
    parts: list[str] = []
    for place, character in enumerate(run):
        parts.append(character)
        if place + 1 < len(run):
            parts.append(run[place : place + 2])
    return tuple(parts)


def fold_plural(word: str) -> str:
    """The S stemmer: three rules, nothing but plurals (Harman 1991, "How effective is suffixing?")."""
    if len(word) > 3 and word.isascii() and word.isalpha():
        if word.endswith("ies") and not word.endswith(("eies", "aies")):
            return word[:-3] + "y"
        if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
            return word[:-1]
        if word.endswith("s") and not word.endswith(("us", "ss")):
            return word[:-1]
    return word


@lru_cache(maxsize=500_000)
def token(text: str, bucket_count: int) -> int:
    """Number of a token in 1 … ``bucket_count`` − 1, the same in every process and release."""
    return 1 + zlib.crc32(text.encode()) % (bucket_count - 1)


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
        ``[slot_count] int32``, padded with ``PADDING``.
    """
    of_words = [_word_tokens(word, bucket_count) for word in words(text)]
    numbers = [tokens[0] for tokens in of_words]
    longest = max((len(tokens) for tokens in of_words), default=0)
    # Round by round, so that a long word does not take every slot from the others.
    for place in range(1, longest):
        numbers.extend(tokens[place] for tokens in of_words if place < len(tokens))
    slots = np.zeros(slot_count, np.int32)
    kept = numbers[:slot_count]
    slots[: len(kept)] = kept
    return slots
