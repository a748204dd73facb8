"""Which results of a search are relevant, and which are only related and come after them.

Relevant is what holds all of the query's words that relaxation left, in any field; what holds most of
their weight and is named by the head noun; and what the fixed rule, which weighs words, fields and both
embeddings, scores as high as the typical item that holds them. Everything else fills the page.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from serving.api.answers import Relaxation, RelaxationKind
from towers.compiled import BOOL, F32, I64, NONE, compiled, inlined, read, written
from towers.ranking.adjustments import EXACT_CODE
from towers.ranking.features import FEATURE_NAMES, SEARCH_SCORE
from towers.ranking.shortlist import Shortlist
from towers.read_only import read_only
from towers.retrieval.candidates import Sources
from towers.retrieval.hashed_sums import position_of
from towers.retrieval.rank_request import EncodedRequest
from towers.text.parsed_query import Alternatives, ParsedQuery, Synonym
from towers.text.words import stem

RELATED_ONLY = "related_only"
"""Name of the score adjustment that moves a result behind all relevant ones."""

_WORD_SHARE = FEATURE_NAMES.index("query_rarity_share")
_IN_TITLE, _IN_LEAF = FEATURE_NAMES.index("head_in_title"), FEATURE_NAMES.index("head_in_leaf")
_RULE_SCORE = FEATURE_NAMES.index(SEARCH_SCORE)
"""Not a cosine alone: among items that lack a word, it moved one in five first pages, mostly for the
worse."""

_LEAST_WORD_SHARE = np.float32(0.65)
"""Share of the weight of the words of a query; of .5, .65 and .8 the best on judged queries of a hardware
shop."""
_TYPICAL_COUNT = 3
"""With fewer items that hold the words none is typical: at least the best quarter of the rest."""
_BEST_QUANTILE = 0.75
_MARGIN = np.float32(1e-2)
_NO_LIFTS = np.zeros(0, np.float32)
NO_ROWS = read_only(np.zeros(0, np.int64))


def holding_rows(
    sources: Sources, encoded: EncodedRequest, relaxed: Collection[Relaxation] | None
) -> np.ndarray | None:
    """The allowed items that hold every word of a search that relaxation left.

    Args:
        relaxed: How the query was relaxed; None where that is not known.

    Returns:
        ``[n] int64`` ascending rows, none where results are by meaning only; None where nothing can be
        told: a browse page, or a stage that failed.
    """
    lexical = sources.lexical
    if not encoded.is_search or lexical is None or relaxed is None:
        return None
    if any(one.kind is RelaxationKind.MEANING_ONLY for one in relaxed):
        return NO_ROWS
    query, synonyms = encoded.query, encoded.rank_request.synonyms
    if dropped := _dropped(relaxed):
        rows = lexical.holders(_left_requirements(query, dropped, synonyms), None)
    else:
        rows = lexical.complete_rows(query)
        if synonyms:
            both = lexical.holders(_left_requirements(query, (), synonyms), None)
            rows = np.union1d(rows, both)
    return np.sort(sources.only_allowed(encoded.rank_request, rows))


def words_left(query: ParsedQuery, relaxed: Collection[Relaxation] | None) -> int:
    """Number of words that a query has left where some were dropped; 0 where none was."""
    dropped = _dropped(relaxed)
    if not dropped:
        return 0
    return sum(term.is_required and term.word not in dropped for term in query.terms)


def _dropped(relaxed: Collection[Relaxation] | None) -> Collection[str]:
    """The words that relaxation dropped."""
    if not relaxed:
        return ()
    return {one.text for one in relaxed if one.kind is RelaxationKind.WORD_DROPPED}


def is_among(rows: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Which of ``rows`` are among others, ``[n] bool``; faster than ``numpy.isin`` on short lists.

    Args:
        ascending: ``[m]`` rows in ascending order.
    """
    flags = np.empty(len(rows), bool)
    _tell_among(rows, ascending, flags)
    return flags


def others_than(rows: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """The rows of a list that are not among ``rows``, ``[≤ m] int64`` in ascending order.

    Args:
        rows: ``[n] int64`` in any order.
        ascending: ``[m] int64`` list in ascending order, which may be most of the catalogue.
    """
    if not len(ascending):
        return ascending
    is_left = np.ones(len(ascending), bool)
    return ascending[is_left] if _strike_out(rows, ascending, is_left) else NO_ROWS


@compiled(NONE, read(I64), read(I64), written(BOOL))
def _tell_among(rows: np.ndarray, ascending: np.ndarray, flags: np.ndarray) -> None:
    for place in range(len(rows)):
        position = position_of(ascending, rows[place])
        flags[place] = position < len(ascending) and ascending[position] == rows[place]


@compiled(I64, read(I64), read(I64), written(BOOL))
def _strike_out(rows: np.ndarray, ascending: np.ndarray, is_left: np.ndarray) -> int:
    """Clears the flags of the rows of a list that are among others; how many stay set."""
    count = len(ascending)
    for row in rows:
        position = position_of(ascending, row)
        if position < len(ascending) and ascending[position] == row and is_left[position]:
            is_left[position] = False
            count -= 1
    return count


def _left_requirements(
    query: ParsedQuery, dropped: Collection[str], synonyms: tuple[Synonym, ...]
) -> tuple[Alternatives, ...]:
    """The alternatives of the terms that were not dropped, with replacements and synonyms."""
    left = tuple(term for term in query.terms if term.word not in dropped)
    requirements = replace(query, terms=left).requirements
    if not synonyms:
        return requirements
    required = [term for term in left if term.is_required]
    return tuple(
        (*alternatives, *(one.phrase for one in synonyms if stem(term.word) in one.stems))
        for term, alternatives in zip(required, requirements, strict=True)
    )


def related_last(
    shortlist: Shortlist, holding: np.ndarray, *, is_one_word_left: bool = False
) -> Shortlist:
    """The shortlist with its only related results behind all relevant ones.

    They keep their order; an adjustment of their scores, ``RELATED_ONLY``, moves them.

    Args:
        holding: ``[n] int64`` ascending rows that hold the query's words.
        is_one_word_left: Whether words were dropped and one is left. Then whatever lacks that one holds
            only what was given up, and leads no item that has it, however few do.
    """
    count = len(shortlist.rows)
    if not _has_relevant(shortlist, holding) or not count:
        return shortlist
    is_relevant = _relevant(shortlist, holding, is_one_word_left=is_one_word_left)
    column, order = np.empty(count, np.float32), np.empty(count, np.int64)
    if _set_apart(is_relevant, shortlist.scores, column, order) in (0, count):
        return shortlist
    return shortlist.adjusted(RELATED_ONLY, column, order)


@compiled(I64, read(BOOL), read(F32), written(F32), written(I64))
def _set_apart(
    is_relevant: np.ndarray, scores: np.ndarray, column: np.ndarray, order: np.ndarray
) -> int:
    """Writes the push of the others and the new order; the number of relevant results."""
    count = 0
    lowest = highest = np.float32(0)
    for position in range(len(scores)):
        if is_relevant[position]:
            order[count] = position
            count += 1
            lowest = scores[position]
    other = count
    for position in range(len(scores)):
        if not is_relevant[position]:
            order[other] = position
            highest = scores[position] if other == count else highest
            other += 1
    # Scores fall: the last of the relevant and the first of the others are the ones that may cross.
    push = min(np.float32(0), lowest - highest) - _MARGIN
    for position in range(len(scores)):
        column[position] = np.float32(0) if is_relevant[position] else push
    return count


def _has_relevant(shortlist: Shortlist, holding: np.ndarray) -> bool:
    """Whether any result can be relevant: without any that holds the words, only those of a code."""
    return len(holding) > 0 or EXACT_CODE in shortlist.adjustments


def _relevant(
    shortlist: Shortlist, holding: np.ndarray, *, is_one_word_left: bool = False
) -> np.ndarray:
    """Which results are relevant, ``[n] bool``: without any that holds the words, those of a code."""
    code_lifts = shortlist.adjustments.get(EXACT_CODE, _NO_LIFTS)
    flags = code_lifts > 0 if len(code_lifts) else np.zeros(len(shortlist.rows), bool)
    if len(holding):
        _tell_relevant(
            *(shortlist.rows, shortlist.candidate_features, shortlist.places, holding),
            *(code_lifts, is_one_word_left, flags),
        )
    return flags


@inlined
def _quantile(values: np.ndarray, share: float) -> Any:
    """The value below which a share of the values lies; reorders them (Hoare's selection)."""
    wanted = int(share * len(values))
    low, high = 0, len(values) - 1
    while low < high:
        pivot, left, right = values[(low + high) // 2], low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left, right = left + 1, right - 1
        if wanted <= right:
            high = right
        elif wanted >= left:
            low = left
        else:
            break
    return values[wanted]


_LIST = (read(I64), read(F32, 2), read(I64))


@compiled(NONE, *_LIST, read(I64), read(F32), BOOL, written(BOOL))
def _tell_relevant(
    rows: np.ndarray,
    features: np.ndarray,
    places: np.ndarray,
    holding: np.ndarray,
    code_lifts: np.ndarray,
    is_one_word_left: bool,
    is_relevant: np.ndarray,
) -> None:
    holds = np.zeros(len(rows), np.bool_)
    is_any_named = False
    for place in range(len(rows)):
        position = position_of(holding, rows[place])
        holds[place] = position < len(holding) and holding[position] == rows[place]
        is_named = features[places[place], _IN_TITLE] > 0 or features[places[place], _IN_LEAF] > 0
        is_any_named |= holds[place] and is_named
    of_holders, of_others = np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
    held_count, relevant_count = 0, 0
    for place in range(len(rows)):
        # A saw blade of 60 teeth holds most of the weight of "60 inch vanity combo", but is no vanity.
        is_named = features[places[place], _IN_TITLE] > 0 or features[places[place], _IN_LEAF] > 0
        is_relevant[place] = holds[place] or (
            (is_named or not is_any_named)
            and features[places[place], _WORD_SHARE] >= _LEAST_WORD_SHARE
        )
        if len(code_lifts):
            is_relevant[place] |= code_lifts[place] > 0
        relevant_count += is_relevant[place]
        if holds[place]:
            of_holders[held_count] = features[places[place], _RULE_SCORE]
            held_count += 1
        else:
            of_others[place - held_count] = features[places[place], _RULE_SCORE]
    if held_count and relevant_count < len(rows):
        least = _quantile(of_holders[:held_count], 0.5)
        if held_count < _TYPICAL_COUNT:
            least = max(least, _quantile(of_others[: len(rows) - held_count], _BEST_QUANTILE))
        needs_name = is_one_word_left and held_count < _TYPICAL_COUNT
        for place in range(len(rows)):
            is_named = (
                features[places[place], _IN_TITLE] > 0 or features[places[place], _IN_LEAF] > 0
            )
            if is_named or not needs_name:
                is_relevant[place] |= features[places[place], _RULE_SCORE] >= least


def relevant_end(shortlist: Shortlist, holding: np.ndarray) -> int:
    """Results of a shortlist before the first from which on all are only related.

    Args:
        shortlist: As ``related_last`` gave it, without items hidden or pinned since, or reordered.
        holding: As there.
    """
    if not _has_relevant(shortlist, holding):
        return 0
    pushed = shortlist.adjustments.get(RELATED_ONLY)
    is_relevant = _relevant(shortlist, holding) if pushed is None else pushed == 0
    return end_of(is_relevant)


def end_of(flags: np.ndarray) -> int:
    """The number of flags up to the last that is set; 0 where none is."""
    places = flags.nonzero()[0]
    return int(places[-1]) + 1 if len(places) else 0
