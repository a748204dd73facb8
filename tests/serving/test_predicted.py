"""From a shop's holes to answers: predicted, taken in, found by filter, facet and words, and marked."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.predicted.values import read_values
from data.records import Item
from data.synthetic import END_TIME
from data.tables import Tables, read_tables
from serving.api.answers import Result
from serving.api.requests import AttributeCondition, FacetRequest, Filter, SearchRequest
from serving.cli.main import main
from serving.engine import Engine
from tests.quick_training import train_quickly
from tests.towers import shelf
from towers.attributes.known_items import items_of
from towers.bundle.manifest import sign
from towers.config import TextConfig
from towers.datasets.dataset import Dataset


@dataclass(frozen=True)
class Shop:
    """A shop whose items tell their department by an attribute, but for every fifth.

    Args:
        items: As the shop has them.
        given: The departments predicted for those without.
    """

    items: dict[str, Item]
    given: dict[str, str]
    tables: Tables
    bundle: Path


def run(*words: object) -> None:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("predicted")
    raw, values, tables = folder / "raw", folder / "values.csv", folder / "tables"
    raw.mkdir()
    items = {
        item.item_id: Item(
            item.item_id,
            item.title,
            category=item.category,
            brand=item.brand,
            price=item.price,
            attributes={"department": item.category[-1]} if number % 5 else {},
        )
        for number, item in enumerate(shelf.items())
    }
    rows = [
        {
            **{name: getattr(item, name) for name in ("item_id", "title", "brand", "price")},
            "category": list(item.category),
            "attributes": dict(item.attributes),
        }
        for item in items.values()
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (raw / "items.jsonl").write_text(text, encoding="utf-8")
    (raw / "judgments.csv").write_text("query,item_id,grade\nwok,p0000,1\n")
    run("prepare", "files", raw, "--out", tables)
    asked = ("--attribute", "department", "--model", "linear_svm")
    run("attributes", shelf.bundle_folder(), tables, "--out", values, *asked)
    run("prepare", "files", raw, "--out", tables, "--predicted", values)
    given = {row.item_id: row.value for row in read_values(values) if not row.abstained}
    # In place of a training, which is for the last test.
    bundle, towers = folder / "bundle", copy_with_predictions(folder / "towers")
    run("embed", towers, tables, "--out", bundle)
    return Shop(items, given, read_tables(tables), bundle)


def copy_with_predictions(out: Path) -> Path:
    """The bundle of the shelf as if it had been trained with ``use_predicted``."""
    shutil.copytree(shelf.bundle_folder(), out)
    path = out / "config.json"
    settings = json.loads(path.read_text())
    settings["attributes"]["use_predicted"] = True
    path.write_text(json.dumps(settings))
    sign(out, END_TIME)
    return out


@pytest.fixture
def engine(shop: Shop, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(shop.bundle, tmp_path / "state", clock=lambda: END_TIME + 60)
    yield engine
    engine.close()


def of_department(engine: Engine, name: str) -> dict[str, Result]:
    """Every result under a filter on the department, by id."""
    found: dict[str, Result] = {}
    conditions = Filter(attributes=(AttributeCondition("department", (name,)),))
    request = SearchRequest("", filter=conditions, page_size=100, record=False)
    answer = engine.search(request)
    found.update((result.item_id, result) for result in answer.results)
    assert answer.next_offset is None
    return found


def marked(engine: Engine, name: str) -> set[str]:
    return {
        key
        for key, one in of_department(engine, name).items()
        if one.predicted_attributes == ("department",)
    }


def test_filled_items_are_found_by_filter_and_facet_and_marked(shop: Shop, engine: Engine) -> None:
    assert len(shop.given) > 30
    own = {key: item.attributes.get("department") for key, item in shop.items.items()}
    wanted = Counter(name for name in [*shop.given.values(), *own.values()] if name)
    (facet,) = engine.search(
        SearchRequest("", facets=(FacetRequest("department", 100),), record=False)
    ).facets
    assert {one.value: one.count for one in facet.values} == dict(wanted)
    for name in wanted:
        found = of_department(engine, name)
        guessed = {key for key, value in shop.given.items() if value == name}
        assert set(found) == guessed | {key for key, value in own.items() if value == name}
        assert marked(engine, name) == guessed


def test_they_are_off_by_default_and_never_learnt_from(
    shop: Shop, engine: Engine, tmp_path: Path
) -> None:
    run("embed", shelf.bundle_folder(), shop.tables.path, "--out", tmp_path / "plain")
    plain = Engine.open(tmp_path / "plain", clock=lambda: END_TIME + 60)
    assert not any(marked(plain, name) for name in set(shop.given.values()))
    plain.close()
    assert not any(item.predicted for item in Dataset.of(shop.tables, TextConfig()).items)
    learnt, _ = items_of(engine.bundle.catalog, ())
    assert {one.item_id: dict(one.attributes) for one in learnt} == {
        key: dict(item.attributes) for key, item in shop.items.items()
    }


def test_a_live_change_keeps_them_until_the_shop_gives_its_own(
    shop: Shop, engine: Engine, tmp_path: Path
) -> None:
    key, name = next(iter(shop.given.items()))
    catalog = engine.bundle.catalog
    row = catalog.row_of[key]
    before = catalog.text_keys[row]
    engine.update_items([replace(shop.items[key], price=2.5)])
    # A change of price alone: the item is read again by none of the indexes.
    assert catalog.text_keys[row] == before and catalog.price[row] == 2.5
    assert key in marked(engine, name)
    engine.update_items([replace(shop.items[key], title="wholly other words", price=2.5)])
    assert key in marked(engine, name)
    engine.update_items([replace(shop.items[key], attributes={"department": "Own"})])
    assert key not in of_department(engine, name)
    assert of_department(engine, "Own")[key].predicted_attributes == ()
    engine.update_items([shop.items[key]])
    engine.close()
    # What the log keeps is the shop's own state, which is filled again.
    again = Engine.open(shop.bundle, tmp_path / "state", clock=lambda: END_TIME + 120)
    assert key in marked(again, name)
    again.close()


def test_embedding_another_catalogue_keeps_them(shop: Shop, tmp_path: Path) -> None:
    some = dict(list(shop.items.items())[:60])
    file, out = tmp_path / "items.jsonl", tmp_path / "bundle"
    file.write_text(
        "".join(
            json.dumps({"item_id": key, "title": one.title}) + "\n" for key, one in some.items()
        )
    )
    run("embed", shop.bundle, file, "--out", out)
    engine = Engine.open(out, clock=lambda: END_TIME + 60)
    for name in set(shop.given.values()):
        wanted = {key for key, value in shop.given.items() if value == name and key in some}
        assert marked(engine, name) == wanted
    engine.close()


@pytest.mark.slow
def test_training_takes_them_in_and_counts_them(shop: Shop, tmp_path: Path) -> None:
    settings = {
        "text": {"bucket_count": 4_096},
        "towers": {"dim": 32, "session_encoder": "dnn"},
        "retrieval": {"epoch_limit": 1, "batch_size": 128, "refresh_epoch_count": 0},
        "rerank": {"request_limit": 200, "epoch_limit": 1},
        "attributes": {"use_predicted": True},
    }
    metrics = train_quickly(shop.tables, tmp_path / "bundle", settings)
    count = len(shop.given)
    assert metrics["predicted"] == {
        "item_count": count,
        "value_count": count,
        "by_field": {"department": count},
    }
    engine = Engine.open(tmp_path / "bundle", clock=lambda: END_TIME + 60)
    for name in set(shop.given.values()):
        assert marked(engine, name) == {key for key, one in shop.given.items() if one == name}
    engine.close()
