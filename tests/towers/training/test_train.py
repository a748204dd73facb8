"""Training ends well with odd catalogues and with logs of which a part is too small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import ConfigError
from data.records import Item, LogPosition
from data.split import Split
from data.tables import Tables, events_table, items_table, iter_events
from tests.quick_training import train_quickly
from tests.towers.decayed_counts import decayed
from towers.bundle.bundle import Bundle, load_bundle
from towers.config import Config, default_config
from towers.training.train import starting_config

_CONFIG = {
    "text": {"bucket_count": 1_024},
    "towers": {"dim": 16, "session_encoder": "dnn"},
    "retrieval": {"epoch_limit": 1, "browse_example_limit": 400, "search_example_limit": 200},
    "rerank": {"request_limit": 60, "epoch_limit": 1},
}


def trained(tables: Tables, out: Path) -> tuple[dict[str, Any], Bundle]:
    return train_quickly(tables, out, _CONFIG), load_bundle(out)


def parted(tables: Tables, rank_at: float, test_at: float) -> Tables:
    """The tables with boundaries after so much of the log."""
    times = [event.time for event in iter_events(tables.events)]
    rank_from, test_from = (times[int(share * len(times))] for share in (rank_at, test_at))
    return replace(
        tables, judgments=tables.judgments.slice(0, 0), split=Split(rank_from, test_from)
    )


@pytest.mark.parametrize(
    ("rank_at", "test_at", "has_tower_visits", "has_reranker_visits"),
    [(0.8, 0.801, False, True), (0.1, 0.9, True, False)],
)
def test_where_one_part_of_the_log_is_too_small_the_catalogue_stands_in_for_it(
    shop_tables: Tables,
    tmp_path: Path,
    rank_at: float,
    test_at: float,
    has_tower_visits: bool,
    has_reranker_visits: bool,
) -> None:
    few = [one for one in iter_events(shop_tables.events) if one.visitor_id < "v0060"]
    tables = parted(replace(shop_tables, events=events_table(few)), rank_at, test_at)
    tables = replace(tables, log_positions=(LogPosition(9, 4_000_000_000), LogPosition(12, 0)))
    metrics, bundle = trained(tables, tmp_path / "bundle")
    assert bundle.facts.log_positions == ((9, 4_000_000_000), (12, 0))
    assert (metrics["visits"] is not None) is has_tower_visits
    assert (metrics["lists"]["visits"] is not None) is has_reranker_visits
    rows, now = np.arange(bundle.catalog.count), tables.split.test_from
    known = [event for event in few if event.time < now]
    by_hand = [decayed(known, item_id, now, 30.0) for item_id in bundle.catalog.item_ids]
    np.testing.assert_allclose(
        bundle.ranker.sources.popularity.at(rows, now), by_hand, rtol=1e-3, atol=1e-9
    )


@pytest.mark.parametrize(
    ("rank_at", "expected"),
    [(0.0, default_config(has_words=True, has_log=False)), (0.5, Config())],
)
def test_a_shop_starts_from_the_settings_of_its_log_once_it_has_one(
    shop_tables: Tables, rank_at: float, expected: Config
) -> None:
    assert shop_tables.events.num_rows > 20_000
    assert starting_config(parted(shop_tables, rank_at, 0.9)) == expected


def test_a_catalogue_in_which_nothing_is_irrelevant_goes_without_a_reranker(
    shop_tables: Tables, tmp_path: Path
) -> None:
    items = items_table([Item("only", "lamp")])
    tables = replace(
        shop_tables,
        items=items,
        events=shop_tables.events.slice(0, 0),
        judgments=shop_tables.judgments.slice(0, 0),
    )
    _, bundle = trained(tables, tmp_path / "bundle")
    assert bundle.catalog.count == 1 and bundle.ranker.reranker is None


def test_groups_of_variants_are_reported_and_those_of_an_unknown_attribute_refused_at_once(
    shop_tables: Tables, tmp_path: Path
) -> None:
    items = items_table(
        [Item(f"{n}", f"oak lamp {n + 1} m", attributes={"parent": "a"}) for n in range(3)]
    )
    tables = replace(
        shop_tables,
        items=items,
        events=shop_tables.events.slice(0, 0),
        judgments=shop_tables.judgments.slice(0, 0),
    )
    with pytest.raises(
        ConfigError, match=r"^variants.group_by: expected an attribute of the items"
    ):
        train_quickly(tables, tmp_path / "none", {**_CONFIG, "variants": {"group_by": "parnt"}})
    metrics = train_quickly(
        tables, tmp_path / "bundle", {**_CONFIG, "variants": {"group_by": "parent"}}
    )
    assert (metrics["variants"]["attribute"], metrics["variants"]["items"]) == ("parent", 3)
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.variants is not None
    assert bundle.variants.codes.tolist() == [0, 0, 0]
