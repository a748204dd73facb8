"""Predicted values go to the shop as a file in any of its formats, and come back the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import InputError
from data.predicted.predictions import PredictedValue
from data.predicted.values import check_ending, read_values, write_values

VALUES = [
    PredictedValue("i1", "colour", 'Red, "dark"', 0.975, "linear_svm"),
    PredictedValue("i2", "category", "Home > Lamps", 0.4, "dnn", True, "below the threshold"),
    PredictedValue("i3", "size", "Größe 中", 1.0, "spelling", reason="GRÖSSE 中"),
]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_file_comes_back_the_same(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"values{ending}"
    write_values(path, VALUES)
    assert read_values(path) == VALUES
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_shop_may_write_values_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("item_id,attribute,value\ni1,colour,Red\n")
    assert read_values(path) == [PredictedValue("i1", "colour", "Red", 1.0, "")]


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"values.txt: expected a name that ends in \.csv"):
        check_ending(tmp_path / "values.txt")
    with pytest.raises(InputError, match=r"no.csv: expected a file of predicted values"):
        read_values(tmp_path / "no.csv")
    path = tmp_path / "odd.csv"
    path.write_text("item_id,value\ni1,Red\n")
    with pytest.raises(InputError, match="expected a column attribute, received item_id, value"):
        read_values(path)
    path.write_text("item_id,attribute,value,probability\ni1,colour,Red,sure\n")
    with pytest.raises(InputError, match="odd.csv, row 1, probability: expected a number"):
        read_values(path)
