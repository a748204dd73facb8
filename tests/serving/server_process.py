"""The server as it is run: ``python -m serving.cli serve`` in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.towers import shelf

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def server_process(state: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of the made-up shop that answers by now, and its address; ended on leaving.

    Args:
        state: Folder of its log.
        options: More of the command's options.
    """
    words = ["serve", str(shelf.bundle_folder()), "--state", str(state), "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "serving.cli", *words, "--address", "127.0.0.1:0", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["address"]
        finally:
            process.terminate()
            assert process.wait(timeout=15) == 0
