"""A table of the rules file; errors name file, table and key, what was expected and what came."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from data.errors import ConfigError


@dataclass(frozen=True)
class RuleTable:
    """A table of the file, and its location for error messages."""

    location: str
    values: Mapping[str, Any]

    def text(self, key: str, *, required: bool = False) -> str:
        """A text, blanks at both ends cut off; empty where there is none."""
        value = self.values.get(key, "")
        if not isinstance(value, str) or (required and not value.strip()):
            self.refuse(key, "a text that is not empty" if required else "a text")
        return str(value).strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, none of them empty."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            self.refuse(key, "a list of texts, none empty")
        return tuple(text.strip() for text in value)

    def number(self, key: str, *, least: float, most: float, default: float | None) -> float:
        """A number above ``least``, at most ``most``."""
        value = self.values.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least < value <= most:
            self.refuse(key, f"a number above {least:g} and at most {most:g}")
        return float(value)

    def between(self, key: str, least: float, most: float, default: float) -> float:
        """A number from ``least`` to ``most``, both included."""
        value = self.values.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            self.refuse(key, f"a number from {least:g} to {most:g}")
        return float(value)

    def whole(self, key: str, least: int, most: int, default: int) -> int:
        """A whole number from ``least`` to ``most``, both included."""
        value = self.values.get(key, default)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not least <= value <= most:
            self.refuse(key, f"a whole number from {least} to {most}")
        return int(value)

    def time(self, key: str, default: float) -> float:
        """Seconds since 1970 of a time with an offset."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, datetime) or value.tzinfo is None:
            self.refuse(key, "a time with an offset, 2025-01-31T00:00:00Z")
        return value.timestamp()

    def refuse(self, key: str, expected: str) -> NoReturn:
        """Raises the error for a key.

        Raises:
            ConfigError: Always.
        """
        received = self.values.get(key, "nothing")
        raise ConfigError(f"{self.location}, {key}: expected {expected}, received {received!r}")


def check_keys(location: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuses a table with a key that is not known.

    Raises:
        ConfigError: It has one; the message names those that are known.
    """
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise ConfigError(
                f"{location}, {key}: expected one of {', '.join(known)}, received {key!r}{hint}"
            )
