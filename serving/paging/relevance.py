"""Which results of a search are relevant, and which are only related and come after them.

Relevant is what holds all of the query's words that relaxation left, in any field; what holds most of
their weight and is named by the head noun; and what the fixed rule, which weighs words, fields and both
embeddings, scores as high as the typical item that holds them. Everything else fills the page.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from serving.api.answers import Relaxation, RelaxationKind
from towers.ranking.adjustments import EXACT_CODE
from towers.ranking.features import FEATURE_NAMES, SEARCH_SCORE
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import EncodedRequest
from towers.text.parsed_query import Alternatives, ParsedQuery, Synonym
from towers.text.words import stem

RELATED_ONLY = "related_only"
"""Name of the score adjustment that moves a result behind all relevant ones."""

_WORD_SHARE = FEATURE_NAMES.index("query_rarity_share")
_HEADS = [FEATURE_NAMES.index(name) for name in ("head_in_title", "head_in_leaf")]
_RULE_SCORE = FEATURE_NAMES.index(SEARCH_SCORE)
"""Not a cosine alone: among items that lack a word, it moved one in five first pages, mostly for the
worse."""

_LEAST_WORD_SHARE = 0.65
"""Share of the weight of the words of a query; of .5, .65 and .8 the best on judged queries of a hardware
shop."""
_TYPICAL_COUNT = 3
"""With fewer items that hold the words none is typical: at least the best quarter of the rest."""
_BEST_QUANTILE = 0.75
_MARGIN = np.float32(1e-2)


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
    kinds = {one.kind for one in relaxed}
    if RelaxationKind.MEANING_ONLY in kinds:
        return np.zeros(0, np.int64)
    query, synonyms = encoded.query, encoded.rank_request.synonyms
    if RelaxationKind.WORD_DROPPED in kinds:
        dropped = {one.text for one in relaxed if one.kind is RelaxationKind.WORD_DROPPED}
        rows = lexical.holders(_left_requirements(query, dropped, synonyms), None)
    else:
        rows = lexical.complete_rows(query)
        if synonyms:
            both = lexical.holders(_left_requirements(query, (), synonyms), None)
            rows = np.union1d(rows, both)
    return np.sort(sources.only_allowed(encoded.rank_request, rows))


def is_among(rows: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Which of ``rows`` are among others, ``[n] bool``; faster than ``numpy.isin`` on short lists.

    Args:
        ascending: ``[m]`` rows in ascending order.
    """
    if not len(ascending):
        return np.zeros(len(rows), bool)
    position = np.minimum(ascending.searchsorted(rows), len(ascending) - 1)
    return np.asarray(ascending[position] == rows)


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


def related_last(shortlist: Shortlist, holding: np.ndarray) -> Shortlist:
    """The shortlist with its only related results behind all relevant ones.

    They keep their order; an adjustment of their scores, ``RELATED_ONLY``, moves them.

    Args:
        holding: ``[n] int64`` ascending rows that hold the query's words.
    """
    is_relevant = _relevant(shortlist, holding)
    if is_relevant.all() or not is_relevant.any():
        return shortlist
    scores = shortlist.scores
    lowest, highest = scores[is_relevant].min(), scores[~is_relevant].max()
    push = min(np.float32(0), lowest - highest) - _MARGIN
    column = np.where(is_relevant, np.float32(0), push).astype(np.float32)
    adjustments: Mapping[str, np.ndarray] = {**shortlist.adjustments, RELATED_ONLY: column}
    return replace(shortlist, adjustments=adjustments)


def _relevant(shortlist: Shortlist, holding: np.ndarray) -> np.ndarray:
    """Which results are relevant, ``[n] bool``; none where no item holds any of the words."""
    if not len(holding):
        return np.zeros(len(shortlist.rows), bool)
    holds = is_among(shortlist.rows, holding)
    # A saw blade of 60 teeth holds most of the weight of "60 inch vanity combo", but is no vanity.
    is_named = (shortlist.features[:, _HEADS] > 0).any(axis=1)
    if not np.any(is_named & holds):
        is_named = np.ones(len(holds), bool)
    is_relevant = holds | (is_named & (shortlist.features[:, _WORD_SHARE] >= _LEAST_WORD_SHARE))
    if EXACT_CODE in shortlist.adjustments:
        is_relevant |= shortlist.adjustments[EXACT_CODE] > 0
    held_count = int(np.count_nonzero(holds))
    if held_count and not is_relevant.all():
        scores = shortlist.features[:, _RULE_SCORE]
        least = _quantile(scores[holds], 0.5)
        if held_count < _TYPICAL_COUNT:
            least = max(least, _quantile(scores[~holds], _BEST_QUANTILE))
        is_relevant |= scores >= least
    return is_relevant


def _quantile(values: np.ndarray, share: float) -> float:
    return float(np.sort(values)[int(share * len(values))])


def relevant_end(shortlist: Shortlist, holding: np.ndarray) -> int:
    """Results of a shortlist before the first from which on all are only related.

    Args:
        shortlist: As ``related_last`` gave it, without items hidden or pinned since, or reordered.
        holding: As there.
    """
    pushed = shortlist.adjustments.get(RELATED_ONLY)
    is_relevant = _relevant(shortlist, holding) if pushed is None else pushed == 0
    return int(np.flatnonzero(is_relevant)[-1]) + 1 if is_relevant.any() else 0
