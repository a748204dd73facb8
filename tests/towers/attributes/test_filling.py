"""A catalogue's holes are filled by the best model, and only where that is sure and makes sense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.errors import ConfigError
from data.records import Item
from tests.quick_training import Silence
from tests.towers.attributes.lamp_shop import COLOURS, features_of, lamps, with_holes
from towers.attributes.classifiers import CLASSICAL
from towers.attributes.filling import (
    UNLIKE,
    Filled,
    FillOptions,
    fill,
    merged_items,
    spelling_rows,
)
from towers.attributes.picture_features import PictureFeatures

QUICK = ("naive_bayes", "linear_svm")


def filled(
    items: list[Item],
    *,
    fields: tuple[str, ...] = ("colour",),
    models: tuple[str, ...] = QUICK,
    pictures: PictureFeatures | None = None,
) -> Filled:
    merged, merges = merged_items(items)
    features = features_of(merged, pictures)
    options = FillOptions(fields, 0.9, models)
    return fill(merged, len(items), features, merges, options, Silence())


@pytest.mark.parametrize("model", CLASSICAL)
def test_every_classical_model_tells_colours_by_the_title(model: str) -> None:
    whole = lamps(120)
    found = filled(with_holes(whole, "colour", 0.2), models=(model,))
    colour_of = {item.item_id: item.attributes.get("colour") for item in whole}
    of_lamps = [value for value in found.values if value.item_id.startswith("l")]
    right = [value.value == colour_of[value.item_id] for value in of_lamps]
    # Three colours: a third would be right by luck. Neighbours see random vectors alone.
    assert len(right) > 15 and np.mean(right) > (0.5 if model == "nearest_neighbours" else 0.9)
    assert {value.model for value in found.values} == {model}


def test_given_values_are_right_and_an_attribute_that_does_not_apply_is_not_given() -> None:
    whole = lamps(150)
    found = filled(with_holes(whole, "colour", 0.2))
    colour_of = {item.item_id: item.attributes.get("colour") for item in whole}
    given = [value for value in found.values if not value.abstained]
    assert len(given) > 15
    assert all(colour_of[value.item_id] == value.value for value in given)
    cables = [value for value in found.values if value.item_id.startswith("c")]
    assert len(cables) == 150
    assert all(value.abstained and value.reason == UNLIKE for value in cables)
    report = found.report["attributes"]["colour"]
    assert report["given_count"] == len(given)
    assert report["given_count"] + report["unsure_count"] + report["unlike_count"] == len(
        found.values
    )


def test_the_table_holds_every_model_and_the_best_is_used() -> None:
    report = filled(with_holes(lamps(120), "colour", 0.2)).report["attributes"]["colour"]
    (group,) = report["groups"]
    assert set(group["models"]) == set(QUICK)
    accuracy = {name: score["accuracy"] for name, score in group["models"].items()}
    assert accuracy[group["model"]] == max(accuracy.values())


def test_items_without_title_are_predicted_by_their_pictures() -> None:
    whole = lamps(120)[:120]
    rng = np.random.default_rng(2)
    number_of = [COLOURS.index(item.attributes["colour"]) for item in whole]
    pictures = np.eye(3, 6)[number_of] + rng.normal(size=(120, 6)) * 0.1
    pictures = (pictures / np.linalg.norm(pictures, axis=1, keepdims=True)).astype(np.float32)
    # Titles of the filled items say the colour, too: whoever learns from them knows nothing of these.
    blank = [replace(item, title="", attributes={}) for item in whole[:30]]
    models = ("linear_svm", "nearest_neighbours")
    seen = PictureFeatures(pictures, np.ones(120, bool))
    found = filled([*blank, *whole[30:]], models=models, pictures=seen)
    right = [
        value.value == item.attributes["colour"]
        for value, item in zip(found.values, whole[:30], strict=True)
    ]
    assert np.mean(right) > 0.9
    (group,) = found.report["attributes"]["colour"]["groups"]
    assert group["text"] is False and group["pictures"] is True


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(ConfigError, match="attribute: expected one of .*colour.*, received taste"):
        filled(lamps(30), fields=("taste",))


def test_a_field_that_all_items_to_fill_have_is_left_out() -> None:
    items = [replace(item, attributes={"colour": "Red"}) for item in lamps(30)]
    report = filled(items).report["attributes"]
    assert report["colour"] == {"skipped": "every item has it"}


def test_other_spellings_are_rows_of_their_own_and_one_class() -> None:
    whole = lamps(60)
    shouted = [
        replace(item, attributes={"colour": item.attributes["colour"].upper()})
        for item in whole[:10]
    ]
    items = [*shouted, *whole[10:]]
    merged, merges = merged_items(items)
    assert [item.attributes for item in merged] == [item.attributes for item in whole]
    rows = spelling_rows(items, merges)
    assert [(row.item_id, row.value, row.reason) for row in rows] == [
        (item.item_id, item.attributes["colour"], item.attributes["colour"].upper())
        for item in whole[:10]
    ]
