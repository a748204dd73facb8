"""Which stems of a query each candidate has, anywhere in its text."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from towers.compiled import F32, I32, I64, NONE, compiled, fetched, read, records
from towers.ranking.candidate_records import CANDIDATE
from towers.text.parsed_query import ParsedQuery
from towers.text.tokens import PADDING, token


class QueryWords(NamedTuple):
    """The stems of a query as token numbers, as typed first, then replacements.

    Args:
        numbers: ``[words] int32``.
        weights: ``[words] float32`` inverse document frequency, less for a replacement.
        typed_count: How many of them are as typed.
    """

    numbers: np.ndarray
    weights: np.ndarray
    typed_count: int

    @classmethod
    @lru_cache(maxsize=4_096)
    def of(cls, query: ParsedQuery, bucket_count: int) -> QueryWords:
        """The words of a query. Kept."""
        weights = query.stem_weights
        rarities = np.array(query.rarities, np.float32)
        return cls(
            np.array([token("w:" + word, bucket_count) for word in weights], np.int32),
            np.array([*weights.values()], np.float32) * rarities,
            sum(weight == 1.0 for weight in weights.values()),
        )


def match_words(
    query: ParsedQuery,
    bucket_count: int,
    tokens: np.ndarray,
    rows: np.ndarray,
    items: np.ndarray,
    request: np.ndarray,
) -> None:
    """Fills the records' fields of the query's words: the stems as typed, then replacements.

    Args:
        tokens: ``[catalogue rows, slots] int32`` of the items, as in ``Catalog``.
        rows: ``[n] int64`` the candidates.
        items: ``[n] CANDIDATE``.
        request: ``[1] REQUEST``.
    """
    words = QueryWords.of(query, bucket_count)
    count = len(words.numbers)
    request["word_count"], request["typed_count"] = count, words.typed_count
    request["has_words"], request["rarity_sum"] = count > 0, words.weights.sum()
    if count:
        _match(items, rows, tokens, *words)


@compiled(NONE, records(CANDIDATE), read(I64), read(I32, 2), read(I32), read(F32), I64)
def _match(
    items: np.ndarray,
    rows: np.ndarray,
    tokens: np.ndarray,
    numbers: np.ndarray,
    weights: np.ndarray,
    typed_count: int,
) -> None:
    word_count = len(numbers)
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
        count, rarity_sum, missing = 0, 0.0, np.float32(0)
        for word in range(word_count):
            if has_word[word]:
                count += 1
                rarity_sum += weights[word]
            else:
                missing = max(missing, weights[word])
        item.word_count, item.rarity_sum, item.heaviest_missing = count, rarity_sum, missing
        item.has_last_word = typed_count > 0 and has_word[typed_count - 1]
        if typed_count > 1:
            item.pair_share = np.sum(has_pair) / (typed_count - 1)
        for word in range(word_count):
            has_word[word] = has_pair[word] = False
