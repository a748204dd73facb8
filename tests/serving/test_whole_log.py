"""A release for going live has learnt what was withheld for testing; one for measuring has not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.prepare import prepare
from serving.cli.commands.evaluate import evaluate
from serving.cli.commands.train import train
from tests.quick_training import few_foreign_words
from tests.serving import ring_shop


@pytest.mark.slow
def test_only_the_whole_log_knows_what_came_last(tmp_path: Path) -> None:
    # The items of the newest tenth were never seen before.
    lines = ring_shop.walks(900, seed=1, name="old") + ring_shop.walks(100, seed=2, name="new")
    (tmp_path / "sessions.txt").write_text("\n".join(lines), encoding="utf-8")
    asked_lines = ring_shop.walks(60, seed=3, name="new")
    (tmp_path / "asked.txt").write_text("\n".join(asked_lines), encoding="utf-8")
    (tmp_path / "config.toml").write_text(ring_shop.CONFIG, encoding="utf-8")
    tables = tmp_path / "tables"
    prepare("sessions", tmp_path / "sessions.txt", out=tables, now=1.7e9)
    found = {}
    for name, options in (("measured", ("--seeds", "2")), ("live", ("--whole-log",))):
        words = [str(tables), "--out", str(tmp_path / name)]
        words += ["--config", str(tmp_path / "config.toml"), "--json", *options]
        with few_foreign_words():
            trained = CliRunner().invoke(train, words)
        assert trained.exit_code == 0, trained.output
        evaluation = json.loads(trained.stdout)["evaluation"]
        assert (evaluation is None) == (name == "live")
        if evaluation is not None:
            assert evaluation["browse"]["seeds_at_ndcg@10"]["count"] == 2
        words = [str(tmp_path / name), str(tables), "--sessions", str(tmp_path / "asked.txt")]
        asked = CliRunner().invoke(evaluate, [*words, "--json"])
        assert asked.exit_code == 0, asked.output
        found[name] = json.loads(asked.stdout)["metrics"]["mrr@20"]["mean"]
    assert found["live"] > 0.5 > 0.2 > found["measured"]
    asked = CliRunner().invoke(evaluate, [str(tmp_path / "live"), str(tables), "--requests", "20"])
    assert "has learnt from the test part" in asked.stderr
