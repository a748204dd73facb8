"""Counts of an ingested batch, and the status of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from importlib.metadata import version

from data.records import Event

_VERSIONED = ("nextclick", "scann", "ai-edge-litert", "tantivy", "grpcio", "numpy")


@dataclass(frozen=True, slots=True)
class RecordReport:
    """How many events of a batch were recorded, known already, or of unknown items."""

    recorded_count: int
    duplicate_count: int
    unknown_item_count: int

    @classmethod
    def of(
        cls, events: Sequence[Event], is_new_flags: Sequence[bool], row_of: Mapping[str, int]
    ) -> RecordReport:
        """Counts a batch: which events are new, by position, and the rows of the items that are known."""
        new = [event for event, is_new in zip(events, is_new_flags, strict=True) if is_new]
        unknown = sum(bool(event.item_id) and event.item_id not in row_of for event in new)
        return cls(len(new), len(events) - len(new), unknown)


Recorded = Callable[[RecordReport | Exception], object]
"""Takes the report of a batch, or what went wrong."""


@dataclass(frozen=True, slots=True)
class CatalogReport:
    """How many items a batch of catalogue changes added, updated and removed."""

    added_count: int
    updated_count: int
    removed_count: int


class Leader(IntEnum):
    """The bundle that visitors prefer by a sign test at 5 %; ``UNSPECIFIED``: cannot be told."""

    UNSPECIFIED = 0
    ACTIVE = 1
    OTHER = 2


@dataclass(frozen=True, slots=True)
class InterleavingTally:
    """What visitors preferred on one surface by one action.

    Args:
        surface: ``search``, or a placement; empty: all together.
        action: ``click`` (a view, favourite, add to the cart or purchase), ``cart`` (one of the last two)
            or ``purchase``.
        answer_count: Interleaved answers.
        win_count, loss_count: Answers in which more items of the other, or of the active, bundle were
            acted on.
        tie_count: Answers in which as many were, and some.
        preferring_other_count, preferring_active_count: Visitors with more wins than losses, and
            with fewer.
        low, high: 95 % interval of the share of the other bundle among these visitors.
        p_value: Of the two-sided sign test over them.
    """

    surface: str
    action: str
    answer_count: int
    win_count: int = 0
    loss_count: int = 0
    tie_count: int = 0
    preferring_other_count: int = 0
    preferring_active_count: int = 0
    low: float = 0.0
    high: float = 1.0
    p_value: float = 1.0
    leader: Leader = Leader.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class InterleavingReport:
    """Two bundles compared on live traffic: the running comparison, or the last one.

    Args:
        bundle_id, bundle_path: The other bundle.
        active_bundle_id: The bundle that was active when the comparison began.
        share: Of the visitors whose answers are interleaved.
        start_time: Seconds since 1970, UTC.
        end_reason: Why it ended; empty while it runs.
        visitor_count: Visitors who had interleaved answers, each anonymous answer being a visitor.
        failure_count: Answers that the other bundle failed to contribute to since the last start.
        tallies: All surfaces together, then each with answers; of each, all actions.
    """

    bundle_id: str
    bundle_path: str
    active_bundle_id: str
    share: float
    start_time: float
    is_running: bool
    end_reason: str
    visitor_count: int
    failure_count: int
    tallies: tuple[InterleavingTally, ...] = ()


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
    interleaving: InterleavingReport | None = None
    variant_group_count: int = 0
    variant_item_count: int = 0


def installed_versions() -> dict[str, str]:
    """Installed versions of the packages that affect answers, by name."""
    return {name: version(name) for name in _VERSIONED}
