"""Which fields can be learnt from a catalogue, their classes, and why others cannot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from towers.text.writing.folding import fold, normalise
from towers.text.writing.units import is_quantity

HOLDER_MINIMUM = 3
"""Items that must share a value for it to be a class."""
CLASS_LIMIT = 1_000
"""Classes of one field: the most frequent values."""
FILLED_MINIMUM = 20
NUMBER_LIMIT = 50
"""Distinct values up to which numbers are classes."""

_SHARED_MINIMUM = 0.5
_NUMERIC_SHARE = 0.9
_RANGE = re.compile(r"-?\d+(?:[.,]\d+)?(?: *[-–x×/] *-?\d+(?:[.,]\d+)?)*")

MISSING, RARE = -1, -2
"""Labels of items without a value, and of those whose value is no class."""


@dataclass(frozen=True, eq=False)
class Target:
    """A field to learn.

    Args:
        field: Its name.
        classes: The values that can be predicted, the most frequent first.
        labels: ``[items] int64`` number of the class, ``MISSING`` or ``RARE``.
    """

    field: str
    classes: tuple[str, ...]
    labels: np.ndarray

    @property
    def filled(self) -> np.ndarray:
        """Rows that have a value, ``[n] int64``, rare ones among them."""
        return np.flatnonzero(self.labels != MISSING)

    @property
    def missing(self) -> np.ndarray:
        """Rows to predict, ``[n] int64``."""
        return np.flatnonzero(self.labels == MISSING)


def target_of(field: str, values: Sequence[str]) -> Target | str:
    """The target of a field, or a sentence that says why it cannot be predicted.

    A class is a value that ``HOLDER_MINIMUM`` items share, of the ``CLASS_LIMIT`` most frequent ones;
    a rarer value is never predicted, and counts as an error of every model where it was the answer. A
    list of several values is one class. Not predicted are free text (fewer than half of the filled
    items share their value with two others) and numbers of more than ``NUMBER_LIMIT`` distinct values.

    Args:
        values: Of all items, empty where one lacks the field.
    """
    counts = Counter(value for value in values if value)
    filled = counts.total()
    if filled == len(values):
        return "every item has it"
    if filled < FILLED_MINIMUM:
        return f"{filled:,} items have it, of the {FILLED_MINIMUM} that are needed"
    if len(counts) > NUMBER_LIMIT and _numeric_share(counts) >= _NUMERIC_SHARE:
        return f"numbers of {len(counts):,} distinct values, of {NUMBER_LIMIT} that can be learnt"
    frequent = [value for value, count in counts.most_common() if count >= HOLDER_MINIMUM]
    classes = tuple(frequent[:CLASS_LIMIT])
    shared = sum(counts[value] for value in classes)
    if len(classes) < 2:
        return (
            f"{len(classes)} values are shared by {HOLDER_MINIMUM} items, of the 2 that are needed"
        )
    if shared < _SHARED_MINIMUM * filled:
        return (
            f"free text: {shared / filled:.0%} of its values are shared by {HOLDER_MINIMUM} items, "
            f"of the {_SHARED_MINIMUM:.0%} that are needed"
        )
    number_of = {value: number for number, value in enumerate(classes)}
    labels = [number_of.get(value, RARE) if value else MISSING for value in values]
    return Target(field, classes, np.array(labels, np.int64))


def _numeric_share(counts: Counter[str]) -> float:
    numeric = sum(count for value, count in counts.items() if is_number(value))
    return numeric / counts.total()


def is_number(value: str) -> bool:
    """Whether a value is a number, with a unit or without, or a range or size of numbers."""
    plain = fold(normalise(value)).strip()
    return is_quantity(plain) or _RANGE.fullmatch(plain) is not None
