"""Predicted values, and items filled with those that a catalogue uses.

The shop's own tables and logs never hold a prediction: items are filled where a catalogue is built, and
where it changes live. So no prediction is learnt from another, and a value of the shop's own replaces it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from data.predicted.fields import value_of, with_value
from data.records import Item

_BUNDLE_NAME = "predicted.json"
SPELLING = "spelling"
"""Model of a row that is no prediction but another spelling of what the item has."""


@dataclass(frozen=True, slots=True)
class PredictedValue:
    """One row, as in ``data.predicted.values.PREDICTED_SCHEMA``."""

    item_id: str
    attribute: str
    value: str
    probability: float
    model: str
    abstained: bool = False
    reason: str = ""


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


def prediction_report(items: Iterable[Item]) -> dict[str, Any]:
    """What was filled into items, as plain JSON: items with a predicted value, and values by field."""
    names = [item.predicted for item in items if item.predicted]
    by_field = Counter(name for of_item in names for name in of_item)
    return {
        "item_count": len(names),
        "value_count": sum(by_field.values()),
        "by_field": dict(by_field.most_common()),
    }
