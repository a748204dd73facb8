"""Searches by strangers with known answers: the engine beside its parts, as typed and misspelt."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from data.records import Judgment
from data.tables import Tables, event_micros
from serving.answering.rank_requests import search_rank_request
from serving.api.requests import SearchRequest
from serving.engine import Engine
from serving.evaluation.metrics import mean_interval
from serving.evaluation.system_rankings import ENGINE, SystemRankings, classical_rankings
from towers.bundle.layout import Layout
from towers.datasets.examples import TEST_FOLD, good_items, query_fold
from towers.datasets.synthetic_queries import catalogue_query
from towers.sessions.session import Session
from towers.training.classical import load_classical

TWO_TOWERS = "two_towers"
LEXICAL = "lexical"
FUSED = "fused"

Query = tuple[str, list[str]]
"""A text, and the ids of the items wanted."""

_DEEP_MEASURE = "r@100"
_LEAST_LETTERS = 4


def judged_queries(engine: Engine, tables: Tables, *, limit: int, seed: int) -> list[Query]:
    """Judged queries that training left out, with the items that people found good."""
    judgments = [Judgment(*row.values()) for row in tables.judgments.to_pylist()]
    row_of = engine.bundle.catalog.row_of
    queries = [
        (query, [item_id for item_id in good if item_id in row_of])
        for query, good in good_items(judgments).items()
        if query_fold(query) == TEST_FOLD
    ]
    queries = [(query, good) for query, good in queries if good]
    random.Random(seed).shuffle(queries)
    return queries[:limit]


def made_queries(engine: Engine, tables: Tables, *, limit: int, seed: int) -> list[Query]:
    """Queries made from the catalogue for items of the test part, or for any without one.

    One item is wanted: every other one that fits the words as well is a miss. No word has a slip.
    """
    catalog, rng = engine.bundle.catalog, random.Random(seed + 100)
    is_test = event_micros(tables.events) >= tables.split.test_from * 1e6
    rows = catalog.rows(tables.events["item_id"].filter(is_test).to_pylist())
    rows = rows[rows >= 0] if (rows >= 0).any() else np.arange(catalog.count)
    queries = []
    for _ in range(limit):
        row = int(rows[rng.randrange(len(rows))])
        text = catalogue_query(catalog, row, rng, has_errors=False)
        if text:
            queries.append((text, [catalog.item_ids[row]]))
    return queries


def ask_queries(
    engine: Engine,
    queries: Sequence[Query],
    *,
    depth: int,
    time: float,
    progress: Callable[..., object],
) -> SystemRankings:
    """Asks queries as a stranger: the engine, and beside it its parts, alone and fused by rule."""
    catalog, ranker = engine.bundle.catalog, engine.bundle.ranker
    classical = load_classical(Layout(engine.bundle.path).training)
    asked = SystemRankings()
    for number, (text, good) in enumerate(queries):
        progress(number)
        request = SearchRequest(text, page_size=depth, record=False)
        answer = engine.search(request)
        rankings = {ENGINE: [result.item_id for result in answer.results]}
        rank_request = search_rank_request(request, Session.empty(""), time, catalog)
        encoded = ranker.read(rank_request)
        candidates = ranker.candidates(encoded)
        order = np.lexsort((candidates.rows, -ranker.fused(encoded, candidates)))
        found = {
            FUSED: candidates.rows[order[:depth]],
            TWO_TOWERS: ranker.sources.nearest(encoded, depth),
        }
        if ranker.sources.lexical is not None:
            found[LEXICAL] = ranker.sources.lexical.search(encoded.query, depth)[0]
        for name, rows in found.items():
            rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
        rankings |= classical_rankings(ranker, rank_request, classical, depth)
        asked.add(good, rankings)
    return asked


def misspelt(queries: Sequence[Query], *, limit: int, seed: int) -> tuple[list[int], list[Query]]:
    """The first queries that have a word of four English letters or more, each with one slip.

    Anywhere in a word drawn by chance a letter is left out, put in or changed, or two are swapped:
    not the slips that training makes up, which spare the first letter.

    Returns:
        Which of ``queries`` they are, and the queries with the slip.
    """
    rng = random.Random(seed)
    numbers: list[int] = []
    slipped: list[Query] = []
    for number, (text, good) in enumerate(queries):
        words = text.split()
        places = [
            place
            for place, word in enumerate(words)
            if len(word) >= _LEAST_LETTERS and word.isascii() and word.isalpha()
        ]
        if not places or len(numbers) == limit:
            continue
        place = rng.choice(places)
        slip = words[place]
        while slip == words[place]:
            slip = _with_slip(words[place], rng)
        numbers.append(number)
        slipped.append((" ".join([*words[:place], slip, *words[place + 1 :]]), good))
    return numbers, slipped


def _with_slip(word: str, rng: random.Random) -> str:
    """The word with a slip anywhere in it; now and then the word itself."""
    place, letter = rng.randrange(len(word)), rng.choice(string.ascii_lowercase)
    before, here, after = word[:place], word[place], word[place + 1 :]
    ways = (before + after, before + letter + here + after, before + letter + after)
    return rng.choice((*ways, before + after[:1] + here + after[1:]))


def misspelling_report(
    as_typed: SystemRankings, slipped: SystemRankings, *, seed: int
) -> dict[str, Any]:
    """How far each system's recall@100 falls by one slip a query, with intervals.

    Args:
        as_typed: The queries as they were meant.
        slipped: The same queries in the same order, each with a slip.
    """
    before, after = as_typed.values(), slipped.values()
    systems = {
        name: {
            "as_typed": mean_interval(values[_DEEP_MEASURE], seed=seed),
            "misspelt": mean_interval(after[name][_DEEP_MEASURE], seed=seed),
            "fall": mean_interval(values[_DEEP_MEASURE] - after[name][_DEEP_MEASURE], seed=seed),
        }
        for name, values in before.items()
    }
    return {"query_count": len(as_typed.relevant), "measure": _DEEP_MEASURE, "systems": systems}
