"""What a snapshot holds of a bundle: the counts of its sources, and the redemptions of its offers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError
from serving.answering.active_bundle import ActiveBundle
from serving.state.event_log import EventLog
from serving.state.snapshot import SnapshotHead, read_counts, read_head

logger = logging.getLogger(__name__)


def check_counts(head: SnapshotHead, active: ActiveBundle, log: EventLog) -> None:
    """Raises ``InputError`` unless a replay of the whole log would give the counts of the snapshot."""
    bundle_id, row_of = active.bundle.manifest.bundle_id, active.bundle.catalog.row_of
    if head.bundle_id != bundle_id:
        raise InputError(f"expected counts of bundle {bundle_id}, received {head.bundle_id}")
    if not log.last_known([head.position]):
        raise InputError(
            f"expected an entry of this log, received entry {head.position.sequence} of another"
        )
    if (found := log.event_count_until(head.position.sequence)) != head.event_count:
        raise InputError(
            f"expected {head.event_count} events up to entry {head.position.sequence}, "
            f"received {found}: some were deleted"
        )
    gone = [id_ for id_ in head.live_rows if id_ not in row_of]
    new = [id_ for id_ in head.unknown_counts if id_ in row_of]
    if changed := gone + new:
        raise InputError(
            f"expected no other items with events, received {len(changed)} added or deleted"
            f" since, such as {changed[0]}"
        )


def restore_counts(counts: dict[str, Any], head: SnapshotHead, active: ActiveBundle) -> None:
    """Gives a bundle, as it was loaded, the counts of a snapshot that ``check_counts`` has passed.

    Raises:
        InputError: They are of other sources; nothing has changed.
    """
    sources = active.bundle.ranker.sources.listeners
    # Before anything is changed: which sources there are is for the code to say, not for the bundle.
    if (names := {source.name for source in sources}) != {*counts["sources"]}:
        raise InputError(
            f"expected counts of {', '.join(sorted(names))}, "
            f"received those of {', '.join(sorted(counts['sources']))}"
        )
    row_of = active.bundle.catalog.row_of
    built = active.live.bundle_item_count
    # Items added live have rows in the order of their newest change, which may be another by now.
    moved = np.full(max([built - 1, *head.live_rows.values()]) + 1, -1, np.int64)
    moved[:built] = np.arange(built)
    for item_id, row in head.live_rows.items():
        moved[row] = row_of[item_id]
    for source in sources:
        source.restore_events(counts["sources"][source.name], moved)
    active.bundle.offers.restore_events(counts["redemptions"])


def counts_of(active: ActiveBundle) -> dict[str, Any] | None:
    """The counts of a bundle, as JSON values; None if a source cannot tell what events changed."""
    sources: dict[str, dict[str, Any]] = {}
    for source in active.bundle.ranker.sources.listeners:
        if (state := source.event_state()) is None:
            logger.warning("no snapshot: the source %s cannot tell its state", source.name)
            return None
        sources[source.name] = state
    return {"sources": sources, "redemptions": active.bundle.offers.event_state()}


def counted_from_snapshot(
    path: Path, active: ActiveBundle, log: EventLog, *, until_sequence: int
) -> int:
    """Gives a bundle that is about to answer the counts of a snapshot made for it beforehand.

    Args:
        path: Of the snapshot.
        active: With the live changes of its items.
        until_sequence: The snapshot must not stand for a later entry.

    Returns:
        The sequence number up to which the bundle has counted; 0 if there is no such snapshot.
    """
    try:
        with open(path, "rb") as file:
            head = read_head(file)
            if head.position.sequence > until_sequence:
                raise InputError(
                    f"expected an entry up to {until_sequence}, received {head.position.sequence}"
                )
            check_counts(head, active, log)
            restore_counts(read_counts(file), head, active)
    except FileNotFoundError:
        return 0
    except (InputError, OSError) as error:
        logger.info("%s is ignored, the whole log is counted: %s", path.name, error)
        return 0
    return head.position.sequence
