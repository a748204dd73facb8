"""Compares session encoders: same examples, same budget, measured on the exported model."""

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
from towers.datasets.progress import Progress
from towers.models.fitting import Curves
from towers.models.session_encoders import SESSION_ENCODERS
from towers.sessions.query_input import QueryInput
from towers.training.litert_export import export_towers
from towers.training.tower_training import train_towers


@dataclass(frozen=True)
class EncoderTrial:
    """One session encoder, trained and evaluated.

    Args:
        name: As ``TowerConfig.session_encoder`` has it.
        curves: Losses by epoch.
        ranks: ``[requests] int64`` rank from 0 of the item that came next, among all items.
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
    tables: Tables, config: Config, *, request_limit: int, stages: Progress
) -> Iterator[EncoderTrial]:
    """Trains both towers with each encoder in turn and ranks all items on requests of the test part.

    All encoders see the same examples in the same order, with the same epoch limit and early
    stopping.

    Args:
        request_limit: Most requests of the test part; a uniform sample, the same for all encoders.

    Raises:
        InputError: The tables hold no items, no training data, or no events in the test part.
    """
    stages.start("reading tables")
    dataset = Dataset.of(tables, config.text, use_predicted=config.attributes.use_predicted)
    parts = Parts.of(dataset)
    training, validation, _ = tower_examples(dataset, parts, config, stages)
    newest = dataset.log(float("inf"), dataset.test_from)
    requests = browse_and_search_examples(
        newest, dataset.catalog, config, browse_limit=request_limit, search_limit=0
    )
    if not requests.count:
        raise InputError(f"{tables.path}: expected events in the test part, received none")
    for name in SESSION_ENCODERS:
        settings = replace(config, towers=replace(config.towers, session_encoder=name))
        report = stages.start(f"training {name}", 1)
        began = time.perf_counter()
        model, curves = train_towers(
            training,
            validation,
            dataset.catalog.tokens[: dataset.catalog.count],
            settings,
            words=dataset.pretrained_words(settings),
            has_log=parts.early_suffices,
            progress=report,
        )
        seconds = time.perf_counter() - began
        stages.start(f"asking {name}")
        sample = validation if validation.count else training
        exported = export_towers(model, dataset.catalog, sample, settings)
        embeddings = exported.index.embeddings
        ranks, durations = [], []
        for inputs, target in _moments(requests):
            start = time.perf_counter()
            query = exported.encoder.encode(inputs, embeddings)
            durations.append(time.perf_counter() - start)
            scores = embeddings @ query
            ranks.append(int(np.count_nonzero(scores > scores[target])))
        yield EncoderTrial(
            name,
            curves,
            np.array(ranks, np.int64),
            seconds,
            float(np.median(durations)) * 1e6,
            exported.query_file,
        )


def _moments(requests: Examples) -> Iterator[tuple[QueryInput, int]]:
    for at in range(requests.count):
        inputs = {name: column[at] for name, column in requests.inputs.items()}
        yield QueryInput(**inputs), int(requests.targets[at, 0])
