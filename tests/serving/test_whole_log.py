"""A release for going live has learnt what was withheld for testing; one for measuring has not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from data.prepare import prepare
from serving.commands.evaluate import evaluate
from serving.commands.train import train

_CONFIG = """
[text]
bucket_count = 256
[towers]
dim = 16
event_slot_count = 6
feedforward_dim = 16
[retrieval]
epoch_limit = 4
batch_size = 64
learning_rate = 0.01
search_example_limit = 0
[rerank]
request_limit = 400
epoch_limit = 4
"""
_RING = 30


def _walks(ring: str, count: int, seed: int) -> list[str]:
    """Sessions that go round a ring of items: after item n comes n + 1."""
    draw = np.random.default_rng(seed)
    return [
        " ".join(f"{ring}{(start + step) % _RING}" for step in range(4))
        for start in draw.integers(0, _RING, count)
    ]


def test_only_the_whole_log_knows_what_came_last(tmp_path: Path) -> None:
    # The items of the newest tenth were never seen before.
    lines = _walks("old", 900, 1) + _walks("new", 100, 2)
    (tmp_path / "sessions.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "asked.txt").write_text("\n".join(_walks("new", 60, 3)), encoding="utf-8")
    (tmp_path / "config.toml").write_text(_CONFIG, encoding="utf-8")
    tables = tmp_path / "tables"
    prepare("sessions", tmp_path / "sessions.txt", out=tables, now=1.7e9)
    found = {}
    for name, options in (("measured", ()), ("live", ("--whole-log",))):
        words = [str(tables), "--out", str(tmp_path / name)]
        words += ["--config", str(tmp_path / "config.toml"), "--json", *options]
        trained = CliRunner().invoke(train, words)
        assert trained.exit_code == 0, trained.output
        assert (json.loads(trained.stdout)["evaluation"] is None) == (name == "live")
        words = [str(tmp_path / name), str(tables), "--sessions", str(tmp_path / "asked.txt")]
        asked = CliRunner().invoke(evaluate, [*words, "--json"])
        assert asked.exit_code == 0, asked.output
        found[name] = json.loads(asked.stdout)["metrics"]["mrr@20"]["mean"]
    assert found["live"] > 0.5 > 0.2 > found["measured"]
    asked = CliRunner().invoke(evaluate, [str(tmp_path / "live"), str(tables), "--requests", "20"])
    assert "has learnt from the test part" in asked.stderr
