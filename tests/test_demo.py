"""The demo's whole story, on the real grocer's year; takes minutes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.tables import Tables

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_demo_trains_serves_and_ends_well(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "serving.cli", "demo", "--load-seconds", "3"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2_000:]
    for line in ("engine as served", "A new visitor opens the shop", "moved", "comes back after"):
        assert line in result.stdout, line
    assert (tmp_path / ".demo" / "bundle" / "manifest.json").is_file()


def test_the_story_is_told_on_any_bundle_for_people_and_for_machines(
    shop_bundle: Path, shop_tables: Tables, tmp_path: Path
) -> None:
    (tmp_path / "bundle").symlink_to(shop_bundle)
    (tmp_path / "tables").symlink_to(shop_tables.path)
    command = [sys.executable, "-m", "serving.cli", "demo", "--reuse", "--load-seconds", "0.5"]
    command += ["--folder", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    shown, told = (
        subprocess.run(
            [*command, *options], env=environment, capture_output=True, text=True, timeout=120
        )
        for options in ((), ("--json",))
    )
    assert shown.returncode == 0, shown.stderr[-2_000:]
    assert "goes back to the home page, which follows the new intent" in shown.stdout
    report = json.loads(told.stdout)
    headlines = [part["headline"] for part in report["story"]]
    assert headlines[0] == "A new visitor opens the shop"
    assert headlines[-1].endswith("purchases")
    searched = report["story"][2]["answer"]["results"]
    # What was looked at is what the explanation of the next answer is about.
    assert any(
        effect["event_type"] == "view" for one in searched for effect in one["event_effects"]
    )
    assert report["load"][0]["ok_count"] > 0
