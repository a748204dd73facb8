"""Every field of a catalogue: spellings merged, models compared, missing values predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from data.errors import ConfigError
from data.predicted.fields import BRAND, CATEGORY, field_names, value_of, with_value
from data.predicted.predictions import SPELLING, PredictedValue
from data.records import Item
from towers.attributes.applicability import unlike_holders
from towers.attributes.item_features import Hidden, ItemFeatures, has_text
from towers.attributes.models import MODELS
from towers.attributes.picture_features import PictureFeatures
from towers.attributes.prediction import UNSEEN_MINIMUM, Prediction, predict_field
from towers.attributes.spellings import Merge, merges_of
from towers.attributes.targets import Target, target_of
from towers.attributes.titles import title_words
from towers.datasets.progress import Progress

GROUP_MINIMUM = 20
"""Items to fill that lack text, or a picture, in the same way, for models of their own."""

UNSURE = "below the threshold"
UNLIKE = "unlike the items that have it"


@dataclass(frozen=True)
class FillOptions:
    """How the catalogue is filled.

    Args:
        fields: Names to predict; empty: all that some items have and others lack.
        precision: Of the predictions that are given, above 0 to 1.
        models: Names of ``MODELS`` to compare.
        seed: Of folds, samples and weights.
    """

    fields: tuple[str, ...] = ()
    precision: float = 0.95
    models: tuple[str, ...] = MODELS
    seed: int = 7


class Filled(NamedTuple):
    """The rows for the shop, and the report as plain JSON: ``attributes`` by field, ``spellings``.

    And ``titles``, as by ``title_words``; None without pictures, or where it was not asked for.
    """

    values: list[PredictedValue]
    report: dict[str, Any]


def merged_items(items: Sequence[Item]) -> tuple[list[Item], list[Merge]]:
    """The items with one spelling of every value, and the spellings that were merged."""
    merges = [merge for field in field_names(items) for merge in merges_of(field, items)]
    into: dict[str, dict[str, str]] = {}
    for merge in merges:
        into.setdefault(merge.field, {})[merge.value] = merge.into
    changed = []
    for item in items:
        for field, spellings in into.items():
            spelling = spellings.get(value_of(item, field))
            item = item if spelling is None else with_value(item, field, spelling)
        changed.append(item)
    return changed, merges


def fill(
    items: Sequence[Item],
    asked_count: int,
    features: ItemFeatures,
    merges: Sequence[Merge],
    options: FillOptions,
    stages: Progress,
) -> Filled:
    """Predicts what the first ``asked_count`` items lack; models learn from all.

    Items that lack title and description, or a picture, are predicted by models that see neither in
    training, so that validation tells what these items will get. An item of an attribute that does not
    apply to it, by its words, is abstained from whatever the models say.

    Args:
        items: With merged spellings, as ``merged_items`` returns them; those to be filled first.
        features: Of the same items.
        merges: What was merged.

    Raises:
        ConfigError: A field that no item has.
    """
    names = field_names(items)
    if features.pictures is not None:
        names.append(title_words.FIELD)
    unknown = [name for name in options.fields if name not in names]
    if unknown:
        raise ConfigError(
            f"attribute: expected one of {', '.join(names)}, received {', '.join(unknown)}"
        )
    values: list[PredictedValue] = []
    attributes: dict[str, Any] = {}
    titles: dict[str, Any] | None = None
    for field in options.fields or names:
        if field == title_words.FIELD and features.pictures is not None:
            of_pictures, precision = features.pictures, options.precision
            stages.start("reading titles")
            found, titles = title_words.title_words(
                items, asked_count, of_pictures, precision=precision, seed=options.seed
            )
            values += found
            continue
        target = target_of(field, [value_of(item, field) for item in items])
        if isinstance(target, str):
            attributes[field] = {"skipped": target}
            continue
        if not (target.missing < asked_count).any():
            attributes[field] = {"skipped": "every item to fill has it"}
            continue
        found, report = _fill_field(target, items, asked_count, features, options, stages)
        attributes[field] = report
        values += found
    spelt = {(merge.field, merge.value) for merge in merges}
    return Filled(
        values,
        {
            "precision": options.precision,
            "item_count": asked_count,
            "learnt_item_count": len(items),
            "attributes": attributes,
            "titles": titles,
            "spellings": [asdict(merge) for merge in merges],
            "spelling_count": len(spelt),
        },
    )


def spelling_rows(items: Sequence[Item], merges: Sequence[Merge]) -> list[PredictedValue]:
    """A row for each value of the shop's own items that has another spelling."""
    into = {(merge.field, merge.value): merge.into for merge in merges}
    fields = list(dict.fromkeys(merge.field for merge in merges))
    return [
        PredictedValue(item.item_id, field, spelling, 1.0, SPELLING, reason=value)
        for item in items
        for field in fields
        if (spelling := into.get((field, value := value_of(item, field)))) is not None
    ]


def _fill_field(
    target: Target,
    items: Sequence[Item],
    asked_count: int,
    features: ItemFeatures,
    options: FillOptions,
    stages: Progress,
) -> tuple[list[PredictedValue], dict[str, Any]]:
    values: list[PredictedValue] = []
    asked = target.missing[target.missing < asked_count]
    groups = _groups(target.field, items, asked, features.pictures)
    progress = stages.start(f"predicting {target.field}", len(groups) * (len(options.models) + 2))
    reports, done, reasons = [], 0, Counter[str]()

    def began(model: str) -> None:
        nonlocal done
        progress(done, note=model.replace("_", " "))
        done += 1

    for of_group, rows in groups.items():
        hidden = _measurable(target, features, of_group)
        view = features.view(hidden)
        learnt = _learnable(target, features, hidden)
        pictures = None if hidden.pictures else features.pictures
        found = predict_field(
            learnt,
            view,
            rows,
            models=options.models,
            precision=options.precision,
            unseen=None if pictures is None else pictures.is_unseen,
            has_pictures_alone=hidden.text and pictures is not None,
            seed=options.seed,
            progress=began,
        )
        unlike = np.zeros(len(rows), bool)
        if target.field not in (BRAND, CATEGORY):
            unlike = unlike_holders(view, learnt.filled, target.missing, seed=options.seed)
            unlike = unlike[np.isin(target.missing, rows)]
        told = _values_of(found, unlike, target, items)
        reasons.update(value.reason for value in told)
        values += told
        reports.append(
            {
                "items": len(rows),
                "text": not hidden.text,
                "pictures": pictures is not None,
                **found.report(),
            }
        )
    return values, {
        "filled_count": len(target.filled),
        "class_count": len(target.classes),
        "rare_count": int(np.count_nonzero(target.labels[target.filled] < 0)),
        "missing_count": len(asked),
        "given_count": reasons[""],
        "unsure_count": reasons[UNSURE],
        "unlike_count": reasons[UNLIKE],
        "groups": reports,
    }


def _groups(
    field: str, items: Sequence[Item], asked: np.ndarray, pictures: PictureFeatures | None
) -> Mapping[Hidden, np.ndarray]:
    """The rows to fill by what they lack; small groups join the largest."""
    rows_of: dict[Hidden, list[int]] = {}
    for row in asked.tolist():
        has_picture = pictures is not None and bool(pictures.vectors[row].any())
        hidden = Hidden(field, text=not has_text(items[row]), pictures=not has_picture)
        rows_of.setdefault(hidden, []).append(row)
    largest = max(rows_of, key=lambda hidden: len(rows_of[hidden]))
    for hidden in list(rows_of):
        if hidden != largest and len(rows_of[hidden]) < GROUP_MINIMUM:
            rows_of[largest] += rows_of.pop(hidden)
    return {hidden: np.array(sorted(rows), np.int64) for hidden, rows in rows_of.items()}


def _measurable(target: Target, features: ItemFeatures, hidden: Hidden) -> Hidden:
    """What to hide, pictures too where the encoder has seen nearly all and items have text beside.

    Models that read them could only be measured on pictures that the encoder tells too well.
    """
    if hidden.pictures or hidden.text or features.pictures is None:
        return hidden
    unseen_count = np.count_nonzero(features.pictures.is_unseen[target.filled])
    return hidden if unseen_count >= UNSEEN_MINIMUM else hidden._replace(pictures=True)


def _learnable(target: Target, features: ItemFeatures, hidden: Hidden) -> Target:
    """The target without the filled items that lack what the items to fill have."""
    if hidden.pictures or features.pictures is None:
        return target
    lacks = (target.labels >= 0) & ~features.pictures.vectors.any(axis=1)
    left = np.count_nonzero((target.labels >= 0) & ~lacks)
    if left < GROUP_MINIMUM:
        return target
    return Target(target.field, target.classes, np.where(lacks, -1, target.labels))


def _values_of(
    found: Prediction, unlike: np.ndarray, target: Target, items: Sequence[Item]
) -> list[PredictedValue]:
    threshold = found.confidence.threshold
    return [
        PredictedValue(
            items[row].item_id,
            target.field,
            target.classes[number],
            round(probability, 6),
            found.model,
            abstained=is_unlike or probability < threshold,
            reason=UNLIKE if is_unlike else UNSURE if probability < threshold else "",
        )
        for row, number, probability, is_unlike in zip(
            found.rows.tolist(),
            found.classes.tolist(),
            found.probabilities.tolist(),
            unlike.tolist(),
            strict=True,
        )
    ]
