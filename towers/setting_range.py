"""Ranges of settings."""

from __future__ import annotations

from dataclasses import dataclass

from data.errors import ConfigError


@dataclass(frozen=True)
class Range:
    """Range of a setting, both ends included."""

    least: float
    most: float

    def check(self, value: float, key_path: str) -> None:
        """Refuses a value outside the range.

        Raises:
            ConfigError: It is outside, or NaN; the message names the key.
        """
        # Not by the negated comparisons, since NaN must fail.
        if not self.least <= value <= self.most:
            raise ConfigError(
                f"{key_path}: expected {self.least:,} to {self.most:,}, received {value!r}"
            )
