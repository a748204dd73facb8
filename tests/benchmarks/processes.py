"""Servers, clients and workers of a benchmark as processes that are spoken to in JSON lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np

from serving.load.process_usage import cpu_seconds, resident_mb

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).resolve().parent

Round = dict[str, float]
"""Figures of one round by name."""


def one_round(
    clients: Sequence[Any],
    address: str,
    pid: int,
    calls: Sequence[Any],
    caller_count: int,
    seconds: float,
) -> Round:
    """Runs one round of load on a server.

    Args:
        clients: Processes of ``client_process``, which share the callers.
        address: Of the server.
        pid: Of the server, whose CPU time and memory are measured.
        calls: In their order; from the first one again at the end.
        caller_count: Callers of the closed loop.
        seconds: Duration.
    """
    # Fewer callers than clients leave some without work.
    shares = [len(range(number, caller_count, len(clients))) for number in range(len(clients))]
    working = [(client, share) for client, share in zip(clients, shares, strict=True) if share]
    cpu_start = cpu_seconds(pid)
    for number, (client, share) in enumerate(working):
        own_calls = calls[number :: len(working)]
        send(client, address=address, calls=own_calls, caller_count=share, seconds=seconds)
    answers = [receive(client) for client, _ in working]
    cpu = cpu_seconds(pid) - cpu_start
    latencies = np.concatenate([answer["latencies"] for answer in answers]) * 1e3
    if not latencies.size:
        raise click.ClickException(f"answers: expected 1 or more, received {answers[0]['errors']}")
    p50, p99 = np.percentile(latencies, (50, 99))
    return {
        "calls/s": latencies.size / max(answer["seconds"] for answer in answers),
        "p50 ms": float(p50),
        "p99 ms": float(p99),
        "server CPU ms/call": 1e3 * cpu / latencies.size,
        "errors": float(sum(sum(answer["errors"].values()) for answer in answers)),
        "server RSS MB": float(resident_mb(pid)),
    }


@contextmanager
def server_process(code: Path, bundle: Path) -> Iterator[tuple[str, int]]:
    """A server of the version in folder ``code``, with a state of its own: address and pid."""
    with tempfile.TemporaryDirectory(prefix="nextclick-state-") as state:
        words = [str(bundle), "--state", state, "--address", "127.0.0.1:0", "--json"]
        with worker_process([str(SCRIPTS / "version_server.py"), *words], code) as process:
            ready = receive(process)
            yield ready["address"], ready["pid"]
            process.terminate()


@contextmanager
def client_process() -> Iterator[Any]:
    """A client process of this tree."""
    with worker_process(["-m", "tests.benchmarks.load_client"], ROOT) as process:
        yield process


@contextmanager
def worker_process(words: Sequence[str], code: Path) -> Iterator[Any]:
    """A Python process that imports ``code`` and is spoken to in JSON lines."""
    earlier = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join((str(code), str(SCRIPTS), earlier)).rstrip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": path}
    # -P: the folder of the script must not come first on the path.
    command = [sys.executable, "-P", *words]
    with subprocess.Popen(
        command, cwd=code, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def ask(process: Any, **task: Any) -> Any:
    """Sends a task to a worker, and waits for its answer."""
    send(process, **task)
    return receive(process)


def send(process: Any, **task: Any) -> None:
    """Sends a task to a worker."""
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()


def receive(process: Any) -> Any:
    """The next answer of a worker.

    Raises:
        ClickException: The process ended.
    """
    line = process.stdout.readline()
    if not line:
        raise click.ClickException(f"{' '.join(process.args)}: ended without an answer")
    return json.loads(line)
