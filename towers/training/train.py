"""From clean tables to a released bundle: towers, indexes, reranker, calibration, release."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from data.atomic import atomic_folder, check_replaceable
from data.records import EventType
from data.tables import Tables, event_micros, iter_items
from towers.bundle.bundle import RERANK_BATCH_SIZE, write_completion, write_sources
from towers.bundle.golden import golden_answers
from towers.bundle.layout import Layout
from towers.bundle.manifest import NAME as MANIFEST_NAME
from towers.bundle.manifest import sign
from towers.bundle.model_metadata import ModelMetadata, write_facts
from towers.catalog.item_tokens import item_tokens
from towers.config import Config, TextConfig, default_config
from towers.datasets.dataset import Dataset
from towers.datasets.example_mix import (
    Parts,
    is_enough,
    synthetic_session_mix,
    tower_examples,
    withheld_judged_examples,
)
from towers.datasets.examples import (
    RERANK_FOLDS,
    TEST_FOLD,
    Examples,
    browse_and_search_examples,
    joined,
)
from towers.datasets.progress import Progress
from towers.datasets.pseudo_judgments import held_out_queries, made_queries
from towers.datasets.ranking_lists import (
    Lists,
    ListsReport,
    judged_queries,
    query_lists,
    replayed_lists,
)
from towers.datasets.replayed_log import ReplayedLog
from towers.datasets.synthetic_queries import golden_queries
from towers.datasets.synthetic_sessions import SYNTHETIC_TYPES
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex
from towers.models.deep_cross import DeepCross
from towers.models.export import reranker_file
from towers.models.fitting import Curves
from towers.models.two_tower import TwoTower
from towers.ranking.calibration import Calibration
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.litert_models import LiteModel, Reranker
from towers.ranking.ranker import Ranker
from towers.retrieval.candidates import Sources
from towers.retrieval.source import TextVectors, TrainingData
from towers.search_box.popular_queries import searched_queries
from towers.sessions.targets import TARGET_TYPES
from towers.training.calibration_training import PurchaseMoments
from towers.training.classical_baselines import FILE_NAME as CLASSICAL_NAME
from towers.training.classical_baselines import fit_classical
from towers.training.encoder.text_vectors import text_vectors
from towers.training.litert_export import export_towers, rerank_agreement
from towers.training.loss_curves import draw_curves
from towers.training.offers.offer_training import release_offers
from towers.training.reranker_training import train_reranker
from towers.training.search_share import SearchShare, choose_search_share
from towers.training.tower_training import rank_report, refresh_towers, train_towers
from towers.training.translations import translations

_VALIDATION_SHARE = 0.15
"""Newest share of the requests: validates the reranker and trains the purchase probability."""
_LEAST_LIST_COUNT = 8
_MADE_SHARE = 0.25
"""Made queries for each judged one in the reranker's training: judgments outweigh what is made."""


def starting_config(tables: Tables) -> Config:
    """The default settings for the data of these tables."""
    text = TextConfig()
    has_words = any(item_tokens(item, text).any() for item in iter_items(tables.items))
    types = tables.events["type"].to_numpy()[
        event_micros(tables.events) / 1e6 < tables.split.rank_from
    ]
    has_log = is_enough(int(np.isin(types, sorted(TARGET_TYPES)).sum()), has_words=has_words)
    return default_config(has_words=has_words, has_log=has_log)


def train(
    tables: Tables, out: Path, config: Config, *, created_time: float, stages: Progress
) -> dict[str, Any]:
    """Trains both stages and writes the bundle; returns what goes into ``metrics.json``.

    The towers are trained on events before the split's ``rank_from``. Events up to ``test_from``
    validate them and train the reranker, whose candidates must come from models that have not seen
    its labels. Then the towers are fine-tuned on both parts, and co-occurrence and past sessions are
    counted over both, so that the release includes the newest data. Events from ``test_from`` on are
    used only with ``learn_test_part``.

    Raises:
        InputError: The tables hold no items or no training data, or ``out`` exists and is not a
            bundle.
    """
    check_replaceable(out, marker=MANIFEST_NAME)
    stages.start("reading tables")
    dataset = Dataset.of(tables, config.text, whole_log=config.learn_test_part)
    parts = Parts.of(dataset)
    early, late = parts.early, parts.late
    training_examples, validation, sessions_report = tower_examples(dataset, parts, config, stages)
    report = stages.start("training the two towers", 1)
    model, tower_curves = train_towers(
        training_examples,
        validation,
        dataset.catalog.tokens[: dataset.catalog.count],
        config,
        words=dataset.pretrained_words(config),
        has_log=parts.early_suffices,
        progress=report,
    )
    tower_report = rank_report(model, validation)
    sample = validation if validation.count else training_examples
    with atomic_folder(out, marker=MANIFEST_NAME) as folder:
        layout = Layout(folder)
        stages.start("building indexes")
        lexical = LexicalIndex.build(dataset.items)
        lexical.translate(translations(lexical.rewriter.counts))
        exported = export_towers(model, dataset.catalog, sample, config)
        text, text_report = text_vectors(dataset, config, stages)
        data = _source_data(dataset, early, index=exported.index, lexical=lexical, text=text)
        sources = Sources.build(data, config.sources)
        synthetic_types = frozenset[int]() if parts.early_suffices else SYNTHETIC_TYPES
        known_types = early.known_types | synthetic_types | {int(EventType.SEARCH)}
        ranker = Ranker(sources, exported.encoder, None, config=config, known_types=known_types)
        held_out_from = late.newest_from(_VALIDATION_SHARE)
        moments = PurchaseMoments(late, ranker, held_out_from=held_out_from, seed=config.seed)
        lists, lists_report, rerank_curves, deep_cross, search_share = _train_reranker(
            dataset, parts, ranker, config, stages, moments, held_out_from
        )
        calibration: Calibration | None = None
        purchase_report: dict[str, Any] = {}
        means = np.zeros(len(FEATURE_NAMES), np.float32)
        rerank_parity: dict[str, float] = {}
        if deep_cross is not None:
            content = reranker_file(deep_cross, len(FEATURE_NAMES), RERANK_BATCH_SIZE)
            (layout / "reranker.tflite").write_bytes(content)
            ranker.reranker = Reranker(LiteModel(content))
            means = deep_cross.mean.numpy()
            rerank_parity = rerank_agreement(deep_cross, ranker.reranker, lists)
            calibration, purchase_report = moments.learn(ranker.reranker)
        newest = late
        if config.learn_test_part:
            newest = dataset.log(float("inf"), dataset.rank_from)
            for event in newest.events[len(late.events) :]:
                ranker.record(event)
        if config.retrieval.refresh_epoch_count and (
            newest.targets.is_target.any() or dataset.judgments
        ):
            _refresh_towers(model, dataset, parts, newest, training_examples, config, stages)
            exported = export_towers(model, dataset.catalog, sample, config)
            ranker.encoder = exported.encoder
        stages.start("releasing")
        exported.write(layout)
        if deep_cross is not None:
            training_lists = lists.part(slice(0, lists_report.learnt_count))
            relevant = training_lists.is_relevant[training_lists.present]
            if relevant.any() and not relevant.all():
                features = training_lists.features[training_lists.present]
                classical = fit_classical(features, relevant, seed=config.seed)
                np.save(layout.training / CLASSICAL_NAME, classical)
        sources.rebuild(
            _source_data(dataset, newest, index=exported.index, lexical=lexical, text=text)
        )
        write_sources(layout, sources)
        write_completion(
            layout, dataset.catalog, searched_queries(newest.events, config.completion)
        )
        counted_until = newest.events[-1].time if newest.events else 0.0
        golden = golden_answers(
            ranker, golden_queries(dataset.catalog, config.seed), time=counted_until
        )
        facts = ModelMetadata(
            tuple(sorted(int(type_) for type_ in ranker.known_types)),
            FEATURE_NAMES,
            tuple(float(mean) for mean in means),
            counted_until,
            tables.items_known(whole_log=config.learn_test_part)[1],
            golden,
            calibration,
            tables.log_positions,
        )
        write_facts(layout, config, facts)
        until = float("inf") if config.learn_test_part else tables.split.test_from
        embeddings = exported.index.embeddings
        offers = release_offers(
            layout, tables, dataset, embeddings, until=until, stages=stages, seed=config.seed
        )
        curves = {"two towers": tower_curves, "reranker": rerank_curves}
        metrics = {
            "towers": _curves_report(tower_curves),
            "reranker": _curves_report(rerank_curves),
            "validation": tower_report,
            "visits": None if sessions_report is None else asdict(sessions_report),
            "lists": asdict(lists_report),
            "purchase_probability": purchase_report,
            "index": asdict(sources.index.shape),
            "text_encoder": asdict(text_report),
            "search_share": None if search_share is None else search_share.report(),
            "offers": offers,
            "litert_parity": {**exported.agreement(model, sample), **rerank_parity},
            "warnings": [
                *(
                    f"the {name} overfit: {one.summary()}"
                    for name, one in curves.items()
                    if one.overfits
                ),
                *text_report.warnings,
                *(search_share.warnings if search_share is not None else ()),
            ],
        }
        draw_curves(layout / "curves.png", curves)
        layout.metrics.write_text(json.dumps(metrics, indent=1), encoding="utf-8")
        sign(folder, created_time)
    return metrics


def _refresh_towers(
    model: TwoTower,
    dataset: Dataset,
    parts: Parts,
    newest: ReplayedLog,
    training_examples: Examples,
    config: Config,
    stages: Progress,
) -> None:
    """Fine-tunes the towers on their training examples and on those withheld for the reranker."""
    settings = config.retrieval
    report = stages.start("replaying the newest events", len(newest.events))
    later = browse_and_search_examples(
        newest,
        dataset.catalog,
        config,
        browse_limit=settings.browse_example_limit,
        search_limit=settings.search_example_limit,
        progress=report,
    )
    judged = withheld_judged_examples(dataset, parts, config)
    report = stages.start("refreshing the two towers", 1)
    refresh_towers(model, joined([training_examples, later, judged]), config, progress=report)


def _source_data(
    dataset: Dataset,
    log: ReplayedLog,
    *,
    index: ItemIndex,
    lexical: LexicalIndex,
    text: TextVectors | None,
) -> TrainingData:
    sessions = log.session_log()
    return TrainingData(dataset.catalog, log.events, log.rows, sessions, index, lexical, text)


def _train_reranker(
    dataset: Dataset,
    parts: Parts,
    ranker: Ranker,
    config: Config,
    stages: Progress,
    moments: PurchaseMoments,
    held_out_from: int,
) -> tuple[Lists, ListsReport, Curves, DeepCross | None, SearchShare | None]:
    settings = config.rerank
    late = parts.late
    if parts.late_suffices:
        report = stages.start("replaying requests", len(late.events))
        lists, lists_report = replayed_lists(
            late,
            ranker,
            request_limit=settings.request_limit,
            turned_share=settings.turned_share,
            seed=config.seed,
            held_out_from=held_out_from,
            watch=moments,
            progress=report,
        )
    else:
        folds = [TEST_FOLD, *RERANK_FOLDS] if config.learn_test_part else RERANK_FOLDS
        limit = settings.request_limit
        judged = judged_queries(dataset.catalog, dataset.judgments, limit, config.seed, folds=folds)
        made_limit = int(len(judged) * _MADE_SHARE) if judged else limit
        made = made_queries(dataset.catalog, made_limit, config.seed)
        everything = np.arange(dataset.catalog.count)
        sessions, sessions_report = synthetic_session_mix(
            dataset, everything, query_count=len(judged) or 2 * len(made), seed=config.seed + 3
        )
        count = len(judged) + len(made) + len(sessions)
        report = stages.start("asking queries", count)
        lists, lists_report = query_lists(
            ranker,
            judged,
            made,
            sessions,
            time=dataset.test_from,
            held_out_share=_VALIDATION_SHARE,
            seed=config.seed,
            progress=report,
        )
        lists_report = replace(lists_report, visits=sessions_report)
        for event in late.events[late.learn_from :]:
            ranker.record(event)
    if lists_report.learnt_count < _LEAST_LIST_COUNT:
        return lists, lists_report, Curves((), ()), None, None
    report = stages.start("training the reranker", 1)
    held_out = lists.part(slice(lists_report.learnt_count, lists.count))
    model, curves = train_reranker(
        lists.part(slice(0, lists_report.learnt_count)),
        held_out,
        settings,
        seed=config.seed,
        progress=report,
    )
    stages.start("comparing with the fixed rule")
    share = choose_search_share(
        model,
        ranker,
        held_out,
        held_out_queries(dataset.catalog, config.seed + 4),
        is_taught=bool(dataset.judgments) or parts.late_suffices,
        time=dataset.test_from,
    )
    return lists, lists_report, curves, model, share


def _curves_report(curves: Curves) -> dict[str, Any]:
    return {
        **asdict(curves),
        "best_epoch": curves.best_epoch,
        "gap": curves.gap,
        "overfits": curves.overfits,
    }
