"""The made-up shop behind an engine: models that have learnt nothing, but every part is real."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from data.synthetic import END_TIME
from serving.engine import Engine
from tests.towers import shelf
from towers.actions.action_model import ActionModel
from towers.bundle.bundle import RERANK_BATCH_SIZE
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign
from towers.models.export import action_file
from towers.models.legacy_keras import keras
from towers.models.predictors.action_network import ActionNetwork
from towers.ranking.calibration import INPUT_NAMES
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.litert_models import LiteModel

CALIBRATION = {"weights": [0.4, 0.1, 0.5, 0.2, 0.3, 0.1], "intercept": 0.5, "threshold": 0.5}


def action_model() -> ActionModel:
    """A network of random weights for three actions, calibrated anyhow."""
    keras.utils.set_random_seed(5)
    count = len(FEATURE_NAMES)
    network = ActionNetwork((-1, 0, 0), np.zeros(count), np.ones(count), place_count=1)
    with warnings.catch_warnings():
        # TensorFlow's converter raises warnings of its own.
        warnings.simplefilter("ignore")
        content = action_file(network, count, RERANK_BATCH_SIZE)
    names = ("click", "add_to_cart", "purchase")
    weights = np.random.default_rng(5).normal(size=(3, 1 + len(INPUT_NAMES)))
    parts = LiteModel(content), content, names, weights
    return ActionModel(*parts, np.array([-1.0, -2.0, 3.0]), np.full(3, 0.5))


@pytest.fixture(scope="session")
def calibrated_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf's bundle, with a calibration and a model of actions; to read only."""
    folder = tmp_path_factory.mktemp("calibrated") / "shelf"
    shutil.copytree(shelf.bundle_folder(), folder)
    layout = Layout(folder)
    facts = json.loads(layout.model.read_text(encoding="utf-8"))
    layout.model.write_text(json.dumps(facts | {"calibration": CALIBRATION}), encoding="utf-8")
    action_model().save(folder)
    sign(folder, END_TIME)
    return folder


@pytest.fixture
def shelf_engine(calibrated_bundle: Path, tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Opens an engine on that bundle, with the rules of a text; its clock stands still."""
    engines: list[Engine] = []

    def opened(rules: str = "", *, log_feature_share: float = 0.0) -> Engine:
        path = tmp_path / f"rules{len(engines)}.toml"
        path.write_text('version = "1"\n' + rules, encoding="utf-8")
        engines.append(
            Engine.open(
                calibrated_bundle,
                tmp_path / f"state{len(engines)}",
                rules=path,
                log_feature_share=log_feature_share,
                clock=lambda: END_TIME + 60.0,
            )
        )
        return engines[-1]

    yield opened
    for engine in engines:
        engine.close()
