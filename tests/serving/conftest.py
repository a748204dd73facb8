"""A real engine on the made-up shop behind a real server, and a client of it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from serving.edge.client import Client
from serving.edge.server import RunningServer, ServerSettings, serve
from tests.serving.gated_engine import GatedEngine
from tests.towers import shelf


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Returns to garbage collection what a server excluded from it."""
    yield
    gc.unfreeze()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[GatedEngine]:
    engine = cast(GatedEngine, GatedEngine.open(shelf.bundle_folder(), tmp_path / "state"))
    yield engine
    engine.gate.set()
    engine.close()


@pytest.fixture
def server(engine: GatedEngine) -> Iterator[RunningServer]:
    running = serve(engine, "127.0.0.1:0", ServerSettings(thread_count=4))
    yield running
    engine.gate.set()
    running.stop(grace_seconds=1.0)


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(f"127.0.0.1:{server.port}", timeout_seconds=5.0) as client:
        yield client
