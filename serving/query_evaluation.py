"""Searches by strangers with known answers: the engine beside its parts, as typed and misspelt."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from data.records import Judgment
from data.tables import Tables, event_micros
from serving.asked import ENGINE, Asked, classical_rankings
from serving.engine import Engine
from serving.measures import mean_interval
from serving.questions import search_question
from serving.requests import SearchRequest
from towers.bundle import Layout
from towers.classical import load_classical
from towers.examples import TEST_FOLD, good_items, query_fold
from towers.queries import catalogue_query, with_typo
from towers.session import Session

TWO_TOWERS = "two_towers"
LEXICAL = "lexical"
FUSED = "fused"

Query = tuple[str, list[str]]
"""A text, and the ids of the items wanted."""

_DEEP_MEASURE = "r@100"


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

    One item is wanted: every other one that fits the words as well is a miss.
    """
    catalog, chance = engine.bundle.catalog, random.Random(seed + 100)
    is_test = event_micros(tables.events) >= tables.split.test_from * 1e6
    rows = catalog.rows(tables.events["item_id"].filter(is_test).to_pylist())
    rows = rows[rows >= 0] if (rows >= 0).any() else np.arange(catalog.count)
    queries = []
    for _ in range(limit):
        row = int(rows[chance.randrange(len(rows))])
        text = catalogue_query(catalog, row, chance)
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
) -> Asked:
    """Asks queries as a stranger: the engine, and beside it its parts, alone and fused by rule."""
    catalog, ranker = engine.bundle.catalog, engine.bundle.ranker
    classical = load_classical(Layout(engine.bundle.path).training)
    asked = Asked()
    for number, (text, good) in enumerate(queries):
        progress(number)
        request = SearchRequest(text, page_size=depth, record=False)
        answer = engine.search(request)
        rankings = {ENGINE: [result.item_id for result in answer.results]}
        question = search_question(request, Session.empty(""), time, catalog)
        reading = ranker.read(question)
        candidates = ranker.candidates(reading)
        order = np.lexsort((candidates.rows, -ranker.fused(reading, candidates)))
        found = {
            FUSED: candidates.rows[order[:depth]],
            TWO_TOWERS: ranker.sources.nearest(reading, depth),
        }
        if ranker.sources.lexical is not None:
            found[LEXICAL] = ranker.sources.lexical.search(text, depth)[0]
        for name, rows in found.items():
            rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
        rankings |= classical_rankings(ranker, question, classical, depth)
        asked.add(good, rankings)
    return asked


def misspelt(queries: Sequence[Query], *, limit: int, seed: int) -> tuple[list[Query], list[Query]]:
    """The first queries that have a word of four English letters, and each with one slip in it.

    A letter is left out, doubled or changed, or two are swapped, in a word drawn by chance.
    """
    chance = random.Random(seed)
    as_typed: list[Query] = []
    slipped: list[Query] = []
    for text, good in queries:
        words = text.split()
        places = [place for place, word in enumerate(words) if with_typo(word, chance) != word]
        if not places or len(as_typed) == limit:
            continue
        place = chance.choice(places)
        slip = words[place]
        while slip == words[place]:
            slip = with_typo(words[place], chance)
        as_typed.append((text, good))
        slipped.append((" ".join([*words[:place], slip, *words[place + 1 :]]), good))
    return as_typed, slipped


def misspelling_report(as_typed: Asked, slipped: Asked, *, seed: int) -> dict[str, Any]:
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
    return {"query_count": len(as_typed.wanted), "measure": _DEEP_MEASURE, "systems": systems}
