"""Queries made of the catalogue with graded relevance, for shops without judged or logged searches.

A made query wants more than the item that it was made of: all items that have its words, the more so the
more their title, category and brand say that they are the thing. What was meant is graded, so that the
reranker learns what to do with a query as typed, typos and all.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import numpy as np

from towers.catalog.items import Catalog
from towers.datasets.examples import query_fold
from towers.datasets.head_queries import HeadQuery, head_queries
from towers.datasets.synthetic_queries import catalogue_query, with_errors
from towers.ranking.candidate_records import CANDIDATE
from towers.ranking.field_matches import match_fields
from towers.ranking.ranker import Ranker
from towers.text.words import words

HELD_OUT_FOLDS = range(3)
"""Head queries, by what is meant, that only compare the stages of the finished model."""

_HEAD_LIMIT = 400
"""Head queries of each kind."""
_HEAD_SHARE = 0.4

RARE = "rare"
"""Kind of the queries of a word that one title has."""
_RARE_LIMIT = 100
_LEAST_LETTERS = 5

_LEAST_MATCH = 0.5
_MATCH_WEIGHT = 2.0
_HEAD_WEIGHT = 0.5
_SEMANTIC_WEIGHT = 0.5
_SEMANTIC_LIMIT = 2.0
_SOURCE_WEIGHT = 1.0
_SHARPNESS = 2.0


@dataclass(frozen=True, slots=True)
class MadeQuery:
    """A query made of the catalogue.

    Args:
        text: As typed, possibly with a typo.
        meant: The same without.
        row: The item that it was made of; −1 for none.
    """

    text: str
    meant: str
    row: int = -1


def made_queries(catalog: Catalog, limit: int, seed: int) -> list[MadeQuery]:
    """At most ``limit`` distinct queries: of single items, and of the words that many items have."""
    rng = random.Random(seed)
    heads = [
        MadeQuery(query.text, query.meant)
        for query in head_queries(catalog, limit=_HEAD_LIMIT, seed=seed)
        if query_fold(query.meant) not in HELD_OUT_FOLDS
    ]
    rng.shuffle(heads)
    made = heads[: int(limit * _HEAD_SHARE)]
    for _ in range(limit - len(made) if catalog.count else 0):
        row = rng.randrange(catalog.count)
        meant = catalogue_query(catalog, row, rng, has_errors=False)
        if meant:
            made.append(MadeQuery(with_errors(meant, rng), meant, row))
    return list(dict.fromkeys(made))


def held_out_queries(catalog: Catalog, seed: int) -> list[HeadQuery]:
    """Head queries whose meaning is in no query of ``made_queries``' heads, and words of one item."""
    heads = [
        query
        for query in head_queries(catalog, limit=_HEAD_LIMIT, seed=seed)
        if query_fold(query.meant) in HELD_OUT_FOLDS
    ]
    return heads + _rare_words(catalog, seed)


def _rare_words(catalog: Catalog, seed: int) -> list[HeadQuery]:
    """Words that one title has, mostly numbers of models: their item must come first."""
    of_titles = [set(title.lower().split()) for title in catalog.titles]
    counts = Counter(word for found in of_titles for word in found)
    rare = sorted(
        word
        for word, count in counts.items()
        if count == 1 and len(word) >= _LEAST_LETTERS and word.isalnum()
    )
    chosen = random.Random(seed).sample(rare, min(len(rare), _RARE_LIMIT))
    return [HeadQuery(RARE, word, word, tuple(words(word))) for word in chosen]


def graded(ranker: Ranker, query: MadeQuery, rows: np.ndarray) -> np.ndarray:
    """Gains of items for what a query means, ``[n] float32``: 0 where they lack half of its words.

    By the words of title, category and brand, by whether an item is the thing rather than what goes with
    it, by the text encoder, and by the query's own item.
    """
    meant = ranker.sources.parse(query.meant)
    if not meant.terms:
        return np.asarray(rows == query.row, np.float32)
    items = np.zeros(len(rows), CANDIDATE)
    match_fields(meant, ranker.sources.catalog, rows, items)
    match = items["field_share"]
    is_thing = items["head_in_title"].astype(np.float32) + items["head_is_title_head"]
    grades = _MATCH_WEIGHT * match + _HEAD_WEIGHT * (is_thing + items["head_in_leaf"])
    similarity = ranker.sources.semantic_scores(meant, rows)
    if similarity.any():
        standard = (similarity - similarity.mean()) / max(float(similarity.std()), 1e-6)
        grades = grades + _SEMANTIC_WEIGHT * np.clip(standard, -_SEMANTIC_LIMIT, _SEMANTIC_LIMIT)
    grades = grades + _SOURCE_WEIGHT * (rows == query.row)
    is_relevant = (match >= _LEAST_MATCH) | (rows == query.row)
    gains = np.zeros(len(rows), np.float32)
    if is_relevant.any():
        relevant = grades[is_relevant]
        gains[is_relevant] = np.exp(_SHARPNESS * (relevant - relevant.max()))
    return gains
