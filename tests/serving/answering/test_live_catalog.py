"""Live changes: a vector follows the item as it is now, however it came to be so and after a restart;

and no later change is lost to the copy of an older export."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from data.records import Item, as_datetime
from data.synthetic import END_TIME
from data.tables import Tables, iter_items
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from serving.cli.commands.embed import embed
from serving.cli.commands.prepare import prepare
from serving.engine import Engine
from towers.bundle.bundle import Layout
from towers.bundle.candidate_tables import CandidateTables
from towers.catalog.items import Catalog
from towers.training.item_embedding import embed_items

MILK = "fresh organic whole milk bottle from the mountain dairy farm cold pure white"
DOG_FOOD = "dry crunchy dog food bag with chicken rice vitamins for large old dogs"
FRESH = ("Grocery", "Fresh")
PETS = ("Pets", "Dogs")


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = END_TIME + 60.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(shop_bundle: Path, tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def own_items(shop_tables: Tables) -> dict[str, Item]:
    """What the bundle was made of, by item id."""
    return {item.item_id: item for item in iter_items(shop_tables.items)}


def small_edits(item_id: str) -> list[Item]:
    """Milk that becomes dog food a word at a time, its category in the middle."""
    before, after = MILK.split(), DOG_FOOD.split()
    edits = []
    for changed in range(len(before) + 1):
        title = " ".join(after[:changed] + before[changed:])
        edits.append(Item(item_id, title, category=FRESH if changed < 7 else PETS, price=4.0))
    return edits


def vector(engine: Engine, item_id: str) -> list[float]:
    sources = engine.bundle.ranker.sources
    row = sources.catalog.row_of[item_id]
    found: list[float] = sources.index.embeddings[row].tolist()
    return found


def answers(engine: Engine, item_id: str) -> list[list[tuple[str, float]]]:
    """What the item is shown beside, and where it stands among what its words find."""
    asked = [
        engine.recommend(RecommendRequest(Placement.ITEM, "", (item_id,), page_size=20)),
        engine.search(SearchRequest("dog food", page_size=20)),
        engine.search(SearchRequest("whole milk", page_size=20)),
    ]
    return [
        [(result.item_id, pytest.approx(result.score, abs=1e-5)) for result in answer.results]
        for answer in asked
    ]


def of_words(engine: Engine, item: Item) -> list[float]:
    """The vector that batch embedding gives to an item it knows by its words alone."""
    tables = CandidateTables.load(Layout(engine.bundle.path).training)
    catalog = Catalog.of([replace(item, item_id="known to nobody")], engine.bundle.config.text)
    found: list[float] = embed_items(tables, catalog, engine.bundle.config)[0].tolist()
    return found


@pytest.mark.parametrize("item_id", ["p0000", "listed-live"])
def test_many_small_edits_answer_as_one_large_one_and_as_after_a_restart(
    item_id: str, engine: Engine, shop_bundle: Path, tmp_path: Path, clock: Clock
) -> None:
    edits = small_edits(item_id)
    for edit in edits:
        engine.update_items([edit])
    with_one = Engine.open(shop_bundle, tmp_path / "other", clock=clock)
    with_one.update_items([edits[-1]])
    found = vector(engine, item_id)
    assert found == pytest.approx(vector(with_one, item_id), abs=1e-6)
    # None of the milk is left in it.
    assert found == pytest.approx(of_words(engine, edits[-1]), abs=1e-4)
    assert answers(engine, item_id) == answers(with_one, item_id)
    with_one.close()
    before = answers(engine, item_id)
    engine.close()
    again = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    assert vector(again, item_id) == pytest.approx(found, abs=1e-6)
    assert answers(again, item_id) == before
    again.close()


@pytest.mark.parametrize("stop", range(1, 13, 3))
def test_wherever_the_edits_stop_a_restart_changes_nothing(
    stop: int, engine: Engine, shop_bundle: Path, tmp_path: Path, clock: Clock
) -> None:
    # Straight from the bundle's own words as well as from those of an edit before.
    (catalog, row) = engine.bundle.catalog, engine.bundle.catalog.row_of["p0001"]
    own = Item("p0001", catalog.titles[row], category=catalog.category(row))
    for edit in [own, *small_edits("p0001")[: stop + 1]]:
        engine.update_items([edit])
    found = vector(engine, "p0001")
    engine.close()
    again = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    assert vector(again, "p0001") == pytest.approx(found, abs=1e-6)
    again.close()


def test_an_item_that_is_edited_back_has_what_training_knew_of_it(
    engine: Engine, own_items: dict[str, Item]
) -> None:
    own, trained = own_items["p0002"], vector(engine, "p0002")
    found = engine.recommend(RecommendRequest(Placement.ITEM, "", ("p0002",), page_size=5))
    engine.update_items([replace(own, title=DOG_FOOD, category=PETS, brand="")])
    assert vector(engine, "p0002") != pytest.approx(trained, abs=1e-3)
    engine.update_items([own])
    assert vector(engine, "p0002") == trained
    again = engine.recommend(RecommendRequest(Placement.ITEM, "", ("p0002",), page_size=5))
    assert [one.item_id for one in again.results] == [one.item_id for one in found.results]


def test_a_small_edit_keeps_the_trained_vector_and_leaves_the_index_alone(
    engine: Engine, own_items: dict[str, Item]
) -> None:
    own, trained = own_items["p0003"], vector(engine, "p0003")
    engine.update_items([replace(own, title=own.title + " now")])
    assert vector(engine, "p0003") == trained
    assert engine.bundle.ranker.sources.index.overlay_count == 0


def exported(folder: Path, shop_tables: Tables) -> Path:
    """The items as a shop exports them."""
    path = folder / "items.parquet"
    pq.write_table(shop_tables.items, path)
    return path


@pytest.mark.parametrize("is_told", [False, True])
def test_a_copy_of_an_old_export_drops_no_later_live_change(
    is_told: bool, engine: Engine, shop_tables: Tables, tmp_path: Path, clock: Clock
) -> None:
    export_time = clock()
    clock.now += 60.0
    engine.update_items([Item("p0000", "Quetzal xylophone", price=5.0)])
    engine.delete_items(["p0001"])
    clock.now += 60.0
    (tmp_path / "copies").mkdir()
    copy = Path(shutil.copy(exported(tmp_path, shop_tables), tmp_path / "copies"))
    os.utime(copy, (clock.now, clock.now))
    told = ["--items-time", as_datetime(export_time).isoformat()] if is_told else []
    words = [engine.status().bundle_path, str(copy), "--out", str(tmp_path / "next"), *told]
    result = CliRunner().invoke(embed, words)
    assert result.exit_code == 0, result.output
    engine.publish(str(tmp_path / "next"))
    catalog = engine.bundle.catalog
    assert catalog.titles[catalog.row_of["p0000"]] == "Quetzal xylophone"
    assert not catalog.listed[catalog.row_of["p0001"]]


def test_an_export_that_is_told_to_be_newer_wins_over_an_older_live_change(
    engine: Engine, shop_tables: Tables, own_items: dict[str, Item], tmp_path: Path, clock: Clock
) -> None:
    engine.update_items([Item("p0000", "Quetzal xylophone", price=5.0)])
    engine.delete_items(["p0001"])
    clock.now += 60.0
    export = exported(tmp_path, shop_tables)
    # As an archive keeps it: older than anything.
    os.utime(export, (1.0, 1.0))
    words = [engine.status().bundle_path, str(export), "--out", str(tmp_path / "next")]
    # Without a zone it is UTC.
    told = as_datetime(clock.now).replace(tzinfo=None).isoformat()
    result = CliRunner().invoke(embed, [*words, "--items-time", told])
    assert result.exit_code == 0, result.output
    engine.publish(str(tmp_path / "next"))
    catalog = engine.bundle.catalog
    assert catalog.titles[catalog.row_of["p0000"]] == own_items["p0000"].title
    assert catalog.listed[catalog.row_of["p0001"]]


def test_a_time_of_an_export_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    words = ["files", str(tmp_path), "--out", str(tmp_path / "out"), "--items-time", "yesterday"]
    result = CliRunner().invoke(prepare, words)
    assert result.exit_code == 2
    assert "expected an ISO 8601 time, received 'yesterday'" in result.output


def test_a_change_of_price_or_stock_touches_neither_words_nor_caches(
    engine: Engine, own_items: dict[str, Item]
) -> None:
    sources, own = engine.bundle.ranker.sources, own_items["p0004"]
    lexical = sources.lexical
    assert lexical is not None
    query = lexical.parse(own.title)
    hits = lexical.search(query, 20)
    cheap = replace(own, price=0.03, in_stock=not own.in_stock)
    assert engine.update_items([cheap]).updated_count == 1
    assert lexical.parse(own.title) is query and lexical.search(query, 20)[0] is hits[0]
    asked = SearchRequest(own.title, filter=Filter(max_price=0.05), record=False)
    (found,) = engine.search(asked).results
    assert (found.item_id, found.in_stock) == ("p0004", cheap.in_stock)
    assert found.price == pytest.approx(0.03)
    # Of one word more all caches are new.
    engine.update_items([replace(cheap, description=own.description + " quokka")])
    assert lexical.parse(own.title) is not query
    rows, _ = lexical.search(lexical.parse("quokka"), 20)
    assert [sources.catalog.item_ids[row] for row in rows] == ["p0004"]


def test_prices_and_stock_that_change_often_leave_the_columns_of_the_last_state(
    engine: Engine, shop_bundle: Path, own_items: dict[str, Item], tmp_path: Path, clock: Clock
) -> None:
    rng = random.Random(5)
    prices = (None, 0.0, 0.004, 0.9, 1.1, 7.0, 7.2, 5_000.0)
    newest: dict[str, Item] = {}
    engine.update_items([Item("listed-live", MILK, price=3.0, attributes={"a": "1", "b": "2"})])
    own = {**own_items, "listed-live": Item("listed-live", MILK, attributes={"b": "2", "a": "1"})}
    for _ in range(60):
        batch = [
            replace(own[item_id], price=rng.choice(prices), in_stock=rng.random() < 0.5)
            for item_id in rng.choices([*list(own_items)[:8], "listed-live"], k=4)
        ]
        engine.update_items(batch)
        newest.update({item.item_id: item for item in batch})
    engine.close()
    again = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    for bundle in (engine.bundle, again.bundle):
        catalog = bundle.catalog
        expected = Catalog.of(newest.values(), bundle.config.text)
        rows = catalog.rows(list(newest))
        for name in ("price", "created", "in_stock", "listed", "completeness", "tokens"):
            changed = getattr(catalog, name)[rows]
            assert np.array_equal(
                changed, getattr(expected, name), equal_nan=changed.dtype.kind == "f"
            )
    for item_id in newest:
        assert vector(again, item_id) == pytest.approx(vector(engine, item_id), abs=1e-6)
    again.close()


def test_a_deleted_item_that_comes_back_as_it_was_is_found_again(
    engine: Engine, own_items: dict[str, Item]
) -> None:
    own = own_items["p0005"]
    engine.delete_items(["p0005"])
    for _ in range(2):
        found = engine.search(SearchRequest(own.title, record=False)).results
        assert not any(one.item_id == "p0005" for one in found)
    assert engine.update_items([own]).added_count == 1
    found = engine.search(SearchRequest(own.title, record=False)).results
    assert any(one.item_id == "p0005" for one in found)
