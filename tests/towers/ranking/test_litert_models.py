"""The exported models as serving runs them: padding, threads, empty inputs."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from data.synthetic import END_TIME
from tests.towers import shelf
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.litert_models import ItemEncoder, LiteModel, QueryEncoder, Reranker, _quiet
from towers.sessions.query_input import QueryInput, query_input
from towers.sessions.session import Session


@pytest.fixture(scope="module")
def encoder() -> QueryEncoder:
    return QueryEncoder(LiteModel(shelf.models().query_tower))


def inputs_of(*item_ids: str, query: str = "") -> QueryInput:
    session = Session.empty("v")
    for number, item_id in enumerate(item_ids):
        session = session.after(shelf.view(item_id, END_TIME - 50 + number))
    if query:
        session = session.after(shelf.search(query, END_TIME))
    return query_input(
        session,
        END_TIME,
        row_of=shelf.catalog().row_of,
        known_types=shelf.KNOWN_TYPES,
        config=shelf.CONFIG,
    )


@pytest.mark.parametrize("ids", [(), ("p0001",), ("p0001", "p0002", "unknown")])
@pytest.mark.parametrize("query", ["", "espresso"])
def test_a_query_is_a_unit_row(encoder: QueryEncoder, ids: tuple[str, ...], query: str) -> None:
    if not ids and not query:
        return
    vector = encoder.encode(inputs_of(*ids, query=query), shelf.models().embeddings)
    assert vector.shape == (16,) and vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_an_anonymous_visitor_who_asks_nothing_has_a_finite_query(encoder: QueryEncoder) -> None:
    assert np.isfinite(encoder.encode(inputs_of(), shelf.models().embeddings)).all()


def test_an_answer_is_the_callers_own(encoder: QueryEncoder) -> None:
    embeddings = shelf.models().embeddings
    one = encoder.encode(inputs_of("p0001"), embeddings)
    kept = one.copy()
    encoder.encode(inputs_of("p0100", query="tomato"), embeddings)
    assert np.array_equal(one, kept)


def test_slots_without_an_item_read_no_embedding(encoder: QueryEncoder) -> None:
    """Row −1 is nobody's: not the last item's either."""
    embeddings = shelf.models().embeddings.copy()
    inputs = inputs_of("p0001", "unknown", query="espresso")
    before = encoder.encode(inputs, embeddings)
    embeddings[2:] = np.nan
    embeddings[0] = np.nan
    assert np.array_equal(encoder.encode(inputs, embeddings), before)


def test_history_without_weight_changes_nothing(encoder: QueryEncoder) -> None:
    embeddings, inputs = shelf.models().embeddings, inputs_of("p0001")
    rows = inputs.history_rows.copy()
    rows[0] = 9
    other = replace(inputs, history_rows=rows)
    assert np.allclose(encoder.encode(other, embeddings), encoder.encode(inputs, embeddings))
    weights = inputs.history_weights.copy()
    weights[0] = 0.5
    bought = replace(other, history_weights=weights)
    assert not np.allclose(encoder.encode(bought, embeddings), encoder.encode(inputs, embeddings))


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 256, 300])
def test_scores_do_not_depend_on_what_else_is_scored(count: int) -> None:
    reranker = Reranker(LiteModel(shelf.models().reranker))
    features = np.random.default_rng(1).normal(size=(count, len(FEATURE_NAMES)))
    features = features.astype(np.float32)
    scores = reranker.scores(features)
    assert scores.shape == (count,) and scores.dtype == np.float32
    alone = [float(reranker.scores(row[None])[0]) for row in features]
    assert scores.tolist() == alone


def test_threads_share_a_model_and_no_interpreter(encoder: QueryEncoder) -> None:
    embeddings = shelf.models().embeddings
    asked = [inputs_of(f"p{number:04}") for number in range(8)]
    expected = [encoder.encode(inputs, embeddings).tolist() for inputs in asked]
    wrong: list[int] = []

    def ask() -> None:
        for _ in range(20):
            for number, inputs in enumerate(asked):
                if encoder.encode(inputs, embeddings).tolist() != expected[number]:
                    wrong.append(number)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_interpreters_that_are_made_at_once_leave_the_error_stream_as_it_was() -> None:
    before = os.fstat(2)
    first, go_on = _quiet(), threading.Event()

    def make_another() -> None:
        with _quiet():
            go_on.wait()

    thread = threading.Thread(target=make_another)
    with first:
        thread.start()
        time.sleep(0.1)
    go_on.set()
    thread.join()
    after = os.fstat(2)
    assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)


def test_an_item_without_a_word_has_a_finite_vector() -> None:
    encoder = ItemEncoder(LiteModel(shelf.models().candidate_tower))
    assert np.isfinite(encoder.encode(np.zeros(24, np.int32))).all()


def test_bytes_that_are_no_model_are_refused_when_they_are_run() -> None:
    with pytest.raises(ValueError, match="not a valid Flatbuffer"):
        LiteModel(b"no model at all").run(features=np.zeros((1, 1), np.float32))


def test_inputs_of_another_width_are_refused_and_leave_the_model_as_it_was() -> None:
    model = LiteModel(shelf.models().reranker)
    features = np.ones((32, len(FEATURE_NAMES)), np.float32)
    before = model.run(features=features)
    with pytest.raises(ValueError, match="Dimension mismatch"):
        model.run(features=features[:, 1:].copy())
    assert np.array_equal(model.run(features=features), before)
