"""Batch embedding at scale: items a second from Parquet to embeddings, and the memory that it takes.

    python -m tests.benchmarks.embedding BUNDLE TABLES --items 1000000

The items are made of those of TABLES, each with a new id and a title of its own words in another order
and one word of another title, so that most titles are new. Three runs: all items; all again beside the
first run's folder; the first run killed half-way and taken up.
"""

from __future__ import annotations

import contextlib
import json
import resource
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.tables import ITEM_SCHEMA, read_tables
from towers.training.embedding_stream import embed_parts

_MADE_AT_ONCE = 250_000


def make_items(tables: Path, path: Path, count: int, seed: int) -> int:
    """Writes a Parquet file of made items; returns the number of distinct titles."""
    items = read_tables(tables).items.combine_chunks()
    words = [title.split() for title in items["title"].to_pylist()]
    rng = np.random.default_rng(seed)
    titles_seen: set[int] = set()
    with pq.ParquetWriter(path, ITEM_SCHEMA, compression="zstd") as writer:
        for begin in range(0, count, _MADE_AT_ONCE):
            made_count = min(_MADE_AT_ONCE, count - begin)
            rows, others = rng.integers(0, len(words), (2, made_count))
            titles = []
            for row, other in zip(rows.tolist(), others.tolist(), strict=True):
                own = words[row]
                at = (row + other) % max(1, len(own))
                titles.append(" ".join([*own[at:], *own[:at], *words[other][:1]]))
            titles_seen.update(map(hash, titles))
            made = items.take(pa.array(rows))
            made = made.set_column(
                0, ITEM_SCHEMA.field("item_id"), [[f"m{begin + n}" for n in range(made_count)]]
            )
            writer.write_table(made.set_column(1, ITEM_SCHEMA.field("title"), [titles]))
    return len(titles_seen)


class _KilledError(Exception):
    """Raised in place of a kill."""


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
@click.argument("tables", type=click.Path(path_type=Path, exists=True))
@click.option("--items", "count", default=1_000_000, help="Items made.")
@click.option("--workers", default=2)
@click.option("--seed", default=7)
@click.option("--json", "as_json", is_flag=True)
def main(bundle: Path, tables: Path, count: int, workers: int, seed: int, as_json: bool) -> None:
    """Measures batch embedding."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "items.parquet"
        title_count = make_items(tables, source, count, seed)
        click.echo(f"{count:,} items, {title_count:,} distinct titles", err=True)
        first = embed_parts(bundle, source, folder / "first", worker_count=workers)
        again = embed_parts(
            bundle, source, folder / "again", known=folder / "first", worker_count=workers
        )

        def kill(done: int, total: int) -> None:
            if done >= total // 2:
                raise _KilledError

        with contextlib.suppress(_KilledError):
            embed_parts(bundle, source, folder / "cut", worker_count=workers, progress=kill)
        resumed = embed_parts(bundle, source, folder / "cut", worker_count=workers)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    of_worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    runs = {"all": first, "beside an earlier run": again, "taken up half-way": resumed}
    if as_json:
        found = {name: asdict(report) for name, report in runs.items()}
        click.echo(json.dumps({"runs": found, "peak_kib": [own, of_worker]}))
        return
    for run, report in runs.items():
        click.echo(
            f"{run}: {report.embedded_count:,} embedded, {report.kept_count:,} kept, "
            f"{report.found_count:,} found, {report.seconds:.1f} s, "
            f"{report.items_per_second:,.0f} items/s"
        )
    click.echo(f"peak memory: {own / 1024:,.0f} MiB, and {of_worker / 1024:,.0f} MiB a worker")


if __name__ == "__main__":
    main()
