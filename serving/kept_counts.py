"""What a snapshot holds of a bundle: the counts of its sources, and the redemptions of its offers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError
from serving.answering.active_bundle import ActiveBundle
from serving.state.event_log import EventLog
from serving.state.snapshot import SnapshotHead, read_counts, read_head

logger = logging.getLogger(__name__)


def check_log(head: SnapshotHead, log: EventLog) -> None:
    """Raises ``InputError`` unless the log has what a snapshot was made of."""
    if not log.last_known([head.position]):
        raise InputError(
            f"expected an entry of this log, received entry {head.position.sequence} of another"
        )
    if (found := log.event_count_until(head.position.sequence)) != head.event_count:
        raise InputError(
            f"expected {head.event_count} events up to entry {head.position.sequence}, "
            f"received {found}: some were deleted"
        )


def check_bundle(head: SnapshotHead, active: ActiveBundle) -> None:
    """Raises ``InputError`` unless the bundle would count, of the same events, what a snapshot holds."""
    bundle_id, row_of = active.bundle.manifest.bundle_id, active.bundle.catalog.row_of
    if head.bundle_id != bundle_id:
        raise InputError(f"expected counts of bundle {bundle_id}, received {head.bundle_id}")
    gone = [id_ for id_ in head.live_rows if id_ not in row_of]
    new = [id_ for id_ in head.unknown_counts if id_ in row_of]
    if changed := gone + new:
        raise InputError(
            f"expected no other items with events, received {len(changed)} added or deleted"
            f" since, such as {changed[0]}"
        )


@contextmanager
def reading() -> Iterator[None]:
    """Says of state that cannot be read that it is not this version's.

    Raises:
        InputError: The block could not read it.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise InputError(
            f"expected state as this version writes it, received: {error!r}"
        ) from error


def parsed_counts(
    counts: dict[str, Any], head: SnapshotHead, active: ActiveBundle
) -> Callable[[], None]:
    """Reads the counts of a snapshot that passed the checks.

    Returns:
        What gives them to the bundle, as it was loaded; it cannot fail.

    Raises:
        InputError: They are of other sources, or of another version.
    """
    sources = active.bundle.ranker.sources.listeners
    row_of = active.bundle.catalog.row_of
    built = active.live.bundle_item_count
    # Items added live have rows in the order of their newest change, which may be another by now.
    moved = np.full(max([built - 1, *head.live_rows.values()]) + 1, -1, np.int64)
    moved[:built] = np.arange(built)
    for item_id, row in head.live_rows.items():
        moved[row] = row_of[item_id]
    with reading():
        if (names := {source.name for source in sources}) != {*counts["sources"]}:
            raise InputError(
                f"expected counts of {', '.join(sorted(names))}, "
                f"received those of {', '.join(sorted(counts['sources']))}"
            )
        steps = [source.parsed_events(counts["sources"][source.name], moved) for source in sources]
        steps.append(active.bundle.offers.parsed_events(counts["redemptions"]))

    def put() -> None:
        for step in steps:
            step()

    return put


def counts_of(active: ActiveBundle) -> dict[str, Any]:
    """The counts of a bundle, as JSON values.

    Raises:
        InputError: A source cannot tell what events have changed.
    """
    sources: dict[str, dict[str, Any]] = {}
    for source in active.bundle.ranker.sources.listeners:
        if (state := source.event_state()) is None:
            raise InputError(f"no snapshot: the source {source.name} cannot tell its state")
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
            check_log(head, log)
            check_bundle(head, active)
            parsed_counts(read_counts(file), head, active)()
    except FileNotFoundError:
        return 0
    except (InputError, OSError) as error:
        logger.info("%s is ignored, the whole log is counted: %s", path.name, error)
        return 0
    return head.position.sequence
