"""The server as it is run: ``python -m serving.cli serve`` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.towers import shelf

ROOT = Path(__file__).resolve().parents[2]
_END_SECONDS = 15.0


def printed_by(code: str) -> str:
    """What a Python process of its own prints that runs ``code``; it must end well within a minute."""
    words = [sys.executable, "-c", code]
    return subprocess.run(
        words, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60, check=True
    ).stdout


@contextmanager
def server_process(state: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of the made-up shop that answers by now, and its address; ended on leaving.

    One that does not end prints the stacks of its threads.

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
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["address"]
        finally:
            process.terminate()
            try:
                assert process.wait(timeout=_END_SECONDS) == 0
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)
                raise
