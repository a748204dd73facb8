"""A batch of the catalogue is all or none, for the answers, the log and the next start."""

from __future__ import annotations

import math
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import OverloadError
from data.records import Item
from data.sources.live_items import ITEM_LOG_NAME
from data.synthetic import END_TIME
from serving.api.requests import SearchRequest
from serving.engine import Engine
from serving.evaluation.as_served import Clock
from towers.text.words import clear_caches

NEW = Item("n1", "Quaggaro lantern")
CHANGED = Item("p0001", "Zyzzyva teapot")
STATUS = ("item_count", "live_item_count")


@pytest.fixture
def clock() -> Clock:
    return Clock(END_TIME + 60.0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are, the lexical index among them."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr("towers.indexes.private_copy.MEMORY", folder)
    return folder


@pytest.fixture
def engine(shop_bundle: Path, tmp_path: Path, folder: Path, clock: Clock) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    engine.update_items([Item("n0", "Okapi mug")])
    yield engine
    engine.close()


def rows_of_the_log(state: Path) -> list[tuple[str, float, str | None]]:
    file = sqlite3.connect(f"{(state / ITEM_LOG_NAME).resolve().as_uri()}?mode=ro", uri=True)
    try:
        return file.execute("SELECT item_id, time, body FROM changes ORDER BY item_id").fetchall()
    finally:
        file.close()


def seen_of(engine: Engine) -> list[object]:
    """What callers see of the catalogue: counts, and answers to the words of old and new titles."""
    titles = [engine.bundle.catalog.titles[row] for row in range(3)]
    answers = [
        [(one.item_id, one.title, one.price) for one in engine.search(SearchRequest(query)).results]
        for query in (*titles, "okapi mug", "quaggaro lantern", "zyzzyva teapot")
    ]
    return [answers, *(getattr(engine.status(), name) for name in STATUS)]


@contextmanager
def no_file_may_grow() -> Iterator[None]:
    """A full disk: every write that makes a file longer than it is fails in the kernel."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def temporary_files_are_gone(folder: Path) -> Iterator[None]:
    """As a cleaner of temporary folders leaves it."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    try:
        yield
    finally:
        aside.rename(folder)


def assert_nothing_was_left(
    engine: Engine, shop_bundle: Path, state: Path, *, logged: object, seen: object
) -> None:
    assert rows_of_the_log(state) == logged
    assert seen_of(engine) == seen
    # What was refused is not in the way of what comes next, nor does it come along with it.
    engine.update_items([Item("n9", "Numbat kettle")])
    assert engine.search(SearchRequest("numbat kettle")).results[0].item_id == "n9"
    assert not any(one.item_id == "n1" for one in engine.search(SearchRequest("quaggaro")).results)
    engine.delete_items(["n9"])
    answers = seen_of(engine)[0]
    assert answers == seen[0]  # type: ignore[index]
    engine.close()
    again = Engine.open(shop_bundle, state, clock=Clock(END_TIME + 120.0))
    try:
        assert seen_of(again)[0] == answers
    finally:
        again.close()


@pytest.mark.parametrize(
    "bad",
    [
        Item("n2", "A lamp", price=math.inf),
        Item("n2", "A lamp of \ud800"),
        Item("n2", "A lamp", attributes={"colour": "\udfff"}),
        Item("\ud800", "A lamp"),
    ],
    ids=["infinite price", "half a character", "half a character in an attribute", "or in an id"],
)
def test_a_batch_with_an_item_that_cannot_be_read_leaves_nothing(
    engine: Engine, shop_bundle: Path, tmp_path: Path, bad: Item
) -> None:
    logged, seen = rows_of_the_log(tmp_path / "state"), seen_of(engine)
    with pytest.raises((ValueError, OverflowError)):
        engine.update_items([NEW, CHANGED, bad])
    assert_nothing_was_left(engine, shop_bundle, tmp_path / "state", logged=logged, seen=seen)


def test_a_batch_that_the_disk_refuses_leaves_nothing(
    engine: Engine, shop_bundle: Path, tmp_path: Path
) -> None:
    logged, seen = rows_of_the_log(tmp_path / "state"), seen_of(engine)
    with no_file_may_grow(), pytest.raises(OverloadError, match="expected a writable disk"):
        engine.update_items([NEW, CHANGED])
    with no_file_may_grow(), pytest.raises(OverloadError, match="^item log: expected a writable"):
        engine.delete_items(["p0001", "n0"])
    assert_nothing_was_left(engine, shop_bundle, tmp_path / "state", logged=logged, seen=seen)


def test_a_batch_that_the_lexical_index_cannot_write_is_taken_back_from_the_log(
    engine: Engine, shop_bundle: Path, tmp_path: Path, folder: Path
) -> None:
    logged, seen = rows_of_the_log(tmp_path / "state"), seen_of(engine)
    again = replace(NEW, item_id="n0")
    with (
        temporary_files_are_gone(folder),
        pytest.raises(OverloadError, match="^lexical index: expected a writable disk, received: "),
    ):
        engine.update_items([NEW, CHANGED, again])
    assert_nothing_was_left(engine, shop_bundle, tmp_path / "state", logged=logged, seen=seen)


def test_a_delete_of_an_id_that_no_file_holds_leaves_the_log_open_for_the_next(
    engine: Engine, shop_bundle: Path, tmp_path: Path
) -> None:
    logged, seen = rows_of_the_log(tmp_path / "state"), seen_of(engine)
    with pytest.raises(UnicodeEncodeError):
        engine.delete_items(["p0001", "\ud800"])
    assert_nothing_was_left(engine, shop_bundle, tmp_path / "state", logged=logged, seen=seen)


def test_batches_and_searches_of_many_threads_with_cold_caches_fail_nobody(
    engine: Engine, shop_bundle: Path, tmp_path: Path
) -> None:
    endings = ("ing", "ed", "ies", "ations", "fulness", "ement", "ively", "ousli", "izer", "able")
    batches = [
        [
            Item(f"t{batch}-{number}", f"{stem_}{ending} of quagga{batch:c}{number:c}")
            for number, ending in enumerate(endings, ord("a"))
        ]
        for batch, stem_ in enumerate(("relat", "industri", "hopp", "commun", "enamell"), ord("a"))
    ]
    searched = [item.title for batch in batches for item in batch]

    def ask(title: str) -> None:
        clear_caches()
        engine.search(SearchRequest(title))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            changing = [pool.submit(engine.update_items, batch) for batch in batches]
            asking = [pool.submit(ask, title) for title in searched]
            assert [one.result().added_count for one in changing] == [len(endings)] * len(batches)
            for one in asking:
                one.result()
    finally:
        sys.setswitchinterval(interval)
    catalog, lexical = engine.bundle.catalog, engine.bundle.ranker.sources.lexical
    assert lexical is not None
    for batch in batches:
        for item in batch:
            # By its own words, of which no other item has the last.
            rows, _ = lexical.search(lexical.parse(item.title), 1)
            assert [catalog.item_ids[row] for row in rows] == [item.item_id]
