"""Embeds the items of a Parquet file of any size into Parquet parts, in bounded memory.

Items go through in batches. Worker processes tokenise and embed them and write a part each; a part
that is there already is not made again, and items that an earlier folder holds as they are now keep
the embedding that they have there. No TensorFlow: the tower's text side is a mean of token embeddings,
here a product with a sparse matrix.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from data.bulk.embedding_parts import (
    EmbeddingJournal,
    part_embeddings,
    part_keys,
    part_path,
    write_part,
)
from data.bulk.hash_lookup import HashLookup, text_hashes
from data.bulk.item_columns import item_batches, item_columns, open_items
from data.errors import InputError
from towers.bundle.candidate_tables import CandidateTables
from towers.bundle.layout import Layout
from towers.bundle.manifest import verify
from towers.catalog.batches.batch_tokens import BatchTokens
from towers.config import Config, config_from
from towers.indexes.item_index import checked_embeddings
from towers.modalities.modality_list import MODALITIES

BATCH_ROWS = 32_768
_PART_LIMIT = 4
"""Parts of the earlier folder that a worker keeps in memory."""

Progress = Callable[[int, int], object]
"""Called with the items done and all items."""


@dataclass(frozen=True)
class StreamReport:
    """What a run did.

    Args:
        item_count: Items in the folder.
        embedded_count: Those embedded by this run.
        kept_count: Those whose embedding an earlier folder had.
        found_count: Those in parts that an interrupted run had written.
        seconds: Duration from the first batch read to the last part written.
        unread: What the bundle's towers read of items besides their words, and a run does not:
            ``picture``, ``sound``.
    """

    item_count: int
    embedded_count: int
    kept_count: int
    found_count: int
    seconds: float
    unread: tuple[str, ...] = ()

    @property
    def items_per_second(self) -> float:
        """Items embedded or kept per second."""
        return (self.embedded_count + self.kept_count) / max(self.seconds, 1e-9)


class _Paths(NamedTuple):
    """What a worker opens.

    Args:
        bundle: The bundle.
        out: Folder of the parts.
        shared: Folder of arrays that all workers map into memory.
        known: Earlier folder; None where there is none.
    """

    bundle: Path
    out: Path
    shared: Path
    known: Path | None


def embed_parts(
    bundle: Path,
    items: Path,
    out: Path,
    *,
    known: Path | None = None,
    worker_count: int = 1,
    batch_rows: int = BATCH_ROWS,
    progress: Progress = lambda done, total: None,
) -> StreamReport:
    """Embeds all items of a Parquet file, or of a folder of tables, with a bundle's candidate tower.

    By their words alone, as live items are: pictures and sounds are not read.
    Items of the training data keep their ID embeddings. Every row of the file gets an embedding, also
    where an id occurs more than once.

    Args:
        out: Folder of the parts, created if it does not exist. One that an interrupted run of the same
            bundle and the same file has left is completed.
        known: Complete folder of an earlier run of the same bundle.
        worker_count: Processes; 1 works in this one.
        batch_rows: Items of a part.

    Raises:
        BundleError: The bundle is damaged.
        InputError: The file cannot be read; ``out`` is of another run or holds other files; ``known``
            is incomplete or of another bundle.
    """
    manifest = verify(bundle)
    config = _config(bundle)
    file = open_items(items)
    source = (items / "items.parquet" if items.is_dir() else items).stat()
    total = file.metadata.num_rows
    journal = EmbeddingJournal(
        manifest.bundle_id,
        items.name,
        source.st_size,
        source.st_mtime_ns,
        batch_rows,
        total,
        config.towers.dim,
    )
    _check_known(known, journal)
    _start_folder(out, journal)
    counts = {"embedded": 0, "kept": 0, "found": 0}
    with tempfile.TemporaryDirectory(prefix="nextclick-embed-") as shared:
        _write_shared(Path(shared), bundle, known)
        paths = _Paths(bundle, out, Path(shared), known)
        began = time.perf_counter()
        batches = _missing(item_batches(file, batch_rows), out, counts)
        for kept, embedded in _mapped(paths, batches, worker_count):
            counts["kept"] += kept
            counts["embedded"] += embedded
            progress(sum(counts.values()), total)
        seconds = time.perf_counter() - began
    replace(journal, is_complete=True).write(out)
    unread = tuple(one.name for one in MODALITIES if (Layout(bundle) / one.folder).is_dir())
    return StreamReport(total, counts["embedded"], counts["kept"], counts["found"], seconds, unread)


def _config(bundle: Path) -> Config:
    return config_from(json.loads((bundle / "config.json").read_text(encoding="utf-8")))


def _check_known(known: Path | None, journal: EmbeddingJournal) -> None:
    if known is None:
        return
    earlier = EmbeddingJournal.read(known)
    if earlier is None or not earlier.is_complete:
        raise InputError(f"{known}: expected a complete folder of embeddings, received another")
    if earlier.bundle_id != journal.bundle_id:
        raise InputError(
            f"{known}: expected embeddings of bundle {journal.bundle_id}, received those of "
            f"{earlier.bundle_id}"
        )


def _start_folder(out: Path, journal: EmbeddingJournal) -> None:
    earlier = EmbeddingJournal.read(out)
    if earlier is None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(f"{out}: expected a new folder, received one with other files")
        out.mkdir(parents=True, exist_ok=True)
        journal.write(out)
    elif replace(earlier, is_complete=False) != journal:
        raise InputError(
            f"{out}: expected embeddings of the same items by the same bundle, received those of "
            f"{earlier.source_name} by {earlier.bundle_id}"
        )


def _missing(
    batches: Iterable[Any], out: Path, counts: dict[str, int]
) -> Iterator[tuple[int, Any]]:
    """The batches without a part, with their numbers."""
    for number, table in enumerate(batches):
        if part_path(out, number).exists():
            counts["found"] += table.num_rows
        else:
            yield number, table


def _mapped(
    paths: _Paths, batches: Iterator[tuple[int, Any]], worker_count: int
) -> Iterator[tuple[int, int]]:
    """Embeds batches in worker processes; no more are read than workers can take."""
    if worker_count == 1:
        embedder = _Embedder(paths)
        yield from (embedder.embed(number, table) for number, table in batches)
        return
    # Spawned, since a fork would copy the locks of arrow's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(worker_count, context, _start, (paths,)) as pool:
        running: deque[Future[tuple[int, int]]] = deque()
        try:
            for number, table in batches:
                running.append(pool.submit(_embed, number, table))
                if len(running) > 2 * worker_count:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for waiting in running:
                waiting.cancel()


_embedder: _Embedder | None = None


def _start(paths: _Paths) -> None:
    global _embedder
    # What a worker makes has no cycles.
    gc.disable()
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    _embedder = _Embedder(paths)


def _end_with_parent() -> None:
    """Ends this worker when the run is killed: it would wait for batches for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _embed(number: int, table: Any) -> tuple[int, int]:
    assert _embedder is not None
    return _embedder.embed(number, table)


class _Embedder:
    """Embeds batches and writes their parts; one a worker."""

    def __init__(self, paths: _Paths) -> None:
        self._paths = paths
        training, config = Layout(paths.bundle).training, _config(paths.bundle)
        self._dim, self._bucket_count = config.towers.dim, config.text.bucket_count
        self._tokens = BatchTokens(config.text)
        # Mapped, so that workers share them and only rows that are read are in memory.
        self._token_table = np.load(training / "token_table.npy", mmap_mode="r")
        self._item_table = np.load(training / "item_table.npy", mmap_mode="r")
        self._trained = HashLookup.load(paths.shared, "trained")
        self._known = None if paths.known is None else HashLookup.load(paths.shared, "known")
        self._known_keys = None
        if paths.known is not None:
            self._known_keys = np.load(paths.shared / "known_keys.npy", mmap_mode="r")
            self._part_of = lru_cache(_PART_LIMIT)(partial(part_embeddings, paths.known))

    def embed(self, number: int, table: Any) -> tuple[int, int]:
        """Writes the part of a batch; returns the counts of kept and embedded items."""
        columns = item_columns(table)
        id_keys, keys = text_hashes(columns.item_ids), text_hashes(columns.contents)
        embeddings = np.zeros((len(keys), self._dim), np.float32)
        is_kept = self._take_known(id_keys, keys, embeddings)
        rows = np.flatnonzero(~is_kept)
        if len(rows):
            begins, tokens = self._tokens.of(columns, rows)
            embeddings[rows] = self._of_tokens(begins, tokens, self._trained.find(id_keys[rows]))
        checked_embeddings(embeddings, f"part {number}", self._dim)
        write_part(self._paths.out, number, columns.item_ids, keys, embeddings)
        return len(keys) - len(rows), len(rows)

    def _of_tokens(self, begins: np.ndarray, tokens: np.ndarray, trained: np.ndarray) -> np.ndarray:
        """As ``CandidateTower.of_tokens``; ``trained [n]`` rows of ID embeddings, −1 for none."""
        shape = (len(begins) - 1, self._bucket_count)
        bag = sparse.csr_matrix((np.ones(len(tokens), np.float32), tokens, begins), shape)
        found: np.ndarray = bag @ self._token_table
        found /= np.maximum(np.diff(begins), 1).astype(np.float32)[:, None]
        has_own = trained >= 0
        found[has_own] += self._item_table[trained[has_own]]
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        # As in ``embed_items``: an item without words has no direction of its own.
        return np.where(norms > 1e-6, found / np.maximum(norms, 1e-6), 1.0 / np.sqrt(self._dim))

    def _take_known(
        self, id_keys: np.ndarray, keys: np.ndarray, embeddings: np.ndarray
    ) -> np.ndarray:
        """Fills in what the earlier folder has; ``[items] bool`` which those are."""
        is_kept = np.zeros(len(keys), bool)
        if self._known is None or self._known_keys is None:
            return is_kept
        places = self._known.find(id_keys)
        rows = np.flatnonzero(places >= 0)
        rows = rows[self._known_keys[places[rows]] == keys[rows]]
        parts, within = np.divmod(places[rows], self._known.part_rows)
        for part in np.unique(parts).tolist():
            chosen = parts == part
            embeddings[rows[chosen]] = self._part_of(part)[within[chosen]]
        is_kept[rows] = True
        return is_kept


def _write_shared(folder: Path, bundle: Path, known: Path | None) -> None:
    """Writes the arrays that all workers map."""
    tables = CandidateTables.load(Layout(bundle).training)
    HashLookup.write(folder, "trained", text_hashes(tables.item_ids))
    if known is None:
        return
    journal = EmbeddingJournal.read(known)
    assert journal is not None
    hashes, keys = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for number in range(journal.part_count):
        item_ids, of_part = part_keys(known, number)
        hashes.append(text_hashes(item_ids))
        keys.append(of_part)
    HashLookup.write(folder, "known", np.concatenate(hashes), journal.batch_rows)
    np.save(folder / "known_keys.npy", np.concatenate(keys))
