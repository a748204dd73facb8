"""Metrics of the very engine that is served, in process, beside the baselines it must beat."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from data.records import Judgment
from data.tables import Tables, event_micros, iter_events, iter_items
from serving.engine import Engine
from serving.filter_check import check_filters
from serving.measures import mean_interval, ranking_values, summary
from serving.questions import recommend_question, search_question
from serving.requests import Placement, RecommendRequest, SearchRequest
from serving.timings import index_recall, stage_timings
from serving.turns import measure_turns
from towers.baselines import BASELINES, two_towers
from towers.bundle import Layout
from towers.classical import classical_scores, load_classical
from towers.examples import TEST_FOLD, ReplayedLog, good_items, query_fold
from towers.queries import catalogue_query
from towers.question import Question, Reading
from towers.ranker import Ranker
from towers.reliability import reliability
from towers.session import Session

ENGINE = "engine"
TWO_TOWERS = "two_towers"
LEXICAL = "lexical"
FUSED = "fused"
BEHIND = "one_event_behind"
_AFTER_SECONDS = 3_600.0


class Stages(Protocol):
    """Who is told how far the evaluation is."""

    def start(self, stage: str, total: int | None = None) -> Callable[..., None]:
        """A stage begins; what is returned is called with the steps done."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How much is asked, and how deep.

    Args:
        request_limit: Browse requests, drawn from the test part.
        query_limit: Search requests.
        filter_count: Random filters; 0 leaves their check out.
        turn_count: Shoppers of each kind who change their mind.
        depth: Results a request.
        seed: Of all draws.
    """

    request_limit: int = 3_000
    query_limit: int = 1_000
    filter_count: int = 0
    turn_count: int = 100
    depth: int = 100
    seed: int = 7


@dataclass
class Clock:
    """The time that the engine under test reads: it is set to each event's own."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def set(self, now: float) -> None:
        """From here on it is ``now``."""
        self.now = now


@dataclass
class _Asked:
    """Rankings of every system for the same requests."""

    rankings: dict[str, list[list[str]]] = field(default_factory=dict)
    wanted: list[dict[str, int]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    is_bought: list[bool] = field(default_factory=list)

    def add(self, wanted: Sequence[str], rankings: Mapping[str, Sequence[str]]) -> None:
        self.wanted.append(dict.fromkeys(wanted, 1))
        for name, ranking in rankings.items():
            self.rankings.setdefault(name, []).append(list(ranking))

    def purchase_report(self, threshold: float) -> dict[str, float]:
        """How reliable the probabilities of the results were; empty where there is nothing to tell."""
        happened = np.array(self.is_bought, bool)
        if happened.all() or not happened.any():
            return {}
        return reliability(np.array(self.probabilities), happened, threshold=threshold)

    def report(self, seed: int) -> dict[str, Any]:
        values = {
            name: ranking_values(rankings, self.wanted) for name, rankings in self.rankings.items()
        }
        rivals = [name for name in values if name != ENGINE]
        return {
            "request_count": len(self.wanted),
            "systems": {name: summary(measured, seed=seed) for name, measured in values.items()},
            "lead_at_ndcg@10": {
                name: mean_interval(values[ENGINE]["ndcg@10"] - values[name]["ndcg@10"], seed=seed)
                for name in rivals
            },
        }


def evaluate_tables(
    bundle: Path, tables: Tables, settings: EvaluationSettings, *, stages: Stages
) -> dict[str, Any]:
    """Replays the test part through an engine, and asks it at moments of it.

    Every event before the test part builds the visitors' sessions; the models have seen none of
    those after it. The rest of the basket is wanted where the log holds baskets, else the next
    item. Whatever is in the basket already is neither wanted nor shown, by any system.
    """
    clock = Clock()
    engine = Engine.open(bundle, clock=clock, seed=settings.seed)
    try:
        report: dict[str, Any] = {
            "bundle_id": engine.bundle.manifest.bundle_id,
            "settings": asdict(settings),
            "warnings": _warnings(engine, tables),
        }
        queries = _judged_queries(engine, tables, settings)
        if queries:
            report["search"] = _ask_queries(engine, queries, settings, stages, clock)
        else:
            made = _made_queries(engine, tables, settings)
            report["search_made"] = _ask_queries(engine, made, settings, stages, clock)
        if tables.events.num_rows:
            asked = _replay_test(engine, tables, settings, stages, clock)
            if asked.wanted:
                report["browse"] = asked.report(settings.seed)
            calibration = engine.bundle.facts.calibration
            if calibration is not None:
                report["purchase_probability"] = asked.purchase_report(calibration.threshold)
        else:
            asked = _Asked()
        stages.start("turning shoppers")
        start = max(clock.now, engine.bundle.facts.counted_until) + _AFTER_SECONDS
        turn = measure_turns(
            engine, settings.turn_count, start=start, set_time=clock.set, seed=settings.seed
        )
        if turn:
            report["turn"] = turn
        stages.start("timing")
        questions = [reading.question for reading in asked.readings]
        questions += [
            search_question(
                SearchRequest(text), Session.empty(""), clock.now, engine.bundle.catalog
            )
            for text, _ in (queries or made)[:300]
        ]
        report["index"] = index_recall(engine.bundle.ranker, questions)
        report["median_ms"] = stage_timings(engine, questions)
        if settings.filter_count:
            report["filters"] = check_filters(
                engine,
                list(iter_items(tables.items)),
                count=settings.filter_count,
                seed=settings.seed,
                progress=stages.start("asking under filters", settings.filter_count),
            )
    finally:
        engine.close()
    return report


def _warnings(engine: Engine, tables: Tables) -> list[str]:
    """What makes the figures of this bundle on these tables worth less than they look."""
    newest = engine.bundle.facts.counted_until
    if not tables.events.num_rows or newest < tables.split.test_from:
        return []
    return ["the bundle has learnt from the test part: its figures say nothing of new shoppers"]


def _replay_test(
    engine: Engine, tables: Tables, settings: EvaluationSettings, stages: Stages, clock: Clock
) -> _Asked:
    catalog, ranker = engine.bundle.catalog, engine.bundle.ranker
    # The counts of the bundle end where the test part begins, so that no event counts twice.
    log = ReplayedLog.of(
        list(iter_events(tables.events)), catalog.row_of, learn_from_time=tables.split.test_from
    )
    moments = _test_moments(log, settings)
    asked = _Asked()
    classical = load_classical(Layout(engine.bundle.path).training)
    report = stages.start("replaying the test part", len(log.events))
    limit = 10_000 if log.targets.is_basket_log else 1
    for number, event in enumerate(log.events):
        report(number)
        if number in moments:
            clock.now = event.time
            session = engine.sessions.get(event.visitor_id).at(event.time)
            wanted = log.targets.after(number, limit)
            ids = [catalog.item_ids[row] for row in wanted.tolist()]
            ids = [item_id for item_id in ids if item_id not in session.basket]
            if ids:
                request = RecommendRequest(
                    Placement.HOME, event.visitor_id, page_size=settings.depth
                )
                answer = engine.recommend(request)
                rankings = {ENGINE: [result.item_id for result in answer.results]}
                question = recommend_question(request, session, event.time, catalog)
                reading = ranker.read(question)
                behind = one_event_behind(ranker, question)
                rankings[BEHIND] = [catalog.item_ids[row] for row in behind[: settings.depth]]
                for name, rank in {**BASELINES, TWO_TOWERS: two_towers}.items():
                    rows = rank(reading, ranker.sources, settings.depth)
                    rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
                rankings |= _classical_rankings(ranker, question, classical, settings.depth)
                asked.add(ids, rankings)
                bought = set(log.targets.bought_after(number).tolist())
                for result in answer.results:
                    if result.purchase_probability is not None:
                        asked.probabilities.append(result.purchase_probability)
                        asked.is_bought.append(catalog.row_of[result.item_id] in bought)
                if len(asked.readings) < 500:
                    asked.readings.append(reading)
        if number < log.learn_from:
            engine.sessions.apply(event)
        else:
            engine.apply(event)
    return asked


def _classical_rankings(
    ranker: Ranker, question: Question, weights: np.ndarray | None, depth: int
) -> dict[str, list[str]]:
    """What the classical models make of the very candidates and features of the engine."""
    if weights is None:
        return {}
    ranked, item_ids = ranker.rank(question), ranker.sources.catalog.item_ids
    rankings = {}
    for name, scores in classical_scores(weights, ranked.features).items():
        order = np.lexsort((ranked.rows, -scores))[:depth]
        rankings[name] = [item_ids[row] for row in ranked.rows[order].tolist()]
    return rankings


def one_event_behind(ranker: Ranker, question: Question) -> list[int]:
    """Rows of the answer as if the newest event had not arrived yet; the basket stays out of it."""
    session = question.session
    before = session.without(len(session.events) - 1) if session.events else session
    late = replace(question, session=before)
    return ranker.rank(late).rows.tolist()


def _test_moments(log: ReplayedLog, settings: EvaluationSettings) -> set[int]:
    """Events of the test part before which a request is made.

    One a session in a log of baskets, with at least one item in the basket already; in any other
    log every event whose item is wanted and is not the first of its session. Thinned out evenly.
    """
    draw = np.random.default_rng(settings.seed)
    starts: dict[int, list[int]] = {}
    for number in range(log.learn_from, len(log.events)):
        if log.targets.is_target[number]:
            starts.setdefault(int(log.sessions[number]), []).append(number)
    if log.targets.is_basket_log:
        moments = [
            numbers[int(draw.integers(1, len(numbers)))]
            for numbers in starts.values()
            if len(numbers) > 1
        ]
    else:
        moments = [number for numbers in starts.values() for number in numbers[1:]]
    if len(moments) > settings.request_limit:
        return set(draw.choice(moments, settings.request_limit, replace=False).tolist())
    return set(moments)


def _judged_queries(
    engine: Engine, tables: Tables, settings: EvaluationSettings
) -> list[tuple[str, list[str]]]:
    """Judged queries that training left out, with the items that people found good."""
    judgments = [Judgment(*row.values()) for row in tables.judgments.to_pylist()]
    row_of = engine.bundle.catalog.row_of
    queries = [
        (query, [item_id for item_id in good if item_id in row_of])
        for query, good in good_items(judgments).items()
        if query_fold(query) == TEST_FOLD
    ]
    queries = [(query, good) for query, good in queries if good]
    random.Random(settings.seed).shuffle(queries)
    return queries[: settings.query_limit]


def _made_queries(
    engine: Engine, tables: Tables, settings: EvaluationSettings
) -> list[tuple[str, list[str]]]:
    """Queries made from the catalogue for items of the test part, or for any without one.

    One item is wanted: every other one that fits the words as well is a miss.
    """
    catalog, chance = engine.bundle.catalog, random.Random(settings.seed + 100)
    is_test = event_micros(tables.events) >= tables.split.test_from * 1e6
    rows = catalog.rows(tables.events["item_id"].filter(is_test).to_pylist())
    rows = rows[rows >= 0] if (rows >= 0).any() else np.arange(catalog.count)
    queries = []
    for _ in range(settings.query_limit):
        row = int(rows[chance.randrange(len(rows))])
        text = catalogue_query(catalog, row, chance)
        if text:
            queries.append((text, [catalog.item_ids[row]]))
    return queries


def _ask_queries(
    engine: Engine,
    queries: Sequence[tuple[str, Sequence[str]]],
    settings: EvaluationSettings,
    stages: Stages,
    clock: Clock,
) -> dict[str, Any]:
    """Asks queries as a stranger: the engine, and beside it its parts, alone and fused by rule."""
    catalog, ranker = engine.bundle.catalog, engine.bundle.ranker
    clock.now = max(clock.now, engine.bundle.facts.counted_until)
    report = stages.start("asking queries", len(queries))
    classical = load_classical(Layout(engine.bundle.path).training)
    asked = _Asked()
    for number, (text, good) in enumerate(queries):
        report(number)
        request = SearchRequest(text, page_size=settings.depth, record=False)
        answer = engine.search(request)
        rankings = {ENGINE: [result.item_id for result in answer.results]}
        question = search_question(request, Session.empty(""), clock.now, catalog)
        reading = ranker.read(question)
        candidates = ranker.candidates(reading)
        order = np.lexsort((candidates.rows, -ranker.fused(reading, candidates)))
        found = {
            FUSED: candidates.rows[order[: settings.depth]],
            TWO_TOWERS: ranker.sources.nearest(reading, settings.depth),
        }
        if ranker.sources.lexical is not None:
            found[LEXICAL] = ranker.sources.lexical.search(text, settings.depth)[0]
        for name, rows in found.items():
            rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
        rankings |= _classical_rankings(ranker, question, classical, settings.depth)
        asked.add(good, rankings)
    return asked.report(settings.seed)
