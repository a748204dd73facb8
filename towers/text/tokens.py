"""Hashed token numbers: the row numbers of the towers' embedding tables."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

PADDING = 0
"""Token number of an empty slot; no word has it."""


@lru_cache(maxsize=500_000)
def token(text: str, bucket_count: int) -> int:
    """Number of a token in 1 … ``bucket_count`` − 1, the same in every process and release.

    The last quarter of the buckets is for trigrams (``g:…``), so that their collisions do not add
    noise to words.
    """
    hashed = zlib.crc32(text.encode())
    trigram_count = bucket_count // 4
    if text.startswith("g:") and trigram_count:
        return bucket_count - trigram_count + hashed % trigram_count
    return 1 + hashed % (bucket_count - trigram_count - 1)


@lru_cache(maxsize=200_000)
def _word_tokens(word: str, bucket_count: int) -> tuple[int, ...]:
    """The word itself, then its character trigrams, for robustness against typos."""
    edged = f"<{word}>"
    grams = {edged[at : at + 3] for at in range(len(edged) - 2)} if len(word) > 2 else ()
    return (
        token(f"w:{word}", bucket_count),
        *(token(f"g:{gram}", bucket_count) for gram in sorted(grams)),
    )


def query_tokens(stems: Sequence[str], *, slot_count: int, bucket_count: int) -> np.ndarray:
    """Token numbers of a query: all words first, then trigrams up to the slot limit.

    Args:
        stems: Of the query's words, in order.

    Returns:
        ``[slot_count] int32``, padded with ``PADDING``; read-only.
    """
    return _query_tokens(tuple(stems), slot_count, bucket_count)


@lru_cache(maxsize=20_000)
def _query_tokens(stems: tuple[str, ...], slot_count: int, bucket_count: int) -> np.ndarray:
    of_words = [_word_tokens(stem, bucket_count) for stem in stems]
    numbers = [tokens[0] for tokens in of_words]
    longest = max((len(tokens) for tokens in of_words), default=0)
    # Round-robin, so that a long word does not take all slots.
    for position in range(1, longest):
        numbers.extend(tokens[position] for tokens in of_words if position < len(tokens))
    slots = np.zeros(slot_count, np.int32)
    kept = numbers[:slot_count]
    slots[: len(kept)] = kept
    slots.flags.writeable = False
    return slots


def clear_caches() -> None:
    """Clears the caches of token numbers."""
    for cached in (token, _word_tokens, _query_tokens):
        cached.cache_clear()
