"""Settings as dataclasses, read from nested mappings; unknown keys and wrong values are refused."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from data.errors import ConfigError

T = TypeVar("T")

_LARGEST_WHOLE = 2**53


@dataclass(frozen=True)
class Range:
    """Range of a setting, both ends included."""

    least: float
    most: float


def changed(defaults: T, tree: Mapping[str, Any], key_path: str = "") -> T:
    """The settings with the values of a nested mapping; what it leaves out keeps its default.

    Args:
        defaults: A dataclass of settings, whose sections are dataclasses.
        key_path: What stands before the keys in errors, ``images.``.

    Raises:
        ConfigError: A key is unknown, or a value is of another type or out of its range.
    """
    hints = typing.get_type_hints(type(defaults), include_extras=True)
    values: dict[str, Any] = {}
    for key, value in tree.items():
        if key not in hints:
            close = difflib.get_close_matches(key, hints, n=1)
            hint = f" (did you mean {key_path}{close[0]}?)" if close else ""
            raise ConfigError(
                f"{key_path}{key}: expected one of {', '.join(sorted(hints))}, received {key!r}{hint}"
            )
        values[key] = _converted(hints[key], value, f"{key_path}{key}", getattr(defaults, key))
    return dataclasses.replace(defaults, **values)  # type: ignore[type-var]


def _converted(hint: Any, value: Any, key_path: str, default: Any = None) -> Any:
    if typing.get_origin(hint) is Annotated:
        value = _converted(typing.get_args(hint)[0], value, key_path)
        _check_range(typing.get_args(hint)[1], value, key_path)
        return value
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{key_path}: expected a table, received {value!r}")
        return changed(default, value, f"{key_path}.")
    if isinstance(hint, types.GenericAlias) and typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{key_path}: expected a list, received {value!r}")
        return tuple(_converted(inner, part, key_path) for part in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        # Integers that a float cannot represent are outside of every range.
        return float(value) if abs(value) < _LARGEST_WHOLE else math.inf
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{key_path}: expected {hint.__name__}, received {value!r}")
    return value


def _check_range(allowed: Range, value: float, key_path: str) -> None:
    # Not by the negated comparisons, since NaN must fail.
    if not allowed.least <= value <= allowed.most:
        raise ConfigError(
            f"{key_path}: expected {allowed.least:,} to {allowed.most:,}, received {value!r}"
        )
