"""Session ids for logs that have none: a visitor's new session begins after a time of quiet."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.errors import ConfigError
from data.tables import event_micros

GAP_MINUTES = 30.0
"""The customary time of quiet after which a visit counts as a new one."""

_MINUTE_MICROS = 60_000_000


def sessionize(events: pa.Table, *, gap_minutes: float = GAP_MINUTES) -> pa.Table:
    """Events with every empty ``session_id`` filled; a given one stays.

    Among a visitor's events without a session id, one that comes more than ``gap_minutes`` after
    the one before it begins a new session. Its id is ``<visitor_id>@<time of its first event in
    milliseconds>``, so a longer log gives the same ids to the same sessions.

    Args:
        events: ``EVENT_SCHEMA``, in any order, which is kept.
        gap_minutes: More than 0.

    Raises:
        ConfigError: ``gap_minutes`` is not more than 0.
    """
    if not gap_minutes > 0:
        raise ConfigError(f"gap_minutes: expected more than 0, received {gap_minutes}")
    is_missing = pc.equal(events["session_id"], "")
    rows = np.flatnonzero(is_missing.to_numpy())
    if len(rows) == 0:
        return events
    visitor_ids = events["visitor_id"].take(pa.array(rows))
    starts = _session_starts(text_codes(visitor_ids), event_micros(events)[rows], gap_minutes)
    filled = pc.binary_join_element_wise(
        visitor_ids, pa.array(starts // 1_000).cast(pa.string()), "@"
    )
    place = events.schema.get_field_index("session_id")
    column = pc.replace_with_mask(
        events["session_id"].combine_chunks(),
        is_missing.combine_chunks(),
        filled.combine_chunks(),
    )
    return events.set_column(place, events.schema.field(place), column)


def text_codes(texts: pa.ChunkedArray) -> NDArray[np.int64]:
    """``[row] int64``: a number for each distinct text, from 0 without gaps."""
    encoded = texts.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices).astype(np.int64)


def _session_starts(
    visitors: NDArray[np.int64], micros: NDArray[np.int64], gap_minutes: float
) -> NDArray[np.int64]:
    """``[row] int64``: microseconds at which the session of each row begins."""
    order = np.lexsort((micros, visitors))
    visitor, time = visitors[order], micros[order]
    begins = np.append(
        True, (np.diff(visitor) != 0) | (np.diff(time) > gap_minutes * _MINUTE_MICROS)
    )
    session = np.cumsum(begins) - 1
    starts = np.empty_like(micros)
    starts[order] = time[begins][session]
    return starts
