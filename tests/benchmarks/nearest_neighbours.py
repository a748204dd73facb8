"""Nearest neighbours at equal recall: this project's index (ScaNN), Faiss, hnswlib, exact search.

    python -m tests.benchmarks.nearest_neighbours --items 100000 --items 1000000

Made-up unit vectors in clusters, top 100, one thread, one query at a time, as a server asks. Each
library builds its index in a process of its own and raises its search parameter until it finds the
target share of the exact top 100 on half of the queries; rounds on the other half then alternate
between the libraries.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from serving.load.process_usage import resident_mb
from tests.benchmarks.machine import machine

TOP_COUNT = 100
_QUERY_COUNT = 400
_FACTOR = 1.2

Search = Callable[[np.ndarray], np.ndarray]
Tunable = Iterator[tuple[int, Search]]
"""Ever slower and more exact: the parameter, and a search that returns about 100 row numbers."""


def clustered(count: int, dim: int, seed: int) -> np.ndarray:
    """``[count, dim] float32`` unit rows in 1,000 clusters; another seed draws from the same."""
    centres = np.random.default_rng(0).standard_normal((1_000, dim), np.float32)
    rng = np.random.default_rng(seed)
    rows = centres[rng.integers(0, len(centres), count)]
    rows += 1.2 * rng.standard_normal((count, dim), np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def exact_top(rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The exact answer, unordered."""
    return np.argpartition(rows @ query, -TOP_COUNT)[-TOP_COUNT:]


def _scann(rows: np.ndarray, target: float) -> Tunable:
    from towers.config import IndexConfig
    from towers.indexes.item_index import ItemIndex

    config = IndexConfig(recall_target=target, neighbours_checked=TOP_COUNT)
    # It tunes itself, on queries of its own.
    index = ItemIndex.build(rows, config, clustered(200, rows.shape[1], seed=3))
    yield index.shape.leaves_searched, lambda query: index.search(query, TOP_COUNT)


def _faiss(rows: np.ndarray, target: float) -> Tunable:
    import faiss

    faiss.omp_set_num_threads(1)
    dim, leaf_count = rows.shape[1], int(4 * np.sqrt(len(rows)))
    quantizer = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dim, leaf_count, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.train(rows[:: max(1, len(rows) // 250_000)])
    index.add(rows)

    def search(query: np.ndarray) -> np.ndarray:
        return index.search(query[None], TOP_COUNT)[1][0]

    for index.nprobe in _growing(1, leaf_count):
        yield index.nprobe, search


def _hnswlib(rows: np.ndarray, target: float) -> Tunable:
    import hnswlib

    index = hnswlib.Index(space="ip", dim=rows.shape[1])
    index.init_index(max_elements=len(rows), ef_construction=100, M=16)
    index.set_num_threads(1)
    index.add_items(rows)

    def search(query: np.ndarray) -> np.ndarray:
        return index.knn_query(query, k=TOP_COUNT)[0][0]

    for ef in _growing(TOP_COUNT, 10_000):
        index.set_ef(ef)
        yield ef, search


def _exact(rows: np.ndarray, target: float) -> Tunable:
    yield 0, lambda query: exact_top(rows, query)


LIBRARIES: dict[str, Callable[[np.ndarray, float], Tunable]] = {
    "this project's ScaNN": _scann,
    "Faiss IVF, 8 bits": _faiss,
    "hnswlib": _hnswlib,
    "exact (NumPy)": _exact,
}


def _growing(first: int, limit: int) -> Iterable[int]:
    value = first
    while value < limit:
        yield value
        value = max(value + 1, int(value * _FACTOR))
    yield limit


def recall(search: Search, queries: np.ndarray, exact: np.ndarray) -> float:
    """Share of the exact top 100 that a search finds, on average."""
    found = [
        len(np.intersect1d(search(query), expected))
        for query, expected in zip(queries, exact, strict=True)
    ]
    return float(np.mean(found)) / TOP_COUNT


def compare(
    libraries: Sequence[str], item_count: int, dim: int, target: float, rounds: int
) -> dict[str, dict[str, float]]:
    """Figures of each library: parameter, recall, query, build and memory."""
    rows, queries = clustered(item_count, dim, 1), clustered(_QUERY_COUNT, dim, 2)
    exact = np.stack([exact_top(rows, query) for query in queries])
    figures = {}
    with ExitStack() as stack:
        workers = {}
        for name in libraries:
            worker = stack.enter_context(_worker(name, item_count, dim, target, exact))
            # One after another: building takes every core that it can get.
            figures[name] = worker.recv()
            workers[name] = worker
        times: dict[str, list[float]] = {name: [] for name in libraries}
        for _ in range(rounds):
            for name, worker in workers.items():
                worker.send("round")
                times[name].append(worker.recv())
    for name in libraries:
        figures[name]["query µs"] = median(times[name])
    return figures


@contextmanager
def _worker(
    name: str, item_count: int, dim: int, target: float, exact: np.ndarray
) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, name, item_count, dim, target, exact))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join()


def _serve(
    pipe: Connection, name: str, item_count: int, dim: int, target: float, exact: np.ndarray
) -> None:
    rows, queries = clustered(item_count, dim, 1), clustered(_QUERY_COUNT, dim, 2)
    half = len(queries) // 2
    before_mb, start = resident_mb(os.getpid()), time.perf_counter()
    tunable = LIBRARIES[name](rows, target)
    parameter, search = next(tunable)
    build_seconds, memory_mb = time.perf_counter() - start, resident_mb(os.getpid()) - before_mb
    while recall(search, queries[:half], exact[:half]) < target:
        following = next(tunable, None)
        if following is None:
            break
        parameter, search = following
    pipe.send(
        {
            "parameter": parameter,
            "recall": recall(search, queries[half:], exact[half:]),
            "build s": build_seconds,
            "memory MB": memory_mb,
        }
    )
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        times = []
        for query in queries[half:]:
            start = time.perf_counter()
            search(query)
            times.append(time.perf_counter() - start)
        pipe.send(1e6 * median(times))


@click.command()
@click.option("--items", "item_counts", type=int, multiple=True, default=(100_000,))
@click.option("--dim", type=int, default=64, show_default=True)
@click.option("--recall", "target", type=float, default=0.95, show_default=True)
@click.option("--rounds", type=int, default=7, show_default=True)
@click.option("--library", "libraries", multiple=True, type=click.Choice(list(LIBRARIES)))
@click.option("--json", "as_json", is_flag=True)
def main(
    item_counts: Sequence[int],
    dim: int,
    target: float,
    rounds: int,
    libraries: Sequence[str],
    as_json: bool,
) -> None:
    """Compare libraries of nearest neighbours at equal recall."""
    described = machine()
    report = {
        str(count): compare(libraries or list(LIBRARIES), count, dim, target, rounds)
        for count in item_counts
    }
    if as_json:
        click.echo(json.dumps({"machine": described, "items": report}, indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(described)
    for count, figures in report.items():
        console.print(_table(f"{int(count):,} items of {dim} numbers, top {TOP_COUNT}", figures))


def _table(title: str, figures: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("library")
    for name in ("parameter", "recall", "query µs", "build s", "memory MB"):
        table.add_column(name, justify="right")
    for library, row in figures.items():
        table.add_row(
            library,
            f"{row['parameter']:,}",
            f"{row['recall']:.3f}",
            f"{row['query µs']:,.0f}",
            f"{row['build s']:.1f}",
            f"{row['memory MB']:,.0f}",
        )
    return table


if __name__ == "__main__":
    # One thread each, as a request has in a server.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    main()
