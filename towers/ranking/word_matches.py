"""Which stems of a query each candidate has, anywhere in its text."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from towers.compiled import F32, F64, I32, I64, NONE, compiled, fetched, read, records
from towers.ranking.candidate_records import CANDIDATE, REQUEST
from towers.text.parsed_query import ParsedQuery
from towers.text.tokens import PADDING, token


class QueryWords(NamedTuple):
    """The stems of a query as token numbers, as typed first, then replacements.

    Args:
        numbers: ``[words] int32``.
        weights: ``[words] float32`` inverse document frequency, less for a replacement.
        typed_count: How many of them are as typed.
        rarity_sum: Sum of ``weights``.
    """

    numbers: np.ndarray
    weights: np.ndarray
    typed_count: int
    rarity_sum: float

    @classmethod
    @lru_cache(maxsize=4_096)
    def of(cls, query: ParsedQuery, bucket_count: int) -> QueryWords:
        """The words of a query. Kept."""
        of_words = query.stem_weights
        rarities = np.array(query.rarities, np.float32)
        weights = np.array([*of_words.values()], np.float32) * rarities
        return cls(
            np.array([token("w:" + word, bucket_count) for word in of_words], np.int32),
            weights,
            sum(weight == 1.0 for weight in of_words.values()),
            float(weights.sum()),
        )


def match_words(
    query: ParsedQuery,
    bucket_count: int,
    tokens: np.ndarray,
    rows: np.ndarray,
    items: np.ndarray,
    request: np.ndarray,
) -> int:
    """Fills the records' fields of the query's words: the stems as typed, then replacements.

    Args:
        tokens: ``[catalogue rows, slots] int32`` of the items, as in ``Catalog``.
        rows: ``[n] int64`` the candidates.
        items: ``[n] CANDIDATE``.
        request: ``[1] REQUEST``.

    Returns:
        The number of words.
    """
    words = QueryWords.of(query, bucket_count)
    _match(items, request, rows, tokens, *words)
    return len(words.numbers)


_WORDS = (read(I32), read(F32), I64, F64)


@compiled(NONE, records(CANDIDATE), records(REQUEST), read(I64), read(I32, 2), *_WORDS)
def _match(
    items: np.ndarray,
    requests: np.ndarray,
    rows: np.ndarray,
    tokens: np.ndarray,
    numbers: np.ndarray,
    weights: np.ndarray,
    typed_count: int,
    rarity_total: float,
) -> None:
    request, word_count = requests[0], len(numbers)
    request.word_count, request.typed_count = word_count, typed_count
    request.has_words, request.rarity_sum = word_count > 0, rarity_total
    if word_count == 0:
        return
    has_word = np.zeros(word_count, np.bool_)
    has_pair = np.zeros(word_count, np.bool_)
    # A bit for the lowest six of every number: most words of an item are none of the query's.
    seen = np.int64(0)
    heaviest = np.float32(0)
    for word in range(word_count):
        seen |= np.int64(1) << (numbers[word] & 63)
        heaviest = max(heaviest, weights[word])
    if fetched(tokens, rows) < 0:
        raise ValueError("tokens: expected numbers from 0")
    for position in range(len(rows)):
        item, row = items[position], rows[position]
        has_any = False
        length = 0
        before = PADDING
        for slot in range(tokens.shape[1]):
            number = tokens[row, slot]
            if number == PADDING:
                break
            length += 1
            if seen >> (number & 63) & 1:
                for word in range(word_count):
                    if number == numbers[word]:
                        has_word[word] = has_any = True
                        if 0 < word < typed_count and before == numbers[word - 1]:
                            has_pair[word] = True
            before = number
        item.item_word_count, item.heaviest_missing = length, heaviest
        if not has_any:
            continue
        count, pair_count, rarity_sum, missing = 0, 0, 0.0, np.float32(0)
        for word in range(word_count):
            pair_count += has_pair[word]
            if has_word[word]:
                count += 1
                rarity_sum += weights[word]
            else:
                missing = max(missing, weights[word])
        item.word_count, item.rarity_sum, item.heaviest_missing = count, rarity_sum, missing
        item.has_last_word = typed_count > 0 and has_word[typed_count - 1]
        if typed_count > 1:
            item.pair_share = pair_count / (typed_count - 1)
        for word in range(word_count):
            has_word[word] = has_pair[word] = False
