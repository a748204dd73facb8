"""What the benchmark of photographs asks, and what it counts as right."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.benchmarks.photo_classes import figures_of, write_items


def test_items_have_a_picture_and_a_group_and_no_title(tmp_path: Path) -> None:
    rows = [{"jpeg": b"picture", "group": "Fruit", "fine_class": "Lime", "coarse_class": "Citrus"}]
    fields = ["fine_class", "coarse_class"]
    for is_withheld, told in ((False, "Lime"), (True, "")):
        folder = tmp_path / f"shop{is_withheld}"
        write_items(folder, rows, fields, is_withheld=is_withheld)
        with (folder / "items.csv").open(encoding="utf-8", newline="") as file:
            (item,) = csv.DictReader(file)
        assert (item["title"], item["category"]) == ("", "Fruit")
        assert item["attributes.fine_class"] == told
        assert item["attributes.coarse_class"] == ("" if is_withheld else "Citrus")
        assert (folder / item["image"]).read_bytes() == b"picture"


def test_a_kind_is_right_by_the_class_that_was_told() -> None:
    coarse_of = {"Gala": "Apple", "Pink Lady": "Apple", "Lime": "Citrus"}
    told = [("Gala", "false"), ("Gala", "false"), ("Gala", "true"), ("Lime", "true")]
    values = [
        {"value": value, "abstained": abstained, "probability": "0.5", "model": "picture_head"}
        for value, abstained in told
    ]
    found = figures_of(values, ["Gala", "Pink Lady", "Lime", "Lime"], coarse_of)
    assert found["fine class"]["mean"] == 0.5
    assert found["coarse class"]["mean"] == 0.75
    assert found["values given"] == 2 and found["coverage"]["mean"] == 0.5
    assert found["precision of values given"]["mean"] == pytest.approx(0.5)
    unsure = [{**value, "abstained": "true"} for value in values]
    found = figures_of(unsure, ["Gala", "Pink Lady", "Lime", "Lime"], coarse_of)
    assert found["precision of values given"] is None
