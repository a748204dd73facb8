"""Counts of an ingested batch, and the status of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

_VERSIONED = ("nextclick", "scann", "ai-edge-litert", "tantivy", "grpcio", "numpy")


@dataclass(frozen=True, slots=True)
class RecordReport:
    """How many events of a batch were recorded, known already, or of unknown items."""

    recorded_count: int
    duplicate_count: int
    unknown_item_count: int


@dataclass(frozen=True, slots=True)
class CatalogReport:
    """How many items a batch of catalogue changes added, updated and removed."""

    added_count: int
    updated_count: int
    removed_count: int


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a running engine."""

    bundle_id: str
    bundle_path: str
    previous_bundle_path: str
    item_count: int
    live_item_count: int
    visitor_count: int
    logged_event_count: int
    unknown_item_event_count: int
    uptime_seconds: float
    versions: Mapping[str, str] = field(default_factory=dict)
    rules_version: str = ""
    rules_error: str = ""
    variant_group_count: int = 0
    variant_item_count: int = 0


def installed_versions() -> dict[str, str]:
    """Installed versions of the packages that affect answers, by name."""
    return {name: version(name) for name in _VERSIONED}
