"""Live changes at scale: price changes per second, and new items beside searches, through the engine.

    python -m tests.benchmarks.live_catalog BUNDLE TABLES

BUNDLE is a trained bundle, TABLES the folder of tables that it was trained on. Everything runs in one
process, which is set as a server's is, so that figures are of the engine alone, the durable item log
included.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np

from data.records import Item
from data.tables import iter_items, read_tables
from serving.api.requests import SearchRequest
from serving.edge.admission import Lane, let_pass
from serving.edge.interpreter import long_lived, set_short_timers, set_thread_switches
from serving.engine import Engine


@dataclass(frozen=True)
class PriceChanges:
    """Price changes in batches: their number, and the rate once every item has been changed before."""

    count: int
    batch_size: int
    per_second: float
    slowest_batch_ms: float


@dataclass(frozen=True)
class NewItems:
    """New items beside searches at a fixed rate, both open loop; latencies from the planned start."""

    items_per_second: float
    searches_per_second: float
    search_p50_ms: float
    search_p99_ms: float
    search_max_ms: float
    alone_p50_ms: float
    alone_p99_ms: float


def change_prices(
    engine: Engine, items: Sequence[Item], count: int, batch_size: int, rng: random.Random
) -> PriceChanges:
    """Changes prices and stock of items drawn at random."""
    spent, slowest = 0.0, 0.0
    for _ in range(count // batch_size):
        batch = [
            replace(
                item,
                price=item.price and round(item.price * rng.uniform(0.8, 1.25), 2),
                in_stock=rng.random() < 0.9,
            )
            for item in rng.sample(items, batch_size)
        ]
        began = time.perf_counter()
        engine.update_items(batch)
        took = time.perf_counter() - began
        spent += took
        slowest = max(slowest, took)
    return PriceChanges(count, batch_size, count / spent, 1e3 * slowest)


def search_for(
    engine: Engine,
    texts: Sequence[str],
    rate: float,
    seconds: float,
    rng: random.Random,
    lane: Lane,
) -> np.ndarray:
    """Searches at a fixed rate, one after the other as in a server; latencies in ms, from when each was
    planned.

    Args:
        lane: Has the searches that are in flight.
    """
    count = int(rate * seconds)
    asked = [rng.choice(texts) for _ in range(count)]
    latencies = np.zeros(count)
    begin = time.perf_counter() + 0.1

    for number in range(count):
        planned = begin + number / rate
        time.sleep(max(0.0, planned - time.perf_counter()))
        lane.calls.add(number)
        engine.search(SearchRequest(asked[number], f"v{number % 500}", record=False))
        now = time.perf_counter()
        if number + 1 < count and planned + 1.0 / rate <= now:
            # It waits already, and is in flight as in a server.
            lane.calls.add(number + 1)
        lane.leave(number)
        latencies[number] = 1e3 * (now - planned)
    return latencies


def add_items(
    engine: Engine,
    items: Sequence[Item],
    texts: Sequence[str],
    seconds: float,
    rates: tuple[float, float, int],
    rng: random.Random,
) -> NewItems:
    """Adds items at a rate in batches, while searches come at another; ``rates``: items a second,
    searches a second, items a batch. A change lets searches pass as a server's does."""
    lane = Lane("answers", at_once=0, limit=1)
    item_rate, search_rate, batch_size = rates
    alone = search_for(engine, texts, search_rate, seconds / 2, rng, lane)
    batch_count = int(item_rate * seconds) // batch_size
    took = slice_end = 0.0

    def give_way() -> None:
        nonlocal slice_end
        slice_end = let_pass(lane, slice_end)

    def add() -> None:
        nonlocal took
        begin = time.perf_counter()
        for number in range(batch_count):
            time.sleep(max(0.0, begin + number * batch_size / item_rate - time.perf_counter()))
            engine.update_items(
                [
                    replace(
                        item, item_id=f"new-{rng.getrandbits(60):x}", title=_mixed(item, items, rng)
                    )
                    for item in rng.choices(items, k=batch_size)
                ],
                give_way,
            )
        took = time.perf_counter() - begin

    writer = threading.Thread(target=add)
    writer.start()
    beside = search_for(engine, texts, search_rate, seconds, rng, lane)
    writer.join()
    return NewItems(
        batch_count * batch_size / took,
        search_rate,
        *(float(np.percentile(beside, q)) for q in (50, 99, 100)),
        *(float(np.percentile(alone, q)) for q in (50, 99)),
    )


def _other_price(item: Item, rng: random.Random) -> float | None:
    return item.price and round(item.price * rng.uniform(0.8, 1.25), 2)


def _mixed(item: Item, items: Sequence[Item], rng: random.Random) -> str:
    """A title of words of two items, which no cache knows."""
    words = (item.title + " " + rng.choice(items).title).split()
    return " ".join(rng.sample(words, min(len(words), 7)))


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
@click.argument("tables", type=click.Path(path_type=Path, exists=True))
@click.option("--changes", default=50_000, help="Price changes.")
@click.option("--batch", default=1_000, help="Price changes in a call.")
@click.option("--seconds", default=20.0, help="Of searches beside new items.")
@click.option("--item-rate", default=500.0, help="New items a second.")
@click.option("--search-rate", default=200.0, help="Searches a second.")
@click.option("--new-batch", default=50, help="New items in a call.")
@click.option("--seed", default=7)
@click.option("--json", "as_json", is_flag=True)
def main(
    bundle: Path,
    tables: Path,
    changes: int,
    batch: int,
    seconds: float,
    item_rate: float,
    search_rate: float,
    new_batch: int,
    seed: int,
    as_json: bool,
) -> None:
    """Measures live changes through the engine."""
    rng = random.Random(seed)
    items = list(iter_items(read_tables(tables).items_known(whole_log=True)[0]))
    texts = [
        " ".join(rng.sample(words, min(2, len(words))))
        for item in rng.choices(items, k=5_000)
        if (words := item.title.lower().split())
    ]
    with tempfile.TemporaryDirectory() as folder:
        with long_lived():
            engine = Engine.open(bundle, Path(folder))
        set_thread_switches()
        set_short_timers()
        first = change_prices(engine, items, changes, batch, rng)
        again = change_prices(engine, items, changes, batch, rng)
        for text in texts[:300]:
            engine.search(SearchRequest(text, record=False))
        rates = (item_rate, search_rate, new_batch)
        new = add_items(engine, items, texts, seconds, rates, rng)
        engine.close()
    if as_json:
        click.echo(json.dumps({"first": asdict(first), "again": asdict(again), "new": asdict(new)}))
        return
    for name, part in (("price changes", first), ("once more", again)):
        click.echo(
            f"{name}: {part.count:,} in calls of {part.batch_size:,}: {part.per_second:,.0f}/s, "
            f"slowest call {part.slowest_batch_ms:.0f} ms"
        )
    click.echo(
        f"new items: {new.items_per_second:,.0f}/s beside {new.searches_per_second:,.0f} searches/s: "
        f"p50 {new.search_p50_ms:.1f} ms, p99 {new.search_p99_ms:.1f} ms, longest "
        f"{new.search_max_ms:.1f} ms (searches alone: {new.alone_p50_ms:.1f}, {new.alone_p99_ms:.1f})"
    )


if __name__ == "__main__":
    main()
