"""The demo on a grocer's year of data: prepare, train, serve, a scripted shopper, and a load test.

It uses a fifth of the households and the sampled softmax, so that it takes minutes on two cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.errors import NextclickError
from data.records import Event, EventType
from serving.api.answers import Answer
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.edge.client import Client
from serving.load.load_step import LoadStep

VISITOR_SHARE = 0.2
CONFIG: dict[str, Any] = {
    "text": {"bucket_count": 32_768},
    "retrieval": {
        "full_softmax_item_limit": 20_000,
        "browse_example_limit": 28_000,
        "search_example_limit": 18_000,
        "validation_example_limit": 2_000,
        "batch_size": 1_024,
        "epoch_limit": 3,
    },
    "towers": {"history_slot_count": 32},
    "rerank": {"request_limit": 8_000},
}
SHOPPER = "demo-shopper"
QUERY = "kids cereal"
LOAD_CALLERS = 4
_PAGE_SIZE = 8
_DAY_SECONDS = 86_400.0
_READY_SECONDS = 60.0
_STOP_SECONDS = 30.0

Show = Callable[[str, Answer, Answer | None], None]
"""Takes a headline, an answer, and the earlier answer to the same request or None."""


@dataclass(frozen=True)
class Server:
    """A server in its own process."""

    address: str
    pid: int
    ready_seconds: float


@contextmanager
def running_server(bundle: Path, state: Path, *, address: str = "127.0.0.1:0") -> Iterator[Server]:
    """Runs ``nextclick serve`` in its own process, and stops it at the end of the block.

    Raises:
        NextclickError: The server did not start, or did not exit with 0.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "serving.cli", "serve", str(bundle)]
    command += ["--state", str(state), "--address", address, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            # One line, written once the server is ready; empty if it has exited.
            line = process.stdout.readline()
            if not line:
                raise NextclickError(f"server: expected a start, received exit {process.wait()}")
            ready = json.loads(line)
            with Client(ready["address"]) as client:
                client.wait_until_serving(_READY_SECONDS)
            yield Server(ready["address"], ready["pid"], time.perf_counter() - began)
        finally:
            process.terminate()
            try:
                code = process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    if code:
        raise NextclickError(f"server: expected to end with 0, received {code}")


def play_shopper(client: Client, show: Show) -> None:
    """A shopper searches, views an item and adds one to the cart; every answer adapts."""
    search = SearchRequest(QUERY, SHOPPER, page_size=_PAGE_SIZE, explain=True)
    home = RecommendRequest(Placement.HOME, SHOPPER, page_size=_PAGE_SIZE, explain=True)
    first_home = client.recommend(home)
    show("A new visitor opens the shop", first_home, None)
    first = client.search(search)
    show(f"searches for “{QUERY}”", first, None)
    viewed = first.results[min(3, len(first.results) - 1)]
    _did(client, EventType.VIEW, viewed.item_id, first.attribution_token)
    second = client.search(search)
    show(f"views “{viewed.title}” ({viewed.item_id}), and searches again", second, first)
    chosen = second.results[0]
    _did(client, EventType.ADD_TO_CART, chosen.item_id, second.attribution_token)
    third = client.search(search)
    show(f"adds “{chosen.title}” ({chosen.item_id}) to the cart, and searches again", third, second)
    show("goes back to the home page", client.recommend(home), first_home)
    milk = SearchRequest("milk", SHOPPER, page_size=_PAGE_SIZE, explain=True)
    show("searches for something else: “milk”", client.search(milk), None)
    show(
        "goes back to the home page, which follows the new intent",
        client.recommend(home),
        first_home,
    )


def play_household(client: Client, events: list[Event], show: Show) -> None:
    """A household with a purchase history comes back, a day after its last purchase."""
    shift_seconds = time.time() - _DAY_SECONDS - events[-1].time
    client.record([replace(event, time=event.time + shift_seconds) for event in events])
    visitor_id = events[0].visitor_id
    home = RecommendRequest(Placement.HOME, visitor_id, page_size=_PAGE_SIZE, explain=True)
    headline = f"Household {visitor_id} comes back after {len(events)} purchases"
    show(headline, client.recommend(home), None)


def put_load_on(address: str, seconds: float) -> list[LoadStep]:
    """Runs a closed-loop load test in its own process.

    Raises:
        NextclickError: No call was answered.
    """
    command = [sys.executable, "-m", "serving.cli", "loadtest", "--address", address, "--json"]
    command += ["--concurrency", str(LOAD_CALLERS), "--seconds", f"{seconds:g}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise NextclickError(f"loadtest: expected to end with 0, received {done.returncode}")
    return [LoadStep(**step) for step in json.loads(done.stdout)]


def household_history(tables: Path, limit: int = 400) -> list[Event]:
    """The newest training events of the household with the most events in the test part."""
    import pyarrow.compute as pc

    from data.tables import event_micros, iter_events, read_tables

    shop = read_tables(tables)
    is_test = event_micros(shop.events) >= shop.split.test_from * 1e6
    counts = pc.value_counts(shop.events.filter(is_test)["visitor_id"]).to_pylist()
    household = max(counts, key=lambda row: (row["counts"], row["values"]))["values"]
    own = shop.events.filter(pc.equal(shop.events["visitor_id"], household))
    before = [event for event in iter_events(own) if event.time < shop.split.test_from]
    return before[-limit:]


def _did(client: Client, type_: EventType, item_id: str, token: str) -> None:
    event = Event("", type_, SHOPPER, time.time(), item_id=item_id, attribution_token=token)
    client.record([event])
