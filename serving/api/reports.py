"""What the engine says of a batch that it took in, and of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

_VERSIONED = ("nextclick", "scann", "ai-edge-litert", "tantivy", "grpcio", "numpy")


@dataclass(frozen=True, slots=True)
class RecordReport:
    """What became of a batch of events."""

    recorded_count: int
    duplicate_count: int
    unknown_item_count: int


@dataclass(frozen=True, slots=True)
class CatalogReport:
    """What became of a batch of catalogue changes."""

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


def installed_versions() -> dict[str, str]:
    """Versions of the packages that an answer depends on, by name."""
    return {name: version(name) for name in _VERSIONED}
