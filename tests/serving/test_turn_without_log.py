"""A shop without a log, or with its first few looks, follows looks and searches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME, category_of
from data.tables import Tables, events_table, iter_events
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from tests.quick_training import train_quickly

_CONFIG = {
    "text": {"bucket_count": 4_096},
    "towers": {"dim": 32, "session_encoder": "dnn"},
    "retrieval": {"epoch_limit": 5, "batch_size": 128},
    "rerank": {"request_limit": 1_000, "epoch_limit": 6},
}
_START = END_TIME + 1_000.0
_SHOPPERS = range(24)


class Clock:
    """The engine's time: ten minutes after the first look."""

    def __call__(self) -> float:
        return _START + 600.0


def first_looks(tables: Tables, count: int) -> pa.Table:
    """So many views, half of them of the part that teaches the towers."""
    views = [one for one in iter_events(tables.events) if one.type is EventType.VIEW]
    late = [one for one in views if tables.split.rank_from <= one.time < tables.split.test_from]
    return events_table([*views[: count - count // 2], *late[: count // 2]])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(0, id="no log"),
        pytest.param(6, id="six looks", marks=pytest.mark.slow),
    ],
)
def engine(
    shop_tables: Tables,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Engine]:
    """The made-up shop's items, and of them no categories: titles, brands and prices."""
    items = shop_tables.items
    place = items.column_names.index("category")
    column = items.schema.field(place)
    none = pa.array([[] for _ in range(items.num_rows)], column.type)
    alone = replace(
        shop_tables,
        items=items.set_column(place, column, none),
        events=first_looks(shop_tables, request.param),
        judgments=shop_tables.judgments.slice(0, 0),
    )
    out = tmp_path_factory.mktemp("alone") / "bundle"
    train_quickly(alone, out, _CONFIG)
    engine = Engine.open(out, clock=Clock())
    yield engine
    engine.close()


def turned_share(engine: Engine, interaction: str) -> float:
    """Share of the next page's top ten that is of the new category, by the shop's own rules."""
    rng, shelves = random.Random(3), {}
    for item_id in engine.bundle.catalog.item_ids:
        shelves.setdefault(category_of(item_id), []).append(item_id)
    shares = []
    for number in _SHOPPERS:
        old, new = rng.sample(sorted(shelves), 2)
        visitor, now = f"{interaction}{number}", _START
        interactions = [(EventType.VIEW, one, "") for one in rng.sample(shelves[old], 4)]
        if interaction == "search":
            wanted = rng.choice(shelves[new])
            title = engine.bundle.catalog.titles[engine.bundle.catalog.row_of[wanted]]
            interactions.append((EventType.SEARCH, "", title))
        else:
            interactions += [(EventType.VIEW, one, "") for one in rng.sample(shelves[new], 2)]
        for type_, item_id, query in interactions:
            now += 20.0
            engine.sessions.apply(Event(f"{visitor}{now}", type_, visitor, now, item_id, query))
        page = engine.recommend(RecommendRequest(Placement.HOME, visitor, page_size=10)).results
        shares.append(sum(category_of(one.item_id) == new for one in page) / len(page))
    return sum(shares) / len(shares)


def test_two_looks_at_another_category_turn_the_next_page(engine: Engine) -> None:
    assert turned_share(engine, "views") >= 0.7


def test_one_search_for_another_category_turns_the_next_page(engine: Engine) -> None:
    assert turned_share(engine, "search") >= 0.7


def test_a_title_still_finds_its_item(engine: Engine) -> None:
    catalog = engine.bundle.catalog
    rows = random.Random(5).sample(range(catalog.count), 40)
    found = 0
    for row in rows:
        request = SearchRequest(catalog.titles[row], page_size=3, record=False)
        found += catalog.item_ids[row] in [one.item_id for one in engine.search(request).results]
    assert found >= 36
