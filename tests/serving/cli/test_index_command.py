"""``nextclick index`` and ``nextclick embed --vectors`` from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
from click.testing import CliRunner

from data.tables import items_table
from serving.cli.main import main
from tests.towers import shelf


def test_the_index_of_a_bundle_is_measured_beside_others(tmp_path: Path) -> None:
    words = ["index", str(shelf.bundle_folder())]
    done = CliRunner().invoke(main, [*words, "--json", "--png", str(tmp_path / "recall.png")])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    # Few items are searched exactly.
    assert report["index"]["recall"] == 1.0 and report["item_count"] == len(shelf.items())
    assert sum(trial["is_chosen"] for trial in report["trials"]) == 1
    assert (tmp_path / "recall.png").read_bytes().startswith(b"\x89PNG")
    table = CliRunner().invoke(main, [*words, "--target", "0.9"])
    assert "of the bundle" in table.stdout and "target 0.9\n" in table.stdout


def test_vectors_are_written_instead_of_a_bundle(tmp_path: Path) -> None:
    pq.write_table(items_table(shelf.items()), tmp_path / "items.parquet")
    words = ["embed", str(shelf.bundle_folder()), str(tmp_path / "items.parquet"), "--workers", "1"]
    done = CliRunner().invoke(main, [*words, "--vectors", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["embedded_count"] == len(shelf.items())
    parts = pq.read_table(tmp_path / "out" / "part-000000.parquet")
    assert parts["item_id"].to_pylist() == [item.item_id for item in shelf.items()]
    again = CliRunner().invoke(main, [*words, "--vectors", str(tmp_path / "out")])
    assert f"0 of them embedded, 0 known from before, {len(shelf.items())}" in again.stdout
    for options in ([], ["--out", "a", "--vectors", "b"]):
        refused = CliRunner().invoke(main, [*words, *options])
        assert refused.exit_code == 2 and "expected either --out or --vectors" in refused.output
