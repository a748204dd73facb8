"""The session encoders side by side: the same examples, the same budget, measured as exported."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from data.errors import InputError
from data.tables import Tables
from towers.config import Config
from towers.datasets.dataset import Dataset
from towers.datasets.example_mix import Parts, tower_examples
from towers.datasets.examples import Examples, browse_and_search_examples
from towers.datasets.stages import Stages
from towers.models.fitting import Curves
from towers.models.session_encoders import SESSION_ENCODERS
from towers.sessions.query_input import QueryInput
from towers.training.litert_export import export_towers
from towers.training.tower_training import train_towers


@dataclass(frozen=True)
class EncoderTrial:
    """One session encoder, trained and asked.

    Args:
        name: As ``TowerConfig.session_encoder`` has it.
        curves: Losses by epoch.
        ranks: ``[moments] int64`` rank from 0 of what came next, among all items.
        training_seconds: Wall clock of the training alone.
        encode_microseconds: Median of one session through the exported query tower.
        query_file: The exported query tower.
    """

    name: str
    curves: Curves
    ranks: np.ndarray
    training_seconds: float
    encode_microseconds: float
    query_file: bytes


def compare_encoders(
    tables: Tables, config: Config, *, request_limit: int, stages: Stages
) -> Iterator[EncoderTrial]:
    """Trains both towers with each encoder in turn, and ranks all items at moments of the test part.

    Each learns from the same examples in the same order, for as many epochs at most, and stops by
    the same rule.

    Args:
        request_limit: Most moments of the test part; drawn evenly, the same for all.

    Raises:
        InputError: The tables hold no items or nothing to learn from, or nothing happens in their
            test part.
    """
    stages.start("reading tables")
    shop = Dataset.of(tables, config.text)
    parts = Parts.of(shop)
    learnt, validation, _ = tower_examples(shop, parts, config, stages)
    newest = shop.log(float("inf"), shop.test_from)
    asked = browse_and_search_examples(
        newest, shop.catalog, config, browse_limit=request_limit, search_limit=0
    )
    if not asked.count:
        raise InputError(f"{tables.path}: expected events in the test part, received none")
    for name in SESSION_ENCODERS:
        settings = replace(config, towers=replace(config.towers, session_encoder=name))
        report = stages.start(f"training {name}", 1)
        began = time.perf_counter()
        model, curves = train_towers(
            learnt,
            validation,
            shop.catalog.tokens[: shop.catalog.count],
            settings,
            words=shop.first_words(settings),
            has_log=parts.early_teaches,
            progress=report,
        )
        seconds = time.perf_counter() - began
        stages.start(f"asking {name}")
        sample = validation if validation.count else learnt
        exported = export_towers(model, shop.catalog, sample, settings)
        embeddings = exported.index.embeddings
        ranks, durations = [], []
        for inputs, wanted in _moments(asked):
            start = time.perf_counter()
            query = exported.encoder.encode(inputs, embeddings)
            durations.append(time.perf_counter() - start)
            scores = embeddings @ query
            ranks.append(int(np.count_nonzero(scores > scores[wanted])))
        yield EncoderTrial(
            name,
            curves,
            np.array(ranks, np.int64),
            seconds,
            float(np.median(durations)) * 1e6,
            exported.query_file,
        )


def _moments(asked: Examples) -> Iterator[tuple[QueryInput, int]]:
    for at in range(asked.count):
        inputs = {name: column[at] for name, column in asked.inputs.items()}
        yield QueryInput(**inputs), int(asked.targets[at, 0])
