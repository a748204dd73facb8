"""From clean tables to a released bundle: towers, indexes, reranker, calibration, release."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from data.atomic import atomic_folder, check_replaceable
from data.predicted.predictions import prediction_report
from data.records import Event, EventType
from data.tables import Tables, event_micros, iter_items
from towers.after_sales.after_sales import AfterSales
from towers.bundle.bundle import (
    write_after_sales,
    write_completion,
    write_sources,
    write_variants,
)
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
    tower_examples,
    withheld_judged_examples,
)
from towers.datasets.examples import (
    Examples,
    browse_and_search_examples,
    joined,
)
from towers.datasets.progress import Progress
from towers.datasets.replayed_log import ReplayedLog
from towers.datasets.synthetic_queries import golden_queries
from towers.datasets.synthetic_sessions import SYNTHETIC_TYPES
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex
from towers.models.fitting import Curves
from towers.models.two_tower import TwoTower
from towers.ranking.calibration import Calibration
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.litert_models import LiteModel, Reranker
from towers.ranking.ranker import Ranker
from towers.retrieval.candidates import Sources
from towers.retrieval.source import TextVectors, TrainingData
from towers.search_box.popular_queries import searched_queries
from towers.sessions.session import Session
from towers.sessions.targets import TARGET_TYPES
from towers.training.actions.action_training import LearntActions, learn_actions
from towers.training.actions.answers_in_log import AnsweredMoments
from towers.training.calibration_training import PurchaseMoments
from towers.training.demand_release import learnt_demand
from towers.training.encoder.text_vectors import text_vectors
from towers.training.images.image_encoding import encoded_modalities
from towers.training.languages.translations import translations
from towers.training.litert_export import export_towers, rerank_agreement
from towers.training.loss_curves import draw_curves
from towers.training.offers.offer_training import release_offers
from towers.training.second_stage import VALIDATION_SHARE, exported, train_second_stage
from towers.training.tower_training import rank_report, refresh_towers, train_towers
from towers.variants.variant_groups import check_group_attribute


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
        ConfigError: The settings group variants by an attribute that no item has.
    """
    check_replaceable(out, marker=MANIFEST_NAME)
    stages.start("reading tables")
    dataset = Dataset.of(
        tables,
        config.text,
        whole_log=config.learn_test_part,
        use_predicted=config.attributes.use_predicted,
    )
    check_group_attribute(dataset.catalog, config.variants)
    # First, so that a log too short for it is told before hours of training.
    until = float("inf") if config.learn_test_part else tables.split.test_from
    cover, demand_report = learnt_demand(
        tables, dataset.catalog, config.demand, until=until, seed=config.seed, stages=stages
    )
    parts = Parts.of(dataset)
    early, late = parts.early, parts.late
    training_examples, validation, sessions_report = tower_examples(dataset, parts, config, stages)
    encoded = encoded_modalities(dataset, config, stages)
    modalities = encoded.vectors(dataset.catalog.count)
    report = stages.start("training the two towers", 1)
    model, tower_curves = train_towers(
        training_examples,
        validation,
        dataset.catalog.tokens[: dataset.catalog.count],
        config,
        words=dataset.pretrained_words(config),
        modalities=modalities,
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
        towers = export_towers(model, dataset.catalog, sample, config, modalities)
        text, text_report = text_vectors(dataset, config, stages)
        data = _source_data(dataset, early, index=towers.index, lexical=lexical, text=text)
        sources = Sources.build(data, config.sources)
        synthetic_types = frozenset[int]() if parts.early_suffices else SYNTHETIC_TYPES
        known_types = early.known_types | synthetic_types | {int(EventType.SEARCH)}
        ranker = Ranker(sources, towers.encoder, None, config=config, known_types=known_types)
        moments = PurchaseMoments(
            late, ranker, held_out_from=late.newest_from(VALIDATION_SHARE), seed=config.seed
        )
        answered = AnsweredMoments(
            late,
            ranker,
            dataset.answers,
            held_out_from=late.newest_from(VALIDATION_SHARE),
            seed=config.seed,
        )

        def watch(number: int, session: Session, event: Event) -> None:
            moments(number, session, event)
            answered(number, session, event)

        second = train_second_stage(dataset, parts, ranker, config, stages, watch)
        if parts.late_suffices:
            answered.finish()
        actions: LearntActions | None = None
        calibration: Calibration | None = None
        purchase_report: dict[str, Any] = {}
        means = np.zeros(len(FEATURE_NAMES), np.float32)
        rerank_parity: dict[str, float] = {}
        if second.model is not None:
            content = exported(second.model)
            (layout / "reranker.tflite").write_bytes(content)
            ranker.reranker = Reranker(LiteModel(content))
            means = second.model.mean.numpy()
            rerank_parity = rerank_agreement(second.model, ranker.reranker, second.lists)
            calibration, purchase_report = moments.learn(ranker.reranker)
            actions = learn_actions(
                answered, ranker.reranker, config.rerank, stages, seed=config.seed
            )
        newest = late
        if config.learn_test_part:
            newest = dataset.log(float("inf"), dataset.rank_from)
            for event in newest.events[len(late.events) :]:
                ranker.record(event)
        if config.retrieval.refresh_epoch_count and (
            newest.targets.is_target.any() or dataset.judgments
        ):
            _refresh_towers(model, dataset, parts, newest, training_examples, config, stages)
            towers = export_towers(model, dataset.catalog, sample, config, modalities)
            ranker.encoder = towers.encoder
        layout.training.mkdir()
        if actions is not None:
            actions.write(folder)
        second.write_rivals(layout.training, config.rerank, stages, config.seed)
        stages.start("releasing")
        towers.write(layout)
        for one in encoded.catalogs:
            one.write(layout, config, towers.modality_weights[one.modality.name])
        sources.rebuild(
            _source_data(dataset, newest, index=towers.index, lexical=lexical, text=text)
        )
        write_sources(layout, sources)
        variants = write_variants(
            layout, dataset.catalog, towers.index.embeddings, config, encoded.pictures
        )
        dataset.predictions.save(layout.folder)
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
        write_after_sales(
            layout, AfterSales.of(newest.events, newest.rows.tolist(), dataset.catalog)
        )
        offers = release_offers(
            layout,
            tables,
            dataset,
            towers.index.embeddings,
            until=until,
            stages=stages,
            seed=config.seed,
        )
        if cover is not None:
            cover.save(layout.demand)
        curves = {"two towers": tower_curves, "reranker": second.curves}
        metrics = {
            "towers": _curves_report(tower_curves),
            "reranker": _curves_report(second.curves),
            "validation": tower_report,
            "visits": None if sessions_report is None else asdict(sessions_report),
            "lists": asdict(second.report),
            "purchase_probability": purchase_report,
            "actions": {} if actions is None else actions.report,
            "index": asdict(sources.index.shape),
            "text_encoder": asdict(text_report),
            **encoded.report(),
            "variants": variants,
            "predicted": prediction_report(dataset.items),
            "search_share": None if second.share is None else second.share.report(),
            "offers": offers,
            "demand": demand_report,
            "litert_parity": {**towers.agreement(model, sample), **rerank_parity},
            "warnings": [
                *(
                    f"the {name} overfit: {one.summary()}"
                    for name, one in curves.items()
                    if one.overfits
                ),
                *text_report.warnings,
                *encoded.warnings,
                *(second.share.warnings if second.share is not None else ()),
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


def _curves_report(curves: Curves) -> dict[str, Any]:
    return {
        **asdict(curves),
        "best_epoch": curves.best_epoch,
        "gap": curves.gap,
        "overfits": curves.overfits,
    }
