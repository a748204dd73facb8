"""Arrays and mappings as a frozen dataclass may hold them: nobody can write to them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np


def read_only(array: np.ndarray) -> np.ndarray:
    """The same numbers, not to be written to through what is returned."""
    view = array.view()
    view.flags.writeable = False
    return view


def read_only_columns(columns: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Named arrays; neither the mapping nor an array of it can be changed."""
    return MappingProxyType({name: read_only(column) for name, column in columns.items()})
