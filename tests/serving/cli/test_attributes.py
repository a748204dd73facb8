"""``nextclick attributes`` fills the holes of a shop's file, with a bundle that knows its items."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from data.predicted.values import read_values
from data.tables import Tables, iter_items
from serving.cli.main import main


def test_brands_that_a_file_lacks_are_predicted_from_the_rest(
    shop_bundle: Path, shop_tables: Tables, tmp_path: Path
) -> None:
    items = list(iter_items(shop_tables.items))
    holes = items[::6]
    path = tmp_path / "items.jsonl"
    rows = [
        {"item_id": item.item_id, "title": item.title, "category": list(item.category)}
        for item in holes
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out, png = tmp_path / "values.csv", tmp_path / "models.png"
    command = ["attributes", str(shop_bundle), str(path), "--out", str(out), "--png", str(png)]
    command += ["--attribute", "brand", "--model", "linear_svm", "--model", "naive_bayes", "--json"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)["attributes"]["brand"]
    values = read_values(out)
    # The bundle's rows of the same items, which have the brand, are not looked at.
    assert [value.item_id for value in values] == [item.item_id for item in holes]
    assert report["missing_count"] == len(holes)
    assert report["filled_count"] == len(items) - len(holes)
    assert set(report["groups"][0]["models"]) == {"linear_svm", "naive_bayes"}
    assert all(0 <= value.probability <= 1 for value in values)
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_file_of_another_ending_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    command = ["attributes", str(tmp_path), str(tmp_path), "--out", str(tmp_path / "values.xlsx")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1
    assert "values.xlsx: expected a name that ends in .csv" in done.output
