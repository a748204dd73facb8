"""A made-up shop, trained once a run: tables and a bundle that tests read and never change."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import settings

from data.prepare import prepare
from data.synthetic import END_TIME, synthetic_shop
from data.tables import Tables, read_tables
from tests.quick_training import train_quickly

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with warnings.catch_warnings():
    # What TensorFlow's own dependencies warn of while they are imported is not ours to mend.
    warnings.simplefilter("ignore")
    import towers.models.fitting  # noqa: F401

# How long an example takes says more of the machine's other work than of ours.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

CONFIG: dict[str, Any] = {
    "text": {"bucket_count": 4_096},
    "towers": {"dim": 32, "event_slot_count": 12, "history_slot_count": 16},
    "retrieval": {
        "epoch_limit": 6,
        "batch_size": 256,
        "browse_example_limit": 12_000,
        "search_example_limit": 6_000,
    },
    "rerank": {"request_limit": 1_500, "epoch_limit": 6},
    # Of a log of a month no longer horizon can be measured.
    "demand": {"horizon_days": 2, "item_limit": 20},
}
"""Settings that train the made-up shop in half a minute."""


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this run alone, so that no test reads or writes the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shop_tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The made-up shop as clean tables, by way of its raw files."""
    folder = tmp_path_factory.mktemp("shop")
    shop = synthetic_shop(item_count=240, visitor_count=300)
    raw = folder / "raw"
    raw.mkdir()
    for name in ("items", "events", "judgments"):
        table = getattr(shop, name)
        if name == "events":
            names = ["unspecified", "search", "view", "favorite", "unfavorite", "add_to_cart"]
            names += ["remove_from_cart", "purchase", "review", "return"]
            labels = [names[number] for number in table["type"].to_pylist()]
            place = table.column_names.index("type")
            table = table.set_column(place, "type", [labels])
        pq.write_table(table, raw / f"{name}.parquet")
    prepare("files", raw, out=folder / "tables", now=END_TIME + 1)
    return read_tables(folder / "tables")


@pytest.fixture(scope="session")
def shop_bundle(shop_tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle trained on the made-up shop, with its metrics in ``metrics.json``."""
    out = tmp_path_factory.mktemp("bundles") / "shop"
    train_quickly(shop_tables, out, CONFIG)
    return out


@pytest.fixture(scope="session")
def shop_metrics(shop_bundle: Path) -> dict[str, Any]:
    """What training said of itself."""
    metrics: dict[str, Any] = json.loads((shop_bundle / "metrics.json").read_text())
    return metrics
