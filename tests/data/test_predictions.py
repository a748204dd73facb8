"""Predicted values fill what an item lacks, and nothing else; what is not used is counted."""

from __future__ import annotations

from pathlib import Path

from data.predicted.predictions import SPELLING, PredictedValue, Predictions, prediction_report
from data.predicted.usable_values import usable
from data.predicted.values import write_values
from data.prepare import prepare, prepare_items
from data.records import Item
from data.tables import iter_items

NOW = 1_711_929_600.0


def value(item_id: str, field: str, text: str, **others: object) -> PredictedValue:
    return PredictedValue(item_id, field, text, **{"probability": 0.9, "model": "dnn", **others})  # type: ignore[arg-type]


def test_only_what_is_missing_is_filled_and_named() -> None:
    rows = [value("a", "colour", "Red"), value("a", "brand", "Lux"), value("a", "size", "L")]
    rows += [value("a", "category", "Home > Lamps"), value("a", "attributes.brand", "inner")]
    item = Item("a", "lamp", brand="Own", attributes={"size": "S"})
    filled = Predictions.of(rows).filled(item)
    assert filled.predicted == ("colour", "category", "attributes.brand")
    assert filled.brand == "Own" and filled.category == ("Home", "Lamps")
    assert filled.attributes == {"size": "S", "colour": "Red", "brand": "inner"}
    other = Item("b", "lamp")
    assert Predictions.of(rows).filled(other) is other


def test_a_spelling_takes_the_place_of_the_one_it_was_found_for_alone() -> None:
    found = Predictions.of([value("a", "colour", "Black", model=SPELLING, reason="BLK")])
    assert found.filled(Item("a", attributes={"colour": "BLK"})).attributes == {"colour": "Black"}
    assert found.filled(Item("a", attributes={"colour": "BLK"})).predicted == ()
    assert found.filled(Item("a", attributes={"colour": "Red"})).attributes == {"colour": "Red"}
    assert found.filled(Item("a")).attributes == {}


def test_rows_that_cannot_be_used_are_counted_by_reason() -> None:
    rows = [
        value("a", "colour", "Blue", probability=0.6),
        value("a", "colour", "Red", probability=0.8),
        value("a", "size", "L", abstained=True),
        value("gone", "size", "L"),
        value("a", "", "L"),
        value("a", "size", "x" * 1_025),
        value("a", "size", "a\nb"),
        value("a", "size", "L", model=SPELLING),
        value("a", "size", "M", model=SPELLING, reason="medium"),
    ]
    kept, counts = usable(rows, ["a", "b"])
    assert [(row.attribute, row.value) for row in kept] == [("colour", "Red"), ("size", "M")]
    assert counts.report() == {
        "used_count": 1,
        "spelling_count": 1,
        "abstained_count": 1,
        "unknown_item_count": 1,
        "invalid_count": 4,
        "repeated_count": 1,
    }


def test_predictions_come_back_from_a_bundle_the_same(tmp_path: Path) -> None:
    Predictions().save(tmp_path)
    assert [*tmp_path.iterdir()] == [] and not Predictions.load(tmp_path)
    rows = [value("甲", "颜色", "红"), value("a", "size", "M", model=SPELLING, reason="medium")]
    Predictions.of(rows).save(tmp_path)
    read = Predictions.load(tmp_path)
    assert read.filled(Item("甲")).attributes == {"颜色": "红"}
    assert read.filled(Item("a", attributes={"size": "medium"})).attributes == {"size": "M"}


def test_the_report_counts_items_and_values_by_field() -> None:
    items = [
        Item("a", predicted=("colour", "brand")),
        Item("b", predicted=("colour",)),
        Item("c"),
    ]
    assert prediction_report(items) == {
        "item_count": 2,
        "value_count": 3,
        "by_field": {"colour": 2, "brand": 1},
    }


def test_tables_keep_predicted_values_apart_from_the_shops_own(tmp_path: Path) -> None:
    raw, first, second = tmp_path / "raw", tmp_path / "first", tmp_path / "second"
    raw.mkdir()
    (raw / "items.csv").write_text("item_id,title\na,lamp\nb,cable\n")
    (raw / "judgments.csv").write_text("query,item_id,grade\nlamp,a,1\n")
    file = tmp_path / "values.csv"
    write_values(file, [value("a", "colour", "Red"), value("gone", "colour", "Red")])
    report = prepare("files", raw, out=first, now=NOW, predicted=file)
    assert report["predicted"]["used_count"] == report["predicted"]["unknown_item_count"] == 1
    items, _ = prepare_items(first, now=NOW)
    assert [item.attributes for item in iter_items(items)] == [{}, {}]
    again = prepare("files", raw, out=second, now=NOW, base=first)
    assert again["predicted"]["used_count"] == 1
    assert "predicted" not in prepare("files", raw, out=second, now=NOW)
