"""The column map, a TOML file that maps our column names and event types to the shop's names.

[items]
item_id = "sku"
"attributes.colour" = "Colour"

[events]
visitor_id = "client"

[event_types]
clicked = "view"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import ConfigError
from data.offers.offer_tables import AUDIENCE_SCHEMA, OFFER_SCHEMA, REDEMPTION_SCHEMA
from data.records import EVENT_TYPE_BY_LABEL
from data.tables import EVENT_SCHEMA, ITEM_SCHEMA, JUDGMENT_SCHEMA

ATTRIBUTE = "attributes."
"""Prefix of a column with one attribute: ``attributes.colour``."""

COLUMNS: Mapping[str, Iterable[str]] = {
    "items": ITEM_SCHEMA.names,
    "events": EVENT_SCHEMA.names,
    "judgments": JUDGMENT_SCHEMA.names,
    "offers": OFFER_SCHEMA.names,
    "audiences": AUDIENCE_SCHEMA.names,
    "redemptions": REDEMPTION_SCHEMA.names,
}
"""Our columns of each table that a file may hold."""


@dataclass(frozen=True)
class ColumnMap:
    """For each table our column names to the shop's; and the shop's event types to ours."""

    items: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    judgments: Mapping[str, str] = field(default_factory=dict)
    offers: Mapping[str, str] = field(default_factory=dict)
    audiences: Mapping[str, str] = field(default_factory=dict)
    redemptions: Mapping[str, str] = field(default_factory=dict)
    event_types: Mapping[str, str] = field(default_factory=dict)


def read_column_map(path: Path | None) -> ColumnMap:
    """The column map of a file; an empty one for None.

    Raises:
        ConfigError: The file does not exist, is not TOML, or names an unknown section, column or
            event type.
    """
    if path is None:
        return ColumnMap()
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: expected a column map, received: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path.name}: expected TOML in UTF-8, received: {error}") from error
    known_sections = (*COLUMNS, "event_types")
    for section, names in sections.items():
        _check_known(path, "section", section, known_sections)
        if not isinstance(names, dict):
            raise ConfigError(
                f"{path.name}, {section}: expected a section [{section}], received {names!r}"
            )
    maps = {section: _flat(names) for section, names in sections.items()}
    for section, columns in COLUMNS.items():
        for ours, theirs in maps.get(section, {}).items():
            _check_text(path, section, ours, theirs)
            if not (section == "items" and ours.startswith(ATTRIBUTE)):
                _check_known(path, f"[{section}], column", ours, columns)
    for theirs, ours in maps.get("event_types", {}).items():
        _check_text(path, "event_types", theirs, ours)
        _check_known(path, f"[event_types], {theirs}", ours, EVENT_TYPE_BY_LABEL)
    return ColumnMap(**maps)


def _flat(names: Mapping[str, Any]) -> dict[str, Any]:
    # Without quotes, TOML parses ``attributes.colour = …`` as a nested table.
    flat: dict[str, Any] = {}
    for name, value in names.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": text for inner, text in _flat(value).items()})
        else:
            flat[name] = value
    return flat


def _check_known(path: Path, what: str, received: str, known: Iterable[str]) -> None:
    if received not in known:
        expected = ", ".join(known)
        raise ConfigError(f"{path.name}, {what}: expected one of {expected}, received {received!r}")


def _check_text(path: Path, section: str, name: str, value: object) -> None:
    if not isinstance(value, str):
        raise ConfigError(f"{path.name}, [{section}], {name}: expected a name, received {value!r}")
