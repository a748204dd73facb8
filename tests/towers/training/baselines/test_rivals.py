"""Models that the reranker is compared with: what they learn, and how a bundle keeps them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.quick_training import Silence
from tests.towers import shelf
from towers.config import RerankConfig
from towers.datasets.ranking_lists import Lists, ListsReport
from towers.models.fitting import Curves
from towers.ranking.features import FEATURE_NAMES
from towers.training.baselines import lambda_mart
from towers.training.baselines.classical import NAMES, classical_scores, fit_classical
from towers.training.baselines.lambda_mart import LambdaMart
from towers.training.baselines.rivals import load_rivals
from towers.training.reranker_training import train_reranker
from towers.training.search_share import SearchShare
from towers.training.second_stage import SecondStage

_WIDTH = len(FEATURE_NAMES)
_LENGTH = 20
_SETTINGS = RerankConfig(member_count=2, epoch_limit=1, hidden_dims=(4,), seed_count=3)


def lists(count: int, seed: int) -> Lists:
    """What is far from the middle of a feature is relevant, which no weight of it can tell.

    It stands first in each list, as in training.
    """
    rng = np.random.default_rng(seed)
    features = np.zeros((count, _LENGTH, _WIDTH), np.float32)
    signal = rng.normal(size=(count, _LENGTH))
    features[..., 2] = np.take_along_axis(signal, np.argsort(-np.abs(signal), axis=1), axis=1)
    features[..., 3] = rng.normal(size=(count, _LENGTH))
    labels = np.zeros((count, _LENGTH), np.float32)
    labels[:, :3] = 1.0
    return Lists(features, labels, np.ones(labels.shape, bool))


def precision(score: Callable[[np.ndarray], np.ndarray], held_out: Lists) -> float:
    """Share of lists whose first item is relevant; of equal scores the last one counts."""
    first = [_LENGTH - 1 - int(np.argmax(score(one)[::-1])) for one in held_out.features]
    return float(held_out.labels[np.arange(held_out.count), first].mean())


@pytest.fixture(scope="module")
def trees() -> LambdaMart:
    pytest.importorskip("lightgbm")
    return LambdaMart.train(lists(150, 1), lists(40, 2), seed=3)


def test_trees_learn_what_no_weights_can_tell(trees: LambdaMart) -> None:
    held_out, taught = lists(60, 4), lists(150, 1)
    weights = fit_classical(
        taught.features[taught.present], taught.is_relevant[taught.present], seed=3
    )
    logistic = precision(
        lambda rows: classical_scores(weights, rows)["logistic_regression"], held_out
    )
    assert precision(trees.scores, held_out) > 0.9 > 0.7 > logistic


def test_trees_grow_without_lists_to_validate_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lightgbm")
    monkeypatch.setattr(lambda_mart, "_TREE_LIMIT", 2)
    taught = lists(150, 1)
    model = LambdaMart.train(taught, taught.part(slice(0)), seed=3)
    assert model.text.count("Tree=") == 2


def test_a_folder_gives_back_the_same_scores(trees: LambdaMart, tmp_path: Path) -> None:
    (tmp_path / lambda_mart.FILE_NAME).write_text(trees.text, encoding="utf-8")
    rows = lists(1, 5).features[0]
    found = LambdaMart.load(tmp_path)
    assert found is not None and np.array_equal(found.scores(rows), trees.scores(rows))


def test_without_lightgbm_or_without_trees_there_is_no_lambda_mart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LambdaMart.load(tmp_path) is None and load_rivals(tmp_path) == {}
    (tmp_path / lambda_mart.FILE_NAME).write_text("not read", encoding="utf-8")
    monkeypatch.setattr(lambda_mart, "_PACKAGE", "no_such_package")
    assert LambdaMart.load(tmp_path) is None


@pytest.fixture(scope="module")
def stage() -> SecondStage:
    everything = lists(60, 6)
    report = ListsReport(60, 60, 1.0, 48)
    settings = replace(_SETTINGS, seed_count=1)
    model, curves = train_reranker(
        everything.part(slice(48)), everything.part(slice(48, 60)), settings, seed=7
    )
    share = SearchShare(0.25, "NDCG@10", 12, (), {})
    return SecondStage(everything, report, curves, model, share)


def write(stage: SecondStage, folder: Path, settings: RerankConfig) -> set[str]:
    with warnings.catch_warnings():
        # TensorFlow's converter raises warnings of its own.
        warnings.simplefilter("ignore")
        stage.write_rivals(folder, settings, Silence(), 7)
    return {path.name for path in folder.iterdir()}


def test_one_seed_has_classical_rivals_alone(stage: SecondStage, tmp_path: Path) -> None:
    assert write(stage, tmp_path, replace(_SETTINGS, seed_count=1)) == {"classical.npy"}
    assert set(load_rivals(tmp_path)) == set(NAMES)


def test_further_seeds_are_kept_beside_lambda_mart_and_serve_the_same_share(
    stage: SecondStage, tmp_path: Path
) -> None:
    pytest.importorskip("lightgbm")
    seeds = {"reranker_seed_8", "reranker_seed_9"}
    assert write(stage, tmp_path, _SETTINGS) == {
        "classical.npy",
        "lambda_mart.txt",
        *(f"{name}.tflite" for name in seeds),
    }
    rivals = load_rivals(tmp_path)
    assert set(rivals) == {*NAMES, "lambda_mart", *seeds}
    rows = lists(1, 8).features[0]
    eighth, _ = train_reranker(stage.learnt, stage.held_out, _SETTINGS, seed=8)
    eighth.search_share.assign(0.25)
    searches = rows.copy()
    searches[:, FEATURE_NAMES.index("is_search")] = 1.0
    for asked in (rows, searches):
        assert rivals["reranker_seed_8"](asked) == pytest.approx(eighth(asked).numpy(), abs=1e-4)
    assert np.abs(rivals["reranker_seed_8"](rows) - rivals["reranker_seed_9"](rows)).max() > 1e-4


def test_without_a_reranker_there_are_no_rivals(stage: SecondStage, tmp_path: Path) -> None:
    nothing = SecondStage(stage.lists, stage.report, Curves((), ()))
    assert write(nothing, tmp_path, _SETTINGS) == set()


def test_the_random_reranker_of_a_shop_can_be_a_rival(tmp_path: Path) -> None:
    (tmp_path / "reranker_seed_8.tflite").write_bytes(shelf.models().reranker)
    ranker, rows = shelf.ranker(), lists(1, 9).features[0]
    assert ranker.reranker is not None
    assert np.array_equal(
        load_rivals(tmp_path)["reranker_seed_8"](rows), ranker.reranker.scores(rows)
    )
