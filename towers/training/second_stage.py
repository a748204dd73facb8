"""The second stage: its lists, its training, how much of it searches are served, and its rivals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from towers.bundle.bundle import RERANK_BATCH_SIZE
from towers.config import Config, RerankConfig
from towers.datasets.dataset import Dataset
from towers.datasets.example_mix import Parts, synthetic_session_mix
from towers.datasets.examples import RERANK_FOLDS, TEST_FOLD
from towers.datasets.progress import Progress
from towers.datasets.pseudo_judgments import held_out_queries, made_queries
from towers.datasets.ranking_lists import (
    Lists,
    ListsReport,
    Watch,
    judged_queries,
    query_lists,
    replayed_lists,
)
from towers.models.deep_cross import DeepCross
from towers.models.export import reranker_file
from towers.models.fitting import Curves
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.ranker import Ranker
from towers.training.baselines.classical import FILE_NAME as CLASSICAL_NAME
from towers.training.baselines.classical import fit_classical
from towers.training.baselines.lambda_mart import FILE_NAME as TREES_NAME
from towers.training.baselines.lambda_mart import LambdaMart, is_installed
from towers.training.baselines.rivals import SEED
from towers.training.reranker_training import train_reranker
from towers.training.search_share import SearchShare, choose_search_share

VALIDATION_SHARE = 0.15
"""Newest share of the requests: validates the reranker and trains the purchase probability."""
_LEAST_LIST_COUNT = 8
_MADE_SHARE = 0.25
"""Made queries for each judged one in the reranker's training: judgments outweigh what is made."""


@dataclass(frozen=True)
class SecondStage:
    """The lists, and what was trained on them.

    Args:
        model: None where there were too few lists.
        share: How much of the model searches are served; None without a model.
    """

    lists: Lists
    report: ListsReport
    curves: Curves
    model: DeepCross | None = None
    share: SearchShare | None = None

    @property
    def learnt(self) -> Lists:
        """The lists that the model was trained on."""
        return self.lists.part(slice(0, self.report.learnt_count))

    @property
    def held_out(self) -> Lists:
        """The later lists, which validate it."""
        return self.lists.part(slice(self.report.learnt_count, self.lists.count))

    def write_rivals(
        self, folder: Path, settings: RerankConfig, stages: Progress, seed: int
    ) -> None:
        """Trains and writes what ``evaluate`` compares the model with; nothing without a model."""
        if self.model is None or self.share is None:
            return
        relevant = self.learnt.is_relevant[self.learnt.present]
        if not relevant.any() or relevant.all():
            return
        features = self.learnt.features[self.learnt.present]
        np.save(folder / CLASSICAL_NAME, fit_classical(features, relevant, seed=seed))
        others = range(seed + 1, seed + settings.seed_count)
        if others and is_installed():
            stages.start("training LambdaMART")
            trees = LambdaMart.train(self.learnt, self.held_out, seed=seed)
            (folder / TREES_NAME).write_text(trees.text, encoding="utf-8")
        for other in others:
            report = stages.start(f"training the reranker from seed {other}", 1)
            model, _ = train_reranker(
                self.learnt, self.held_out, settings, seed=other, progress=report
            )
            model.search_share.assign(self.share.share)
            (folder / f"{SEED}{other}.tflite").write_bytes(exported(model))


def exported(model: DeepCross) -> bytes:
    """A reranker as LiteRT."""
    return reranker_file(model, len(FEATURE_NAMES), RERANK_BATCH_SIZE)


def train_second_stage(
    dataset: Dataset,
    parts: Parts,
    ranker: Ranker,
    config: Config,
    stages: Progress,
    watch: Watch,
) -> SecondStage:
    """Ranks requests of the late part, and trains the reranker on their candidates.

    Args:
        ranker: Without a reranker; its counts include the early part, and those of the late one when
            this returns.
        watch: Called with each event of the replay and the session before it.
    """
    lists, report = _lists(dataset, parts, ranker, config, stages, watch)
    stage = SecondStage(lists, report, Curves((), ()))
    if report.learnt_count < _LEAST_LIST_COUNT:
        return stage
    progress = stages.start("training the reranker", 1)
    model, curves = train_reranker(
        stage.learnt, stage.held_out, config.rerank, seed=config.seed, progress=progress
    )
    stages.start("comparing with the fixed rule")
    share = choose_search_share(
        model,
        ranker,
        stage.held_out,
        held_out_queries(dataset.catalog, config.seed + 4),
        is_taught=bool(dataset.judgments) or parts.late_suffices,
        time=dataset.test_from,
    )
    return replace(stage, curves=curves, model=model, share=share)


def _lists(
    dataset: Dataset,
    parts: Parts,
    ranker: Ranker,
    config: Config,
    stages: Progress,
    watch: Watch,
) -> tuple[Lists, ListsReport]:
    settings, late = config.rerank, parts.late
    if parts.late_suffices:
        report = stages.start("replaying requests", len(late.events))
        return replayed_lists(
            late,
            ranker,
            request_limit=settings.request_limit,
            turned_share=settings.turned_share,
            seed=config.seed,
            held_out_from=late.newest_from(VALIDATION_SHARE),
            watch=watch,
            progress=report,
        )
    folds = [TEST_FOLD, *RERANK_FOLDS] if config.learn_test_part else RERANK_FOLDS
    limit = settings.request_limit
    judged = judged_queries(dataset.catalog, dataset.judgments, limit, config.seed, folds=folds)
    made_limit = int(len(judged) * _MADE_SHARE) if judged else limit
    made = made_queries(dataset.catalog, made_limit, config.seed)
    everything = np.arange(dataset.catalog.count)
    sessions, sessions_report = synthetic_session_mix(
        dataset, everything, query_count=len(judged) or 2 * len(made), seed=config.seed + 3
    )
    report = stages.start("asking queries", len(judged) + len(made) + len(sessions))
    lists, lists_report = query_lists(
        ranker,
        judged,
        made,
        sessions,
        time=dataset.test_from,
        held_out_share=VALIDATION_SHARE,
        seed=config.seed,
        progress=report,
    )
    for event in late.events[late.learn_from :]:
        ranker.record(event)
    return lists, replace(lists_report, visits=sessions_report)
