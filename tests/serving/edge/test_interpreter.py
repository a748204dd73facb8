"""Bundles in a server: out of sight of garbage collection, and freed all the same once replaced."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.api.requests import CompleteRequest, Placement, RecommendRequest, SearchRequest
from serving.edge.client import Client
from serving.edge.interpreter import long_lived
from serving.edge.server import serve
from serving.engine import Engine


@pytest.fixture
def unfrozen() -> Iterator[None]:
    """Returns what a test has excluded from garbage collection."""
    yield
    gc.unfreeze()
    gc.enable()


class _Loop:
    """An object in a reference cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.usefixtures("unfrozen")
def test_what_is_made_in_the_block_is_not_collected_and_garbage_from_before_is() -> None:
    before = weakref.ref(_Loop())
    with long_lived():
        assert not gc.isenabled()
        inside = weakref.ref(_Loop())
        assert before() is None
    behind = weakref.ref(_Loop())
    gc.collect()
    assert gc.isenabled()
    assert inside() is not None
    assert behind() is None


@pytest.mark.usefixtures("unfrozen")
def test_after_an_error_collection_is_on_again() -> None:
    with pytest.raises(ValueError, match="broken"), long_lived():
        raise ValueError("broken")
    assert gc.isenabled()


@pytest.mark.usefixtures("unfrozen")
def test_a_replaced_bundle_is_freed_without_a_collection(shop_bundle: Path, tmp_path: Path) -> None:
    with long_lived():
        engine = Engine.open(shop_bundle, tmp_path)
    server = serve(engine, "127.0.0.1:0")
    with Client(f"127.0.0.1:{server.port}") as client:
        for text in ("phone", "phone under $5", "phnoe"):
            client.search(SearchRequest(text, "anna", explain=True))
        client.recommend(RecommendRequest(Placement.HOME, "anna"))
        client.complete(CompleteRequest("pho"))
        sources = engine.bundle.ranker.sources
        parts = (
            engine.bundle,
            engine.bundle.catalog,
            engine.bundle.completion,
            sources,
            sources.lexical,
            sources.index,
        )
        kept = [weakref.ref(part) for part in parts]
        del parts, sources
        client.publish(str(shop_bundle))
        assert [one() for one in kept] == [None] * len(kept)
        # The new one is as far out of sight as the first was.
        seen = {id(one) for one in gc.get_objects()}
        assert id(engine.bundle.catalog) not in seen
        assert id(engine.bundle.ranker.sources) not in seen
    server.stop()
    engine.close()
