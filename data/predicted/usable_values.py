"""The usable ones of a file's predicted values, kept in a folder of tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from data.predicted.predictions import SPELLING, PredictedValue
from data.predicted.values import read_values, write_values
from data.records import CONTROL_CHARACTER

TABLE_NAME = "predicted.parquet"
"""The file in a folder of tables; missing where nothing was predicted."""
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
