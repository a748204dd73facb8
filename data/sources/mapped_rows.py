"""The rows of a shop's file, found by our column names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from data.errors import InputError
from data.sources.column_map import COLUMNS
from data.sources.fields import Column
from data.sources.row_files import ENDINGS

Convert = Callable[[Column], pa.ChunkedArray]


@dataclass(frozen=True, eq=False)
class MappedRows:
    """A file's rows, accessed by our column names; ``table`` is its section in the column map."""

    file_name: str
    table: str
    rows: pa.Table
    theirs: Mapping[str, str]

    def find(self, ours: str) -> Column | None:
        """The column of our name; None if the file has none.

        Raises:
            InputError: The column map names a column that the file does not have.
        """
        theirs = self.theirs.get(ours, ours)
        if theirs in self.rows.column_names:
            label = ours if ours == theirs else f"{ours} (column {theirs!r})"
            return Column(self.file_name, label, self.rows[theirs])
        if ours in self.theirs:
            raise self.missing(ours)
        return None

    def require(self, ours: str) -> Column:
        """As ``find``, and an ``InputError`` if the file has no such column."""
        column = self.find(ours)
        if column is None:
            raise self.missing(ours)
        return column

    def missing(self, ours: str) -> InputError:
        """The error for a column that is not there."""
        expected, found = self.theirs.get(ours, ours), self.rows.column_names
        # A column whose name we know is not a misspelling of another.
        unknown = [name for name in found if name not in COLUMNS[self.table]]
        near = difflib.get_close_matches(expected, unknown, n=1, cutoff=0.4)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return InputError(
            f"{self.file_name}: expected a column {expected}, received {', '.join(found)}{hint}; "
            f'a column map renames columns: [{self.table}] {ours} = "…"'
        )

    def unused(self, used: set[str]) -> tuple[str, ...]:
        """A note that names the file's columns but ``used``; none if all are used."""
        names = {self.theirs.get(ours, ours) for ours in used}
        unused = [name for name in self.rows.column_names if name not in names]
        return (f"{self.file_name}: columns not used: {', '.join(unused)}",) if unused else ()


def find_file(folder: Path, name: str) -> Path | None:
    """The file of a table in a shop's folder; None if there is none.

    Raises:
        InputError: There is no folder, or there are several such files.
    """
    if not folder.is_dir():
        received = "a file; move it into a folder of its own" if folder.is_file() else "none"
        raise InputError(
            f"{folder}: expected a folder with items.* and events.*, received {received}"
        )
    paths_found = [path for end in ENDINGS if (path := folder / f"{name}{end}").is_file()]
    if len(paths_found) > 1:
        received = " and ".join(path.name for path in paths_found)
        raise InputError(f"{folder}: expected one file of {name}, received {received}")
    return paths_found[0] if paths_found else None


def converted(file: MappedRows, fields: Mapping[str, Convert]) -> dict[str, pa.ChunkedArray]:
    """The columns that a file has, converted, by our names."""
    found = {ours: (file.find(ours), convert) for ours, convert in fields.items()}
    return {ours: to(column) for ours, (column, to) in found.items() if column is not None}
