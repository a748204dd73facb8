"""Session ids for logs without any: a new session begins after a time of inactivity."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.errors import ConfigError
from data.tables import event_micros

GAP_MINUTES = 30.0
"""The customary inactivity timeout of a session."""

_MINUTE_MICROS = 60_000_000


def sessionize(events: pa.Table, *, gap_minutes: float = GAP_MINUTES) -> pa.Table:
    """Events with every empty ``session_id`` filled; given ones are kept.

    Among a visitor's events without a session id, one that comes more than ``gap_minutes`` after
    the one before it begins a new session. Its id is ``<visitor_id>@<time of its first event in
    milliseconds>``, so a longer log gives the same ids to the same sessions.

    Args:
        events: ``EVENT_SCHEMA``, in any order; the order is kept.
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
    index = events.schema.get_field_index("session_id")
    column = pc.replace_with_mask(
        events["session_id"].combine_chunks(),
        is_missing.combine_chunks(),
        filled.combine_chunks(),
    )
    return events.set_column(index, events.schema.field(index), column)


def text_codes(texts: pa.ChunkedArray) -> NDArray[np.int64]:
    """``[row] int64``: codes of the distinct texts, from 0 without gaps."""
    encoded = texts.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices).astype(np.int64)


def _session_starts(
    visitors: NDArray[np.int64], micros: NDArray[np.int64], gap_minutes: float
) -> NDArray[np.int64]:
    """``[row] int64``: start of each row's session in microseconds."""
    order = np.lexsort((micros, visitors))
    visitor, time = visitors[order], micros[order]
    begins = np.append(
        True, (np.diff(visitor) != 0) | (np.diff(time) > gap_minutes * _MINUTE_MICROS)
    )
    session = np.cumsum(begins) - 1
    starts = np.empty_like(micros)
    starts[order] = time[begins][session]
    return starts
