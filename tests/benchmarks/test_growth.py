"""Made-up items are the catalogue's own, then combinations of them under ids of their own."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.benchmarks.growth import write_items
from tests.towers import shelf


def test_items_are_the_catalogues_own_and_then_combinations(tmp_path: Path) -> None:
    catalog = shelf.catalog()
    count = catalog.count + 50
    write_items(tmp_path / "items.csv", catalog, count)
    with (tmp_path / "items.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["item_id"] for row in rows}) == count
    assert [row["item_id"] for row in rows[: catalog.count]] == list(catalog.item_ids)
    assert [row["title"] for row in rows[: catalog.count]] == list(catalog.titles)
    words = {word for title in catalog.titles for word in title.split()}
    for row in rows[catalog.count :]:
        assert row["item_id"].startswith("made-")
        assert set(row["title"].split()) <= words
        assert row["brand"] in {catalog.brand_name(other) for other in range(catalog.count)}
