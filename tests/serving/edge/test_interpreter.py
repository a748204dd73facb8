"""Bundles in a server: out of sight of garbage collection, and freed all the same once replaced."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable

import pytest

from serving.api.requests import CompleteRequest, Placement, RecommendRequest, SearchRequest
from serving.edge.client import Client
from serving.edge.interpreter import long_lived
from serving.engine import Engine
from tests.serving.gated_engine import GatedEngine
from tests.serving.server_process import printed_by
from tests.towers import shelf
from towers.bundle.bundle import Bundle
from towers.uncollected import uncollected


class _Loop:
    """An object in a reference cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.skipif(sys.platform != "linux", reason="timer slack is Linux's")
def test_waits_end_on_time_in_this_thread_and_in_later_ones() -> None:
    code = (
        "import ctypes, threading; from serving.edge.interpreter import set_short_timers;"
        "slack = lambda: print(ctypes.CDLL(None).prctl(30, 0, 0, 0, 0));"
        "set_short_timers(); slack(); thread = threading.Thread(target=slack);"
        "thread.start(); thread.join()"
    )
    assert printed_by(code).split() == ["1", "1"]


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


def test_after_an_error_collection_is_on_again() -> None:
    with pytest.raises(ValueError, match="broken"), long_lived():
        raise ValueError("broken")
    assert gc.isenabled()


def test_collection_stays_off_until_the_last_block_is_left_whichever_that_is() -> None:
    is_inside, may_leave = threading.Event(), threading.Event()

    def stay() -> None:
        with uncollected():
            is_inside.set()
            may_leave.wait(10)

    other = threading.Thread(target=stay)
    with uncollected():
        other.start()
        assert is_inside.wait(10)
    assert not gc.isenabled()
    may_leave.set()
    other.join()
    assert gc.isenabled()


def test_where_collection_was_off_it_stays_off() -> None:
    gc.disable()
    try:
        with uncollected(), uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def _publish(client: Client) -> None:
    client.publish(str(shelf.bundle_folder()))


def _roll_back(client: Client) -> None:
    client.rollback()


def _compare(client: Client) -> None:
    client.interleave(str(shelf.bundle_folder()), 0.5)


def _active(engine: Engine) -> Bundle:
    return engine.bundle


def _compared(engine: Engine) -> Bundle:
    other = engine._bundles.other
    assert other is not None
    return other.bundle


@pytest.mark.parametrize(
    ("load", "loaded"), [(_publish, _active), (_roll_back, _active), (_compare, _compared)]
)
def test_a_bundle_is_loaded_out_of_sight_of_collections(
    engine: Engine,
    client: Client,
    load: Callable[[Client], None],
    loaded: Callable[[Engine], Bundle],
) -> None:
    _publish(client)
    gc.unfreeze()
    load(client)
    seen = {id(one) for one in gc.get_objects()}
    bundle = loaded(engine)
    assert not {id(bundle.catalog), id(bundle.ranker.sources)} & seen


def test_a_replaced_bundle_is_freed_without_a_collection(
    engine: GatedEngine, client: Client
) -> None:
    for text in ("milk", "milk under $5", "mlik"):
        client.search(SearchRequest(text, "anna", explain=True))
    client.recommend(RecommendRequest(Placement.HOME, "anna"))
    client.complete(CompleteRequest("mil"))
    engine.answers.clear()
    sources = engine.bundle.ranker.sources
    parts = engine.bundle, engine.bundle.catalog, sources, sources.lexical, sources.index
    kept = [weakref.ref(part) for part in parts]
    del parts, sources
    with uncollected():
        _publish(client)
        assert [one() for one in kept] == [None] * len(kept)
