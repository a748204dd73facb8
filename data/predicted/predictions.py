"""The predicted values that a catalogue uses, and items filled with them.

The shop's own tables and logs never hold a prediction: items are filled where a catalogue is built, and
where it changes live. So nothing is learnt from a guess, and a value of the shop's own takes its place.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from data.predicted.fields import value_of, with_value
from data.predicted.values import SPELLING, PredictedValue, read_values, write_values
from data.records import CONTROL_CHARACTER, Item

TABLE_NAME = "predicted.parquet"
"""The file in a folder of tables; missing where nothing was predicted."""
_BUNDLE_NAME = "predicted.json"
_NAME_LIMIT, _VALUE_LIMIT = 128, 1_024
"""Most characters of the name of a field and of a value, as in requests."""


@dataclass(frozen=True)
class PredictionCounts:
    """What became of the rows of a file.

    Args:
        used_count: Values to fill in where an item has none.
        spelling_count: Other spellings of values that items have.
        abstained_count: Left out: too unsure.
        unknown_item_count: Left out: no such item.
        invalid_count: Left out: a field or value that is empty, too long or has control characters, or a
            spelling without the one that it replaces.
        repeated_count: Left out: a more probable value of the same item and field is used.
    """

    used_count: int = 0
    spelling_count: int = 0
    abstained_count: int = 0
    unknown_item_count: int = 0
    invalid_count: int = 0
    repeated_count: int = 0

    def report(self) -> dict[str, int]:
        """As plain JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Predictions:
    """Values by item id and field.

    Args:
        values: What an item gets where it has no value.
        spellings: The shop's own spelling, and what stands in its place.
    """

    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    spellings: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[PredictedValue]) -> Predictions:
        """The predictions of usable rows, as ``usable`` returns them."""
        values: dict[str, dict[str, str]] = {}
        spellings: dict[str, dict[str, tuple[str, str]]] = {}
        for row in rows:
            if row.model == SPELLING:
                spellings.setdefault(row.item_id, {})[row.attribute] = row.reason, row.value
            else:
                values.setdefault(row.item_id, {})[row.attribute] = row.value
        return cls(values, spellings)

    def __bool__(self) -> bool:
        return bool(self.values or self.spellings)

    def filled(self, item: Item) -> Item:
        """The item in the spellings of these, with their values where it has none of its own.

        A spelling is changed only while the item has the one that was read when it was found.
        """
        for name, (before, after) in self.spellings.get(item.item_id, {}).items():
            if value_of(item, name) == before:
                item = with_value(item, name, after)
        names = []
        for name, value in self.values.get(item.item_id, {}).items():
            if not value_of(item, name):
                item = with_value(item, name, value)
                names.append(name)
        return replace(item, predicted=tuple(names)) if names else item

    def filled_all(self, items: Iterable[Item]) -> list[Item]:
        """Items as by ``filled``; the same ones where there are no predictions."""
        return [*map(self.filled, items)] if self else list(items)

    def save(self, folder: Path) -> None:
        """Writes them into a bundle; nothing where there are none."""
        if self:
            text = json.dumps(asdict(self), ensure_ascii=False)
            (folder / _BUNDLE_NAME).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Predictions:
        """What ``save`` wrote."""
        path = folder / _BUNDLE_NAME
        if not path.is_file():
            return cls()
        found = json.loads(path.read_text(encoding="utf-8"))
        spellings = {
            item_id: {name: (before, after) for name, (before, after) in by_name.items()}
            for item_id, by_name in found["spellings"].items()
        }
        return cls(found["values"], spellings)


def usable(
    rows: Iterable[PredictedValue], item_ids: Iterable[str]
) -> tuple[list[PredictedValue], PredictionCounts]:
    """The rows that a catalogue can use, one an item and field, and what became of the others."""
    known = set(item_ids)
    counts: Counter[str] = Counter()
    kept: dict[tuple[str, str, bool], PredictedValue] = {}
    for row in rows:
        key = row.item_id, row.attribute, row.model == SPELLING
        if row.abstained:
            counts["abstained_count"] += 1
        elif row.item_id not in known:
            counts["unknown_item_count"] += 1
        elif not (
            _is_valid(row.attribute, _NAME_LIMIT)
            and _is_valid(row.value, _VALUE_LIMIT)
            and (row.reason or row.model != SPELLING)
        ):
            counts["invalid_count"] += 1
        else:
            counts["repeated_count"] += key in kept
            if key not in kept or row.probability > kept[key].probability:
                kept[key] = row
    spelling_count = sum(is_spelling for *_, is_spelling in kept)
    counts["used_count"], counts["spelling_count"] = len(kept) - spelling_count, spelling_count
    return [*kept.values()], PredictionCounts(**counts)


def _is_valid(text: str, limit: int) -> bool:
    return bool(text.strip()) and len(text) <= limit and not CONTROL_CHARACTER.search(text)


def write_predicted(folder: Path, rows: Sequence[PredictedValue]) -> None:
    """Writes usable rows into a folder of tables."""
    write_values(folder / TABLE_NAME, rows)


def read_predicted(folder: Path) -> list[PredictedValue]:
    """The rows in a folder of tables; none where it has no such file.

    Raises:
        InputError: The file is malformed.
    """
    path = folder / TABLE_NAME
    return read_values(path) if path.is_file() else []


def prediction_report(items: Iterable[Item]) -> dict[str, Any]:
    """What was filled into items, as plain JSON: items with a predicted value, and values by field."""
    names = [item.predicted for item in items if item.predicted]
    by_field = Counter(name for of_item in names for name in of_item)
    return {
        "item_count": len(names),
        "value_count": sum(by_field.values()),
        "by_field": dict(by_field.most_common()),
    }
