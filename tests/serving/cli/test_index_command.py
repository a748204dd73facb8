"""``nextclick index`` and ``nextclick embed --vectors`` from the shell."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from click.testing import CliRunner

from data.tables import items_table
from serving.cli.main import main
from tests.towers import shelf
from towers.bundle.manifest import sign


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


def test_vectors_of_words_alone_are_told_where_the_towers_read_pictures_too(tmp_path: Path) -> None:
    pq.write_table(items_table(shelf.items()[:9]), tmp_path / "items.parquet")
    bundle = tmp_path / "bundle"
    shutil.copytree(shelf.bundle_folder(), bundle)
    (bundle / "pictures").mkdir()
    np.save(bundle / "pictures" / "rows.npy", np.arange(9))
    sign(bundle, 0.0)
    words = ["embed", str(bundle), str(tmp_path / "items.parquet"), "--workers", "1", "--json"]
    done = CliRunner().invoke(main, [*words, "--vectors", str(tmp_path / "out")])
    assert done.exit_code == 0 and json.loads(done.stdout)["unread"] == ["picture"]
    assert (
        "warning: the bundle's embeddings are of words and pictures, these are of words alone;"
        " --out reads both" in done.stderr
    )
    plain = [words[0], str(shelf.bundle_folder()), *words[2:]]
    done = CliRunner().invoke(main, [*plain, "--vectors", str(tmp_path / "plain")])
    assert json.loads(done.stdout)["unread"] == [] and "warning" not in done.stderr
