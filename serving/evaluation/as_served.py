"""The whole evaluation of a bundle: the serving engine, in process, beside its baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from data.tables import Tables, iter_events, iter_items
from serving.answering.rank_request_builders import search_rank_request
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from serving.evaluation.after_sales import AfterSalesEvaluation, purchase_moments
from serving.evaluation.cross_sell import CrossSellEvaluation
from serving.evaluation.filter_check import check_filters
from serving.evaluation.index_recall import index_recall
from serving.evaluation.intent_shift import measure_intent_shift
from serving.evaluation.metrics import ListMetrics
from serving.evaluation.promotion import PromotionEvaluation
from serving.evaluation.searches.query_evaluation import (
    TWO_TOWERS,
    Query,
    ask_queries,
    judged_queries,
    misspelling_report,
    misspelt,
    synthetic_queries,
)
from serving.evaluation.searches.title_words import title_precision_report
from serving.evaluation.stage_latency import stage_timings
from serving.evaluation.system_rankings import (
    ENGINE,
    SystemRankings,
    diverse_rankings,
    rival_rankings,
)
from serving.placements.placement_list import recommend_rank_request
from towers.bundle.layout import Layout
from towers.datasets.head_queries import head_queries
from towers.datasets.replayed_log import ReplayedLog
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.training.baselines.next_basket import NextBasket
from towers.training.baselines.rivals import load_rivals
from towers.training.baselines.untrained import BASELINES, two_towers
from towers.training.encoder.text_baselines import text_baselines

BEHIND = "one_event_behind"
_AFTER_SECONDS = 3_600.0
_AFTER_PURCHASE_SECONDS = 60.0


class Progress(Protocol):
    """Reports progress of the evaluation."""

    def start(self, stage: str, total: int | None = None) -> Callable[..., None]:
        """Starts a stage; the returned function takes the number of steps done."""


class PlacementEvaluation(Protocol):
    """What one placement was asked, and what its answers are worth."""

    def report(self, seed: int) -> dict[str, Any]:
        """The metrics of all systems; empty where nothing was asked."""


@dataclass(frozen=True)
class EvaluationSettings:
    """Sample sizes and depth of the evaluation.

    Args:
        request_limit: Browse requests, sampled from the test part.
        query_limit: Search requests.
        misspelt_limit: Searches repeated with a typo; 0 for none.
        filter_count: Random filters; 0 skips their check.
        turn_count: Simulated visitors of each kind for the intent shift.
        depth: Results per request.
        has_text_baselines: Whether searches are also ranked by TF-IDF and by the large text encoder as
            it comes, which reads every title.
        diversities: Values of the policy's diversity that browse requests are also ranked with.
        seed: Of all sampling.
    """

    request_limit: int = 3_000
    query_limit: int = 1_000
    misspelt_limit: int = 500
    filter_count: int = 0
    turn_count: int = 100
    depth: int = 100
    has_text_baselines: bool = False
    diversities: tuple[float, ...] = ()
    seed: int = 7


@dataclass
class Clock:
    """The clock of the engine under test, set to the time of each event."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def set(self, now: float) -> None:
        """Sets the time to ``now``."""
        self.now = now


def evaluate_tables(
    bundle: Path,
    tables: Tables,
    settings: EvaluationSettings,
    *,
    stages: Progress,
    rules: Path | None = None,
) -> dict[str, Any]:
    """Replays the log through an engine, and makes requests at sampled moments of the test part.

    Events before the test part build the visitors' sessions; the models were not trained on those
    in it. Relevant are the remaining items of the basket if the log holds baskets, else the next
    item. Items in the basket already are neither relevant nor shown, by any system.

    Args:
        rules: The shop's rules and policy, in force for the engine alone; None: none.
    """
    clock = Clock()
    engine = Engine.open(bundle, rules=rules, clock=clock, seed=settings.seed)
    try:
        report: dict[str, Any] = {
            "bundle_id": engine.bundle.manifest.bundle_id,
            "settings": asdict(settings),
            "warnings": _warnings(engine, tables),
        }
        clock.now = max(clock.now, engine.bundle.facts.counted_until)
        limit, seed = settings.query_limit, settings.seed
        queries = judged_queries(engine, tables, limit=limit, seed=seed)
        section = "search" if queries else "search_made"
        queries = queries or synthetic_queries(engine, tables, limit=limit, seed=seed)

        def ask(stage: str, texts: Sequence[Query]) -> SystemRankings:
            progress = stages.start(stage, len(texts))
            depth, now = settings.depth, clock.now
            return ask_queries(
                engine, texts, depth=depth, time=now, progress=progress, baselines=baselines
            )

        baselines = None
        if settings.has_text_baselines:
            stages.start("reading the titles for the text baselines")
            baselines = text_baselines(engine.bundle.catalog.titles)
        searched = ask("asking queries", queries)
        variants = engine.bundle.variants
        lists = ListMetrics(
            engine.bundle.catalog,
            engine.bundle.ranker.sources.index.embeddings,
            None if variants is None else variants.codes,
        )
        report[section] = searched.report(seed, lists)
        numbers, slipped = misspelt(queries, limit=settings.misspelt_limit, seed=seed)
        if slipped:
            report["misspelt"] = misspelling_report(
                searched.part(numbers), ask("asking with slips", slipped), seed=seed
            )
        head = head_queries(engine.bundle.catalog, seed=settings.seed)
        if head:
            report["title_precision"] = title_precision_report(
                engine,
                head,
                time=clock.now,
                seed=settings.seed,
                progress=stages.start("asking by words of titles", len(head)),
            )
        if tables.events.num_rows:
            rankings_by_system, placements = _replay_test(engine, tables, settings, stages, clock)
            if rankings_by_system.relevant:
                report["browse"] = rankings_by_system.report(seed, lists)
            for name, placement in placements.items():
                if found := placement.report(seed):
                    report[name] = found
            calibration = engine.bundle.facts.calibration
            if calibration is not None:
                report["purchase_probability"] = rankings_by_system.purchase_report(
                    calibration.threshold
                )
        else:
            rankings_by_system = SystemRankings()
        stages.start("turning shoppers")
        start = max(clock.now, engine.bundle.facts.counted_until) + _AFTER_SECONDS
        shift = measure_intent_shift(
            engine, settings.turn_count, start=start, set_time=clock.set, seed=settings.seed
        )
        if shift:
            report["turn"] = shift
        stages.start("timing")
        rank_requests = [encoded.rank_request for encoded in rankings_by_system.encoded_requests]
        rank_requests += [
            search_rank_request(
                SearchRequest(text), Session.empty(""), clock.now, engine.bundle.catalog
            )
            for text, _ in queries[:300]
        ]
        report["index"] = index_recall(engine.bundle.ranker, rank_requests)
        report["median_ms"] = stage_timings(engine, rank_requests)
        if settings.filter_count:
            whole_log = engine.bundle.config.learn_test_part
            report["filters"] = check_filters(
                engine,
                engine.bundle.predictions.filled_all(
                    iter_items(tables.items_known(whole_log=whole_log)[0])
                ),
                count=settings.filter_count,
                seed=settings.seed,
                progress=stages.start("asking under filters", settings.filter_count),
            )
    finally:
        engine.close()
    return report


def _warnings(engine: Engine, tables: Tables) -> list[str]:
    """Reasons why the metrics of this bundle on these tables may be misleading."""
    newest = engine.bundle.facts.counted_until
    if not tables.events.num_rows or newest < tables.split.test_from:
        return []
    return ["the bundle has learnt from the test part: its figures say nothing of new shoppers"]


def _replay_test(
    engine: Engine, tables: Tables, settings: EvaluationSettings, stages: Progress, clock: Clock
) -> tuple[SystemRankings, dict[str, PlacementEvaluation]]:
    catalog, ranker = engine.bundle.catalog, engine.bundle.ranker
    # The bundle's counts end where the test part begins, so no event is counted twice.
    log = ReplayedLog.of(
        list(iter_events(tables.events)), catalog.row_of, learn_from_time=tables.split.test_from
    )
    moments = asked_moments(log, limit=settings.request_limit, seed=settings.seed)
    rankings_by_system = SystemRankings()
    rivals = load_rivals(Layout(engine.bundle.path).training)
    cross_sell = CrossSellEvaluation(engine, rivals, settings.depth)
    promotion = PromotionEvaluation(engine, rivals, settings.depth)
    after_sales = AfterSalesEvaluation(engine, settings.depth)
    is_basket_log = log.targets.is_basket_log
    purchases = purchase_moments(
        log, limit=settings.request_limit, rng=np.random.default_rng(settings.seed)
    )
    next_basket = NextBasket(log, catalog.count) if is_basket_log else None
    report = stages.start("replaying the test part", len(log.events))
    limit = 10_000 if is_basket_log else 1
    for number, event in enumerate(log.events):
        report(number)
        if number in moments:
            clock.now = event.time
            session = engine.sessions.get(event.visitor_id).at(event.time)
            relevant = log.targets.after(number, limit)
            ids = [catalog.item_ids[row] for row in relevant.tolist()]
            ids = [item_id for item_id in ids if item_id not in session.basket]
            if ids:
                request = RecommendRequest(
                    Placement.HOME, event.visitor_id, page_size=settings.depth
                )
                answer = engine.recommend(request)
                rankings = {ENGINE: [result.item_id for result in answer.results]}
                rank_request = recommend_rank_request(request, session, event.time, engine.bundle)
                encoded = ranker.read(rank_request)
                behind = one_event_behind(ranker, rank_request)
                rankings[BEHIND] = [catalog.item_ids[row] for row in behind[: settings.depth]]
                for name, rank in {**BASELINES, TWO_TOWERS: two_towers}.items():
                    rows = rank(encoded, ranker.sources, settings.depth)
                    rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
                if next_basket is not None:
                    found = next_basket.rankings(number, encoded, ranker.sources, settings.depth)
                    for name, rows in found.items():
                        rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
                rankings |= rival_rankings(ranker, rank_request, rivals, settings.depth)
                rankings |= diverse_rankings(
                    ranker, rank_request, settings.diversities, settings.depth
                )
                rankings_by_system.add(ids, rankings, answer.segment.label)
                if is_basket_log:
                    cross_sell.ask(event.visitor_id, session, event.time, catalog.rows(ids))
                promotion.ask(event.visitor_id, session, event.time, catalog.rows(ids))
                bought = set(log.targets.bought_after(number).tolist())
                for result in answer.results:
                    if result.purchase_probability is not None:
                        rankings_by_system.probabilities.append(result.purchase_probability)
                        rankings_by_system.weights.append(moments[number])
                        rankings_by_system.is_bought.append(
                            catalog.row_of[result.item_id] in bought
                        )
                if len(rankings_by_system.encoded_requests) < 500:
                    rankings_by_system.encoded_requests.append(encoded)
        # A bundle that has learnt from the test part counts its events already.
        if number < log.learn_from or engine.bundle.facts.has_counted(event.time):
            engine.sessions.apply(event)
        else:
            engine.apply(event)
        if number in purchases:
            clock.now = event.time + _AFTER_PURCHASE_SECONDS
            session = engine.sessions.get(event.visitor_id).at(clock.now)
            after_sales.ask(session, clock.now, purchases[number])
    return rankings_by_system, {
        "cross_sell": cross_sell,
        "promotion": promotion,
        "after_sales": after_sales,
    }


def one_event_behind(ranker: Ranker, rank_request: RankRequest) -> list[int]:
    """Rows of the answer without the newest event; basket items stay excluded."""
    session = rank_request.session
    before = session.without(len(session.events) - 1) if session.events else session
    late = replace(rank_request, session=before)
    return ranker.rank(late).rows.tolist()


def asked_moments(log: ReplayedLog, *, limit: int, seed: int) -> dict[int, float]:
    """Numbers of the test events before which a request is made, and how many such each stands for.

    In a log of baskets one per session, with at least one item in the basket already; in any other
    log every target event but the first of its session. Sampled uniformly beyond the limit. A shop
    asks at every step of a basket: where the frequency of purchases counts, one step stands for all.
    """
    generator = np.random.default_rng(seed)
    starts: dict[int, list[int]] = {}
    for number in range(log.learn_from, len(log.events)):
        if log.targets.is_target[number]:
            starts.setdefault(int(log.sessions[number]), []).append(number)
    if log.targets.is_basket_log:
        moments = {
            numbers[int(generator.integers(1, len(numbers)))]: len(numbers) - 1.0
            for numbers in starts.values()
            if len(numbers) > 1
        }
    else:
        moments = {number: 1.0 for numbers in starts.values() for number in numbers[1:]}
    if len(moments) > limit:
        sampled = generator.choice([*moments], limit, replace=False)
        moments = {number: moments[number] for number in sampled.tolist()}
    return moments
