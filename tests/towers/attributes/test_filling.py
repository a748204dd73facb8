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
from towers.attributes.item_features import Hidden
from towers.attributes.models import HEAD, fit_model
from towers.attributes.picture_features import PictureFeatures
from towers.attributes.prediction import ModelScore, chosen_model
from towers.modalities.picture_heads import PictureHead

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


def pictured(*, head: bool) -> tuple[list[Item], PictureFeatures]:
    """Lamps without words, the first 30 without colour; the encoder has learnt most of their pictures."""
    whole = lamps(150)[:150]
    numbers = [COLOURS.index(item.attributes["colour"]) for item in whole]
    pictures = np.eye(3, dtype=np.float32)[numbers]
    # The encoder knows the pictures that it has learnt, and others no better than by luck.
    unseen = np.zeros(150, bool)
    unseen[:70] = True
    pictures[unseen] = np.random.default_rng(4).permutation(pictures[unseen])
    heads = {"colour": PictureHead(COLOURS, 0)} if head else {}
    items = [replace(item, title="", brand="") for item in whole]
    items = [replace(item, attributes={}) for item in items[:30]] + items[30:]
    return items, PictureFeatures(pictures, unseen, heads)


def test_models_are_measured_on_pictures_that_the_encoder_has_not_seen() -> None:
    items, pictures = pictured(head=False)
    found = filled(items, models=("nearest_neighbours",), pictures=pictures)
    (group,) = found.report["attributes"]["colour"]["groups"]
    # Of the 120 filled ones 40 are unseen; a fifth of all, but 30 at least, are measured on.
    assert group["validated_count"] == 30
    assert group["models"]["nearest_neighbours"]["accuracy"] < 0.7
    assert all(value.abstained for value in found.values)


def test_the_encoders_own_classes_are_a_model() -> None:
    items, pictures = pictured(head=True)
    found = filled(items, models=("picture_head",), pictures=pictures)
    told = [COLOURS[number] for number in pictures.vectors[:30].argmax(axis=1)]
    assert [value.value for value in found.values] == told
    items, pictures = pictured(head=False)
    with_both = filled(items, models=("nearest_neighbours", "picture_head"), pictures=pictures)
    (group,) = with_both.report["attributes"]["colour"]["groups"]
    assert set(group["models"]) == {"nearest_neighbours"}
    with pytest.raises(ConfigError, match="model: expected one that reads what .* picture_head"):
        filled(items, models=("picture_head",), pictures=pictures)


def test_the_encoders_classes_are_measured_on_what_one_network_has_not_seen() -> None:
    items, pictures = pictured(head=True)
    # Of the 80 pictures that were learnt, one network has not seen 50, and tells 20 of them wrong.
    is_own = np.arange(150) >= 100
    own = np.log(pictures.vectors[is_own] * 0.9 + 0.05)
    own[:20] = np.roll(own[:20], 1, axis=1)
    unseen = {"colour": (is_own, own)}
    found = filled(
        items, models=("picture_head",), pictures=replace(pictures, unseen_scores=unseen)
    )
    (group,) = found.report["attributes"]["colour"]["groups"]
    # Those, and of 40 that no network has seen 30 for the comparison and 10 more.
    assert group["validated_count"] == 50 + 30 + 10
    assert all(value.abstained for value in found.values)


def test_without_unseen_pictures_nothing_is_promised() -> None:
    items, pictures = pictured(head=True)
    seen = replace(pictures, is_unseen=np.arange(150) < 59)
    found = filled(items, models=("picture_head",), pictures=seen)
    assert len(found.values) == 30 and all(value.abstained for value in found.values)


def test_words_are_read_alone_where_no_picture_is_unseen() -> None:
    items = with_holes(lamps(120), "colour", 0.3)
    looks = np.random.default_rng(1).normal(size=(240, 3)).astype(np.float32)
    found = filled(items, pictures=PictureFeatures(looks, np.zeros(240, bool)))
    (group,) = found.report["attributes"]["colour"]["groups"]
    assert not group["pictures"]
    given = [value for value in found.values if not value.abstained]
    assert given and group["expected_precision"] >= 0.9


def test_how_frequent_a_class_is_counts_once_beside_a_picture() -> None:
    # Nine of ten are red, which the brand says as well, of all; the picture of the last is rather blue.
    items = [
        Item(f"{n}", "", brand="Lux", attributes={"colour": "Blue" if n % 10 == 0 else "Red"})
        for n in range(100)
    ]
    shares = np.tile(np.array([[0.9, 0.1]], np.float32), (100, 1))
    shares[99] = 0.4, 0.6
    heads = {"colour": PictureHead(("Red", "Blue"), 0)}
    pictures = PictureFeatures(np.sqrt(shares), np.ones(100, bool), heads)
    view = features_of(items, pictures).view(Hidden("colour"))
    labels = np.array([int(n % 10 == 0) for n in range(99)])
    scores = fit_model("picture_head", view, ("Red", "Blue"), np.arange(99), labels, seed=1)
    red, blue = np.exp(scores(np.array([99]))[0])
    assert blue / red == pytest.approx(0.6 / 0.4, rel=1e-3)


def test_what_a_picture_alone_tells_is_told_by_the_encoders_own_classes() -> None:
    def score(accuracy: float) -> ModelScore:
        return ModelScore(accuracy, (0.0, 1.0), 0.5, 0.5, 0.5, 1.0, 1.0)

    measured = {"linear_svm": score(0.8), HEAD: score(0.72), "naive_bayes": score(0.1)}
    assert chosen_model(measured, has_pictures_alone=True) == HEAD
    assert chosen_model(measured, has_pictures_alone=False) == "linear_svm"
    del measured[HEAD]
    assert chosen_model(measured, has_pictures_alone=True) == "linear_svm"
