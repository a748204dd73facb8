"""Sessions as lines of text: item ids separated by blanks, in the order they were viewed."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import InputError
from data.records import EventType
from data.tables import EVENT_SCHEMA, ITEM_SCHEMA, RawShop, conform

FIRST_TIME = 946_684_800
"""Start of the first session: 2000-01-01, UTC, so that ten million sessions lie in the past."""

_SESSION_SECONDS = 60
_MICROS = 1_000_000


def read_session_lines(path: Path) -> RawShop:
    """A view for each item id; line ``i`` is session and visitor ``s<i>``, counted from 1.

    Times are synthetic: a session begins a minute after the previous one, and its views are a
    second apart, less in sessions of more than 59 views, so that sessions do not overlap.

    Args:
        path: A text file in UTF-8, gzipped or not, its sessions in time order.

    Raises:
        InputError: The file does not exist, has no item id, or is not text.
    """
    lines = _lines(path)
    words = pc.utf8_split_whitespace(lines)
    # A blank line splits into one empty word.
    lengths = np.where(np.asarray(pc.equal(lines, "")), 0, np.asarray(pc.list_value_length(words)))
    item_ids = pc.list_flatten(words)
    item_ids = item_ids.filter(pc.not_equal(item_ids, ""))
    if len(item_ids) == 0:
        raise InputError(f"{path.name}: expected a session a line, received no item id")
    sessions = np.repeat(np.arange(len(lines)), lengths)
    positions = np.arange(len(item_ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    step = _MICROS * np.minimum(1.0, (_SESSION_SECONDS - 1) / np.maximum(lengths, 1))
    begin = (FIRST_TIME + sessions * _SESSION_SECONDS) * _MICROS
    micros = begin + (positions * step[sessions]).astype(np.int64)
    session_ids = pc.binary_join_element_wise(
        "s", pa.array(sessions + 1).cast(pa.string()), "", null_handling="skip"
    )
    position_texts = pa.array(positions + 1).cast(pa.string())
    events = {
        "event_id": pc.binary_join_element_wise(session_ids, position_texts, "-"),
        "type": np.full(len(item_ids), int(EventType.VIEW), dtype=np.int8),
        "visitor_id": session_ids,
        "time": pa.array(micros).cast(pa.timestamp("us")),
        "item_id": item_ids,
        "session_id": session_ids,
    }
    return RawShop(
        items=conform(pa.table({"item_id": pc.unique(item_ids)}), ITEM_SCHEMA),
        events=conform(pa.table(events), EVENT_SCHEMA),
        judgments=None,
        notes=("the file holds an order but no times: times are made up, a minute a session",),
    )


def _lines(path: Path) -> pa.Array:
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path}: expected a file of sessions, received: {error.strerror or error}"
        ) from error
    except (EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(f"{path.name}: expected text in UTF-8, received: {error}") from error
    return pc.utf8_trim_whitespace(pa.array(text.split("\n"), pa.string()))
