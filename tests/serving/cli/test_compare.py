"""One command trains every session encoder, and every behaviour model, and puts them side by side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from data.prepare import prepare
from data.tables import Tables, read_tables
from serving.cli.commands.compare import compare
from serving.cli.tables.behaviour_tables import behaviour_tables
from serving.cli.tables.report_tables import comparison_table
from tests.serving import ring_shop
from towers.behaviour.tasks import Limits, next_type, visit_buys
from towers.behaviour.visit_log import VisitLog
from towers.models.predictors.behaviour_network import NETWORKS
from towers.models.session_encoders import SESSION_ENCODERS
from towers.ranking.litert_models import LiteModel
from towers.training.baselines.classical_models import CLASSICAL


def _compared(tables: Path, out: Path, config: Path, *options: str) -> Result:
    config.write_text(ring_shop.CONFIG, encoding="utf-8")
    words = [str(tables), "--out", str(out), "--config", str(config), "--requests", "200"]
    words += ["--moments", "200"]
    return CliRunner().invoke(compare, [*words, *options])


def test_all_encoders_learn_a_ring_of_items_and_are_measured_as_exported(tmp_path: Path) -> None:
    # Whoever reads the newest event knows the answer.
    lines = ring_shop.walks(900, seed=2)
    (tmp_path / "sessions.txt").write_text("\n".join(lines), encoding="utf-8")
    prepare("sessions", tmp_path / "sessions.txt", out=tmp_path / "tables", now=1.7e9)
    out = tmp_path / "comparison"
    options = ("--only", "encoders", "--json")
    result = _compared(tmp_path / "tables", out, tmp_path / "config.toml", *options)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert json.loads((out / "comparison.json").read_text()) == report
    assert list(report["encoders"]) == list(SESSION_ENCODERS)
    inputs = {
        "event_embeddings": np.eye(6, 16, dtype=np.float32)[None],
        "event_types": np.full((1, 6), 2, np.int32),
        "event_ages": np.full((1, 6), 0.2, np.float32),
        "event_dwells": np.full((1, 6), 0.3, np.float32),
        "text_slot": np.array([-1], np.int32),
        "tokens": np.zeros((1, 48), np.int32),
        "taste": np.zeros((1, 16), np.float32),
    }
    answers = []
    for name, one in report["encoders"].items():
        # A first event has nothing to go by: of the others nearly all are known.
        assert one["metrics"]["hr@10"]["mean"] > 0.7, name
        assert one["encode_microseconds"] > 0 and one["training_seconds"] > 0
        answers.append(LiteModel.load(out / f"{name}.tflite").run(**inputs)[0])
    assert np.linalg.norm(answers, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert all(np.abs(answers[a] - answers[b]).max() > 0.01 for a, b in [(0, 1), (0, 2), (1, 2)])
    assert comparison_table(report).row_count == 3
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_behaviour_models_are_compared_on_every_task_that_the_log_holds(
    shop_tables: Tables, tmp_path: Path
) -> None:
    out = tmp_path / "comparison"
    options = ("--only", "behaviour", "--json")
    result = _compared(shop_tables.path, out, tmp_path / "config.toml", *options)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert json.loads((out / "comparison.json").read_text()) == report
    assert (out / "behaviour.png").read_bytes().startswith(b"\x89PNG")
    tasks = report["behaviour"]["tasks"]
    measures = {"accuracy", "precision", "recall", "f1", "auc", "log_loss"}
    for name, task in tasks.items():
        assert {"training_seconds", "answer_microseconds", *measures} < set(task["models"]["gru"])
        assert {*CLASSICAL, *NETWORKS} < set(task["models"])
        assert task["counts"]["training"]["used"] == 200
        # Moments whose type the training part does not hold are left out.
        limit = 50 if name == "next_item" else 100
        assert 0.9 * limit <= task["counts"]["test"]["used"] <= limit
    assert "ndcg@10" in tasks["next_item"]["models"]["transformer"]
    # What a shopper does with a cart shows in the visit so far: every model beats the class shares.
    of = tasks["next_type"]["models"]
    for name in (*CLASSICAL, *NETWORKS):
        assert of[name]["auc"] > 0.55, name
    assert len(list(behaviour_tables(report["behaviour"]))) == 6


def test_a_task_that_the_log_does_not_hold_is_left_out_and_says_why(tmp_path: Path) -> None:
    lines = ring_shop.walks(200, seed=2)
    (tmp_path / "sessions.txt").write_text("\n".join(lines), encoding="utf-8")
    prepare("sessions", tmp_path / "sessions.txt", out=tmp_path / "tables", now=1.7e9)
    log = VisitLog.of(read_tables(tmp_path / "tables"), seed=0)
    limits = Limits.of(100)
    assert "holds one class only: does not buy" in visit_buys(log, limits, seed=0).skipped
    assert "holds one class only: view" in next_type(log, limits, seed=0).skipped
    skipped = {"visit_buys": {"skipped": "no purchases"}}
    assert list(behaviour_tables({"tasks": skipped})) == [
        "will this visit buy? left out: no purchases"
    ]


def test_a_shop_without_a_test_part_cannot_be_compared(tmp_path: Path) -> None:
    items = tmp_path / "raw"
    items.mkdir()
    (items / "items.csv").write_text("item_id,title\na,Milk\nb,Bread\n", encoding="utf-8")
    prepare("files", items, out=tmp_path / "tables", now=1.7e9)
    result = _compared(tmp_path / "tables", tmp_path / "out", tmp_path / "config.toml")
    assert result.exit_code == 1
    assert "expected events in the test part, received none" in result.output
    assert not (tmp_path / "out").exists()
