"""The demo's whole story, on the real grocer's year; takes minutes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    for line in ("engine as served", "A stranger opens the shop", "moved", "comes back after"):
        assert line in result.stdout, line
    assert (tmp_path / ".demo" / "bundle" / "manifest.json").is_file()
