"""The quality report: table statistics and dropped rows, as plain JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.clean import Loss
from data.records import EventType, as_datetime
from data.sessionize import text_codes
from data.split import DAY_SECONDS, Split, cut_session_count
from data.tables import ITEM_SCHEMA, event_micros

_QUANTILES = {"median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def quality_report(
    *,
    items: pa.Table,
    newest_items: pa.Table | None,
    items_time: float,
    events: pa.Table,
    judgments: pa.Table,
    split: Split,
    losses: Iterable[Loss],
) -> dict[str, Any]:
    """The quality report of a shop's tables.

    Args:
        items: ``ITEM_SCHEMA``.
        newest_items, items_time: As in ``Tables``.
        events: ``EVENT_SCHEMA``, by time, with a session id in every row.
        judgments: ``JUDGMENT_SCHEMA``.
        split: The boundaries of training and testing.
        losses: The losses of cleaning, in the order of the rules.

    Returns:
        Counts, shares and times as numbers and ISO 8601 texts; ``dropped`` holds a sentence for
        each rule that applied.
    """
    losses = list(losses)
    return {
        "items": {
            **_items(items, events),
            # The version of the catalogue: live changes made later override it.
            "known_time": as_datetime(items_time).isoformat() if items_time else None,
            "known_later": _known_later(items, newest_items),
        },
        "events": _events(events),
        "sessions": _sessions(events),
        "judgments": {
            "count": judgments.num_rows,
            "query_count": pc.count_distinct(judgments["query"]).as_py(),
        },
        "split": _split(events, split),
        "losses": [
            {
                "table": loss.table,
                "rule": loss.rule,
                "action": loss.action,
                "count": loss.count,
                "total": loss.total,
            }
            for loss in losses
        ],
        "dropped": [loss.sentence for loss in losses],
    }


def _items(items: pa.Table, events: pa.Table) -> dict[str, Any]:
    has_events = pc.is_in(items["item_id"], value_set=pc.unique(events["item_id"]))
    return {
        "count": items.num_rows,
        "in_stock_count": pc.sum(items["in_stock"]).as_py() or 0,
        "with_events_count": pc.sum(has_events).as_py() or 0,
        "missing_counts": {
            **{name: _empty_count(items[name]) for name in ("title", "description", "brand")},
            "category": pc.sum(pc.equal(pc.list_value_length(items["category"]), 0)).as_py() or 0,
            "price": items["price"].null_count,
        },
    }


def _known_later(items: pa.Table, newest: pa.Table | None) -> dict[str, int]:
    """Numbers of items whose fields change in the test part, and of prices first known there."""
    if newest is None:
        return {}
    first_prices = pc.and_(pc.is_null(items["price"]), pc.is_valid(newest["price"]))
    return {
        "price_first_known_count": pc.sum(first_prices).as_py() or 0,
        **{
            f"{name}_changed_count": count
            for name in ITEM_SCHEMA.names
            if (count := _changed_count(items[name], newest[name]))
        },
    }


def _changed_count(known: pa.ChunkedArray, newest: pa.ChunkedArray) -> int:
    if known.equals(newest):
        return 0
    # Arrow cannot compare lists and maps.
    return sum(
        one != other for one, other in zip(known.to_pylist(), newest.to_pylist(), strict=True)
    )


def _empty_count(texts: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.equal(texts, "")).as_py() or 0)


def _events(events: pa.Table) -> dict[str, Any]:
    counts = {row["values"]: row["counts"] for row in pc.value_counts(events["type"]).to_pylist()}
    seconds = event_micros(events) / 1e6
    return {
        "count": events.num_rows,
        "by_type": {EventType(number).label: counts[number] for number in sorted(counts)},
        "visitor_count": pc.count_distinct(events["visitor_id"]).as_py(),
        "first_time": as_datetime(seconds[0]).isoformat() if len(seconds) else None,
        "last_time": as_datetime(seconds[-1]).isoformat() if len(seconds) else None,
        "span_days": round(float(np.ptp(seconds)) / DAY_SECONDS, 2) if len(seconds) else 0.0,
    }


def _sessions(events: pa.Table) -> dict[str, Any]:
    lengths = np.bincount(text_codes(events["session_id"]))
    quantiles = np.quantile(lengths, list(_QUANTILES.values())) if len(lengths) else [0.0] * 4
    return {
        "count": len(lengths),
        "single_event_count": int(np.count_nonzero(lengths == 1)),
        "length": {
            name: round(float(length), 2)
            for name, length in zip(_QUANTILES, quantiles, strict=True)
        },
    }


def _split(events: pa.Table, split: Split) -> dict[str, Any]:
    seconds = event_micros(events) / 1e6
    sessions = text_codes(events["session_id"])
    ends = np.searchsorted(seconds, [split.rank_from, split.test_from]).tolist()
    bounds = [0, *ends, len(seconds)]
    parts = {}
    for number, name in enumerate(("retrieval", "rank", "test")):
        begin, end = bounds[number], bounds[number + 1]
        parts[name] = {
            "event_count": end - begin,
            "session_count": len(np.unique(sessions[begin:end])),
        }
    return {
        "rank_from": as_datetime(split.rank_from).isoformat(),
        "test_from": as_datetime(split.test_from).isoformat(),
        "parts": parts,
        "cut_session_counts": {
            "rank_from": cut_session_count(split.rank_from, seconds, sessions),
            "test_from": cut_session_count(split.test_from, seconds, sessions),
        },
    }
