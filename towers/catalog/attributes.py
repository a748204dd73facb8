"""Attributes of items, such as colour or size, as sparse columns."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.records import Item
from towers.catalog.dictionary import Dictionary

_NAMES = "attributes.json"
_PREDICTED = "predicted_fields.json"


@dataclass(frozen=True, slots=True)
class AttributeCondition:
    """A condition on one attribute; an item without the attribute fails.

    Args:
        name: Name of the attribute.
        values: Any of these, as spelt in the catalogue; empty: any value.
        min_value, max_value: Inclusive bounds of a numeric value; other values fail a stated bound.
    """

    name: str
    values: tuple[str, ...] = ()
    min_value: float | None = None
    max_value: float | None = None


class Attributes:
    """Sparse values by attribute: 8 bytes for each item that has it.

    The base columns are immutable. Rows added or changed later are in an overlay, which supersedes
    them. One writer at a time; readers need no lock.

    Attributes:
        predicted: Names of the fields whose values are predictions, by row; only rows with any.
    """

    def __init__(self) -> None:
        self.names = Dictionary()
        self._values: list[Dictionary] = []
        self._offsets = np.zeros(1, np.int64)
        self._rows = np.zeros(0, np.int32)
        self._codes = np.zeros(0, np.int32)
        self._is_outdated = np.zeros(0, bool)
        self._live: list[dict[int, int]] = []
        self._live_names: dict[int, tuple[int, ...]] = {}
        self._numbers: dict[int, np.ndarray] = {}
        self.predicted: dict[int, tuple[str, ...]] = {}

    @classmethod
    def of(cls, items: Sequence[Item]) -> Attributes:
        """The attributes of items in row order; empty values are left out."""
        attributes = cls()
        attributes.predicted = {
            row: item.predicted for row, item in enumerate(items) if item.predicted
        }
        rows: list[list[int]] = []
        codes: list[list[int]] = []
        for row, item in enumerate(items):
            for name, value in item.attributes.items():
                if value:
                    number = attributes._number(name)
                    if number == len(rows):
                        rows.append([])
                        codes.append([])
                    rows[number].append(row)
                    codes[number].append(attributes._values[number].add(value))
        attributes._start(
            [np.array(part, np.int32) for part in rows],
            [np.array(part, np.int32) for part in codes],
        )
        return attributes

    def put(self, row: int, item: Item) -> None:
        """Sets all attributes of one item, new or existing."""
        if item.predicted:
            self.predicted[row] = item.predicted
        else:
            self.predicted.pop(row, None)
        coded = {
            number: self._values[number].add(value)
            for name, value in item.attributes.items()
            if value
            for number in (self._number(name),)
        }
        for number, code in coded.items():
            self._live[number][row] = code
        for number in self._live_names.get(row, ()):
            if number not in coded:
                del self._live[number][row]
        self._live_names[row] = tuple(coded)
        if row < len(self._is_outdated):
            self._is_outdated[row] = True

    def column(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the items that have an attribute and the codes of its values, ``[n] int32``."""
        number = self.names.get(name)
        if number < 0:
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        rows, codes = self._rows[:0], self._codes[:0]
        if number + 1 < len(self._offsets):
            part = slice(self._offsets[number], self._offsets[number + 1])
            rows, codes = self._rows[part], self._codes[part]
        if self._live_names:
            kept = ~self._is_outdated[rows]
            # ``list`` copies atomically, also while a writer is active.
            live = np.array(list(self._live[number].items()), np.int32).reshape(-1, 2)
            rows = np.concatenate([rows[kept], live[:, 0]])
            codes = np.concatenate([codes[kept], live[:, 1]])
        return rows, codes

    def values(self, name: str) -> list[str]:
        """The values of an attribute by code; read-only."""
        number = self.names.get(name)
        return self._values[number].names if number >= 0 else []

    def matching(self, condition: AttributeCondition) -> np.ndarray:
        """Rows of the items that meet a condition, ``[n] int32``, in no order."""
        # Codes before values, so that a concurrent writer cannot add a code beyond them.
        rows, codes = self.column(condition.name)
        number = self.names.get(condition.name)
        if number < 0:
            return rows
        known = self._values[number]
        fits = np.ones(len(known.names), bool)
        if condition.values:
            fits[:] = False
            value_codes = [known.get(value) for value in condition.values]
            fits[[code for code in value_codes if 0 <= code < len(fits)]] = True
        if condition.min_value is not None or condition.max_value is not None:
            numbers = self._as_numbers(number, len(fits))
            low, high = condition.min_value, condition.max_value
            fits &= numbers >= (-math.inf if low is None else low)
            fits &= numbers <= (math.inf if high is None else high)
        return rows[fits[codes]]

    def save(self, folder: Path) -> None:
        """Writes ``attribute_*.npy`` and the names as JSON into an existing folder."""
        columns = [self.column(name) for name in self.names.names]
        saved = Attributes()
        saved._start([rows for rows, _ in columns], [codes for _, codes in columns])
        np.save(folder / "attribute_offsets.npy", saved._offsets)
        np.save(folder / "attribute_rows.npy", saved._rows)
        np.save(folder / "attribute_codes.npy", saved._codes)
        values = {name: self.values(name) for name in self.names.names}
        (folder / _NAMES).write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
        if self.predicted:
            text = json.dumps(self.predicted, ensure_ascii=False)
            (folder / _PREDICTED).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Attributes:
        """What ``save`` wrote."""
        attributes = cls()
        values = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
        attributes.names = Dictionary(values)
        attributes._values = [Dictionary(of_name) for of_name in values.values()]
        attributes._live = [{} for _ in values]
        offsets, rows, codes = (
            np.load(folder / f"attribute_{name}.npy", allow_pickle=False)
            for name in ("offsets", "rows", "codes")
        )
        attributes._offsets, attributes._rows, attributes._codes = offsets, rows, codes
        attributes._is_outdated = np.zeros(int(rows.max(initial=-1)) + 1, bool)
        if (folder / _PREDICTED).is_file():
            predicted = json.loads((folder / _PREDICTED).read_text(encoding="utf-8"))
            attributes.predicted = {int(row): tuple(names) for row, names in predicted.items()}
        return attributes

    def _number(self, name: str) -> int:
        """The number of an attribute; a new one is allocated before its name is published."""
        number = self.names.get(name)
        if number < 0:
            self._values.append(Dictionary())
            self._live.append({})
            number = self.names.add(name)
        return number

    def _start(self, rows: Sequence[np.ndarray], codes: Sequence[np.ndarray]) -> None:
        lengths = np.array([0, *map(len, rows)], np.int64)
        self._offsets = np.cumsum(lengths)
        self._rows = np.concatenate([self._rows[:0], *rows]).astype(np.int32)
        self._codes = np.concatenate([self._codes[:0], *codes]).astype(np.int32)
        self._is_outdated = np.zeros(int(self._rows.max(initial=-1)) + 1, bool)

    def numbers(self, name: str) -> np.ndarray:
        """The values of ``values(name)`` as ``[values] float64``, NaN if not numeric. Kept."""
        number = self.names.get(name)
        return self._as_numbers(number, len(self._values[number].names))

    def _as_numbers(self, number: int, count: int) -> np.ndarray:
        """The first ``count`` values of an attribute as ``[count] float64``, NaN if not numeric."""
        known = self._numbers.get(number)
        if known is None or len(known) < count:
            known = np.array([as_number(value) for value in self._values[number].names], np.float64)
            self._numbers[number] = known
        return known[:count]


def as_number(text: str) -> float:
    """A value as a number; NaN if it is not a finite number."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
