"""Which words of a query each candidate has in its title, category and brand.

Fields are told apart, since a word in the title or the category says more of what an item is than the
same word in its description (BM25F: Robertson, Zaragoza and Taylor 2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from towers.catalog.items import Catalog
from towers.compiled import (
    BOOL,
    F32,
    I32,
    I64,
    NONE,
    compiled,
    fetched,
    inlined,
    merged,
    read,
    records,
)
from towers.ranking.candidate_records import CANDIDATE
from towers.retrieval.hashed_sums import EMPTY
from towers.text.parsed_query import Alternatives, ParsedQuery, Term
from towers.text.tokens import PADDING, token

_FIELD_WEIGHT, _TITLE_WEIGHT, _HEAD_WEIGHT = np.float32(1.5), np.float32(0.5), np.float32(0.4)
"""Weights in ``field_score`` beside a lexical score of at most 1; tuned on a hardware shop's judged
queries."""

_TERM_LIMIT = 16
"""Longer queries are compared by their last words only, to bound the cost."""
_KEPT = 128
"""Categories and brands of a list whose matches are kept; others of the same slot replace them."""


class QueryTerms(NamedTuple):
    """The required terms of a query as token numbers.

    A term counts as present where a field has all stems of one of its phrases, that is alternatives
    and corrections.

    Args:
        numbers: ``[stems] int32`` token numbers of all stems.
        is_head: ``[stems] bool`` whether a stem is one of the head term.
        phrases: ``[phrases, 2] int32``: the term, and where its stems end in ``phrase_stems``.
        phrase_stems: ``[total] int32`` positions in ``numbers``.
        weights: ``[terms] float32`` inverse document frequency of each term, which sum to 1.
        head: The head term.
    """

    numbers: np.ndarray
    is_head: np.ndarray
    phrases: np.ndarray
    phrase_stems: np.ndarray
    weights: np.ndarray
    head: int

    @classmethod
    @lru_cache(maxsize=4_096)
    def of(cls, query: ParsedQuery, bucket_count: int) -> QueryTerms:
        """The terms of a query; its function words only where there is nothing else. Kept."""
        terms = [term for term in query.terms if term.is_required] or [*query.terms]
        terms = terms[-_TERM_LIMIT:]
        head = terms.index(query.head_term) if query.head_term in terms else len(terms) - 1
        alternatives = [_alternatives(term) for term in terms]
        stems = dict.fromkeys(s for one in alternatives for phrase in one for s in phrase)
        position_of = {stem: position for position, stem in enumerate(stems)}
        phrases, phrase_stems = [], []
        is_head = np.zeros(len(stems), bool)
        for number, of_term in enumerate(alternatives):
            for phrase in of_term:
                positions = [position_of[stem] for stem in phrase]
                phrase_stems += positions
                phrases.append((number, len(phrase_stems)))
                if number == head:
                    is_head[positions] = True
        return cls(
            np.array([token("w:" + stem, bucket_count) for stem in stems], np.int32),
            is_head,
            np.array(phrases, np.int32).reshape(-1, 2),
            np.array(phrase_stems, np.int32),
            _weights(alternatives, dict(zip(query.stem_weights, query.rarities, strict=True))),
            head,
        )


def match_fields(query: ParsedQuery, catalog: Catalog, rows: np.ndarray, items: np.ndarray) -> int:
    """Fills the records' fields of the query's terms; returns the number of terms.

    Args:
        rows: ``[n] int64`` the candidates.
        items: ``[n] CANDIDATE``.
    """
    terms = QueryTerms.of(query, catalog.text.bucket_count)
    # The columns before the tables of names, so that every code has its name.
    leaf, brand = catalog.leaf, catalog.brand
    tables = (
        catalog.leaf_tokens.table(),
        catalog.path_tokens.table(),
        catalog.brand_tokens.table(),
    )
    _match(items, rows, catalog.title_tokens, catalog.title_heads, leaf, brand, *tables, *terms)
    return len(terms.weights)


@merged
def field_score(item: Any, term_count: int) -> Any:
    """How well the fields match, for the fixed rule of a search."""
    head = np.float32(item.head_in_title) + np.float32(item.head_is_title_head)
    # Squares, since half of the words is less than half of what was asked for.
    of_words = _FIELD_WEIGHT * item.field_share**2 + _TITLE_WEIGHT * item.title_share**2
    # Of several words the others say as much as the head does.
    return of_words + _HEAD_WEIGHT / np.float32(max(1, term_count)) * item.field_share * head


@inlined
def _mark(
    tokens: np.ndarray, row: int, numbers: np.ndarray, seen: Any, has_stem: np.ndarray
) -> tuple[int, int]:
    """Marks the stems that a field has; gives its filled slots and how many of them hold a stem.

    Args:
        seen: A bit for the lowest six of every number: most words of a field are none of the query's.
        has_stem: All false where no slot holds a stem; else to be cleared by the caller.
    """
    filled, hits = 0, 0
    if row < len(tokens):
        for slot in range(tokens.shape[1]):
            number = tokens[row, slot]
            if number == PADDING:
                break
            filled += 1
            if seen >> (number & 63) & 1:
                is_hit = False
                for stem in range(len(numbers)):
                    if numbers[stem] == number:
                        has_stem[stem] = is_hit = True
                hits += is_hit
    return filled, hits


@inlined
def _terms_of(has_stem: np.ndarray, phrases: np.ndarray, phrase_stems: np.ndarray) -> Any:
    """Bits of the terms of which a field has all stems of one phrase; clears the stems."""
    found = np.int64(0)
    begin = 0
    for phrase in range(len(phrases)):
        end = phrases[phrase, 1]
        has_all = True
        for place in range(begin, end):
            has_all &= has_stem[phrase_stems[place]]
        found |= np.int64(has_all) << phrases[phrase, 0]
        begin = end
    for stem in range(len(has_stem)):
        has_stem[stem] = False
    return found


@inlined
def _share(weights: np.ndarray, terms: Any) -> Any:
    total = np.float32(0)
    for term in range(len(weights)):
        if terms >> term & 1:
            total += weights[term]
    return total


_ITEMS = (records(CANDIDATE), read(I64), read(I32, 2), read(BOOL, 2), read(I32), read(I32))
_NAMES = (read(I32, 2), read(I32, 2), read(I32, 2))
_TERMS = (read(I32), read(BOOL), read(I32, 2), read(I32), read(F32), I64)


@compiled(NONE, *_ITEMS, *_NAMES, *_TERMS)
def _match(
    items: np.ndarray,
    rows: np.ndarray,
    title_tokens: np.ndarray,
    title_heads: np.ndarray,
    leaf: np.ndarray,
    brand: np.ndarray,
    leaf_tokens: np.ndarray,
    path_tokens: np.ndarray,
    brand_tokens: np.ndarray,
    numbers: np.ndarray,
    is_head: np.ndarray,
    phrases: np.ndarray,
    phrase_stems: np.ndarray,
    weights: np.ndarray,
    head: int,
) -> None:
    seen = np.int64(0)
    for number in numbers:
        seen |= np.int64(1) << (number & 63)
    has_stem = np.zeros(len(numbers), np.bool_)
    # Candidates share few categories and brands: what these match is kept.
    leaf_keys, brand_keys = np.empty(_KEPT, np.int64), np.empty(_KEPT, np.int64)
    for slot in range(_KEPT):
        leaf_keys[slot] = brand_keys[slot] = EMPTY
    leaf_terms, path_terms = np.zeros(_KEPT, np.int64), np.zeros(_KEPT, np.int64)
    leaf_coverage, brand_terms = np.zeros(_KEPT, np.float32), np.zeros(_KEPT, np.int64)
    if fetched(title_tokens, rows) < 0:
        raise ValueError("title tokens: expected numbers from 0")
    for position in range(len(rows)):
        item, row = items[position], rows[position]
        in_title = np.int64(0)
        filled, hits = _mark(title_tokens, row, numbers, seen, has_stem)
        # Most fields have no word of the query, and the records are all 0 so far.
        if hits:
            in_title = _terms_of(has_stem, phrases, phrase_stems)
            item.title_coverage = hits / filled
            item.title_share = _share(weights, in_title)
            item.head_in_title = in_title >> head & 1
            for slot in range(filled - 1, -1, -1):
                number = title_tokens[row, slot]
                if seen >> (number & 63) & 1:
                    for stem in range(len(numbers)):
                        if is_head[stem] and numbers[stem] == number:
                            item.head_is_title_head |= title_heads[row, slot]
                            item.head_position = 1.0 / (1.0 + slot)
        code = np.int64(leaf[row])
        kept = code % _KEPT
        if leaf_keys[kept] != code:
            leaf_keys[kept], leaf_terms[kept], path_terms[kept] = code, 0, 0
            filled, hits = _mark(leaf_tokens, code, numbers, seen, has_stem)
            leaf_coverage[kept] = hits / max(filled, 1)
            if hits:
                leaf_terms[kept] = _terms_of(has_stem, phrases, phrase_stems)
            if _mark(path_tokens, code, numbers, seen, has_stem)[1]:
                path_terms[kept] = _terms_of(has_stem, phrases, phrase_stems)
        item.leaf_coverage = leaf_coverage[kept]
        item.leaf_share = _share(weights, leaf_terms[kept])
        item.head_in_leaf = leaf_terms[kept] >> head & 1
        in_any = in_title | path_terms[kept]
        code = np.int64(brand[row])
        kept = code % _KEPT
        if brand_keys[kept] != code:
            brand_keys[kept], brand_terms[kept] = code, 0
            if _mark(brand_tokens, code, numbers, seen, has_stem)[1]:
                brand_terms[kept] = _terms_of(has_stem, phrases, phrase_stems)
        item.brand_share = _share(weights, brand_terms[kept])
        item.field_share = _share(weights, in_any | brand_terms[kept])


def _alternatives(term: Term) -> Alternatives:
    corrected = (other.stems for other in term.corrections)
    return tuple(dict.fromkeys((*term.alternatives, *corrected)))


def _weights(of_terms: Sequence[Alternatives], rarity_of: Mapping[str, float]) -> np.ndarray:
    weights = np.array(
        [
            max((rarity_of.get(s, 0.0) for one in of_one for s in one), default=0.0)
            for of_one in of_terms
        ],
        np.float32,
    )
    # A word that no item has is as telling as the rarest one.
    weights[weights <= 0] = weights.max(initial=1.0)
    return weights / max(float(weights.sum()), 1e-6)
