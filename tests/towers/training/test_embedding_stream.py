"""Embeddings in parts: those of the tower, whoever is killed on the way, and only of what has changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data.bulk.embedding_parts import EmbeddingJournal, part_embeddings, part_keys, part_path
from data.errors import InputError
from data.records import Item
from data.tables import ITEM_SCHEMA, items_table
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.training.embedding_stream import StreamReport, embed_parts
from towers.training.item_embedding import embed_items

NEW = [Item("new", "brand new lamp 40 w", attributes={"colour": "red"}), Item("bare")]
ITEMS = [*shelf.items(), *NEW]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "items.parquet"
    # Row groups and parts end at different rows.
    pq.write_table(items_table(ITEMS), path, row_group_size=37)
    return path


def run(source: Path, out: Path, **options: object) -> StreamReport:
    return embed_parts(shelf.bundle_folder(), source, out, batch_rows=50, **options)  # type: ignore[arg-type]


def read(out: Path) -> dict[str, np.ndarray]:
    journal = EmbeddingJournal.read(out)
    assert journal is not None and journal.is_complete
    found: dict[str, np.ndarray] = {}
    for number in range(journal.part_count):
        item_ids, _ = part_keys(out, number)
        found.update(zip(item_ids, part_embeddings(out, number), strict=True))
    return found


def expected(items: Sequence[Item]) -> dict[str, np.ndarray]:
    """By TensorFlow, all at once."""
    catalog = Catalog.of(items, shelf.CONFIG.text)
    embeddings = embed_items(shelf.tables(), catalog, shelf.CONFIG)
    return dict(zip(catalog.item_ids, embeddings, strict=True))


def assert_same(found: dict[str, np.ndarray], items: Sequence[Item]) -> None:
    wanted = expected(items)
    assert list(found) == list(wanted)
    for item_id, vector in wanted.items():
        assert found[item_id].tolist() == pytest.approx(vector.tolist(), abs=1e-5)


@pytest.mark.parametrize("worker_count", [1, 2])
def test_the_embeddings_of_parts_are_those_of_the_tower(
    worker_count: int, source: Path, tmp_path: Path
) -> None:
    report = run(source, tmp_path / "out", worker_count=worker_count)
    assert (report.item_count, report.embedded_count, report.found_count) == (242, 242, 0)
    assert_same(read(tmp_path / "out"), ITEMS)
    assert not list((tmp_path / "out").glob("*.unfinished"))


class Killed(Exception):  # noqa: N818
    """In place of a kill."""


def test_a_run_that_was_killed_goes_on_behind_the_last_part(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def kill(done: int, total: int) -> None:
        assert total == 242
        if done >= 100:
            raise Killed

    with pytest.raises(Killed):
        run(source, out, progress=kill)
    journal = EmbeddingJournal.read(out)
    assert journal is not None and not journal.is_complete
    times = {number: part_path(out, number).stat().st_mtime_ns for number in range(2)}
    # As a kill while a part was being written leaves it.
    part_path(out, 2).with_suffix(".unfinished").write_bytes(b"PAR1")
    report = run(source, out)
    assert (report.found_count, report.embedded_count) == (100, 142)
    assert times == {number: part_path(out, number).stat().st_mtime_ns for number in range(2)}
    assert_same(read(out), ITEMS)


RUN = """
import sys, time
from pathlib import Path
from towers.training.embedding_stream import embed_parts

def wait(done, total):
    print(done, flush=True)
    time.sleep(60)

bundle, items, out = map(Path, sys.argv[1:])
embed_parts(bundle, items, out, batch_rows=50, worker_count=2, progress=wait)
"""


def test_the_workers_of_a_run_that_was_killed_end_with_it(source: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, shelf.bundle_folder(), source, tmp_path / "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as killed:
        assert killed.stdout is not None and killed.stdout.readline() == b"50\n"
        children = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
        assert len(children) >= 2
        killed.kill()
    end_time = time.monotonic() + 20.0
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < end_time
        time.sleep(0.05)
    assert run(source, tmp_path / "out").found_count >= 50
    assert_same(read(tmp_path / "out"), ITEMS)


def test_items_that_an_earlier_folder_has_as_they_are_now_are_not_embedded_again(
    source: Path, tmp_path: Path
) -> None:
    run(source, tmp_path / "first")
    changed = [*ITEMS[::-1], Item("newer", "yellow submarine")]
    changed[3] = replace(changed[3], title="another thing")
    changed[4] = replace(changed[4], price=9_999.0)
    # Stock is nothing that the tower reads.
    changed[5] = replace(changed[5], in_stock=not changed[5].in_stock)
    pq.write_table(items_table(changed), tmp_path / "changed.parquet")
    report = run(tmp_path / "changed.parquet", tmp_path / "second", known=tmp_path / "first")
    assert (report.kept_count, report.embedded_count) == (240, 3)
    assert_same(read(tmp_path / "second"), changed)


def test_no_items_make_no_parts(tmp_path: Path) -> None:
    pq.write_table(ITEM_SCHEMA.empty_table(), tmp_path / "none.parquet")
    assert run(tmp_path / "none.parquet", tmp_path / "out").item_count == 0
    assert read(tmp_path / "out") == {}


def test_a_folder_of_other_items_of_another_bundle_or_of_anything_else_is_refused(
    source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(source, out)
    os.utime(source, (1.0, 1.0))
    with pytest.raises(
        InputError, match="expected embeddings of the same items by the same bundle"
    ):
        run(source, out)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"meow")
    with pytest.raises(InputError, match="expected a new folder, received one with other files"):
        run(source, tmp_path / "photos")
    with pytest.raises(
        InputError, match="expected a complete folder of embeddings, received another"
    ):
        run(source, tmp_path / "other", known=tmp_path / "photos")
    journal = EmbeddingJournal.read(out)
    assert journal is not None
    replace(journal, bundle_id="another").write(out)
    with pytest.raises(
        InputError, match="expected embeddings of bundle .*, received those of another"
    ):
        run(source, tmp_path / "other", known=out)
    (out / "embeddings.json").write_text("[]")
    with pytest.raises(InputError, match="expected a journal of embeddings, received"):
        run(source, out)


def test_a_file_without_items_is_refused(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\n")
    with pytest.raises(InputError, match="expected a Parquet file of items, received"):
        run(tmp_path / "items.csv", tmp_path / "out")
    pq.write_table(items_table([]).select(["item_id", "brand"]), tmp_path / "brands.parquet")
    with pytest.raises(
        InputError, match="expected the columns item_id and title, received item_id, brand"
    ):
        run(tmp_path / "brands.parquet", tmp_path / "out")
