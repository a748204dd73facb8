"""Read-only arrays and mappings, for fields of frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np


def read_only(array: np.ndarray) -> np.ndarray:
    """A read-only view of an array; one that is read-only already is returned itself."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.setflags(write=False)
    return view


def freeze(*arrays: np.ndarray) -> None:
    """Makes arrays read-only in place: for a value that owns them, and cheaper than views."""
    for array in arrays:
        array.flags.writeable = False


def read_only_columns(columns: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """A read-only mapping of read-only arrays."""
    return MappingProxyType({name: read_only(column) for name, column in columns.items()})
