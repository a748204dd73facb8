"""What counts as an answer to the cross-sell placement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME, category_of
from serving.engine import Engine
from serving.evaluation.as_served import Clock
from serving.evaluation.cross_sell import CrossSellEvaluation


@pytest.fixture
def engine(shop_bundle: Path, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=Clock(END_TIME + 60.0))
    yield engine
    engine.close()


def rows_by_category(engine: Engine) -> list[np.ndarray]:
    """Rows of the first two categories."""
    by_path: dict[tuple[str, ...], list[int]] = {}
    for row, item_id in enumerate(engine.bundle.catalog.item_ids):
        by_path.setdefault(category_of(item_id), []).append(row)
    return [np.array(rows, np.int64) for rows in [*by_path.values()][:2]]


def test_only_what_is_of_another_kind_is_relevant(engine: Engine) -> None:
    own, other = rows_by_category(engine)
    ids = engine.bundle.catalog.item_ids
    now = END_TIME + 30.0
    engine.record([Event("e1", EventType.ADD_TO_CART, "v", now, item_id=ids[own[0]])])
    session = engine.sessions.get("v")
    evaluation = CrossSellEvaluation(engine, None, 20)
    # Neither of these moments has an answer: the same kind only, and nobody's basket.
    evaluation.ask("v", session, now, own[1:3])
    evaluation.ask("w", engine.sessions.get("w"), now, other[:1])
    assert evaluation.report(seed=1) == {}

    evaluation.ask("v", session, now, np.array([own[1], other[0]]))
    report = evaluation.report(seed=1)
    assert report["request_count"] == 1
    assert report["substitute_share@10"]["mean"] == 0.0
    shown = engine.bundle.catalog.count
    # Of the two items only the other category's counts: found among all, recall is 1, not a half.
    everything = CrossSellEvaluation(engine, None, shown)
    everything.ask("v", session, now, np.array([own[1], other[0]]))
    assert everything.report(seed=1)["systems"]["popular"]["r@100"]["mean"] in (0.0, 1.0)
    assert {"engine", "popular", "covisited", "session_knn"} <= set(report["systems"])
