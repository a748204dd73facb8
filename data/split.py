"""The split by time: when training ends and testing begins, the same for all visitors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.errors import ConfigError

DAY_SECONDS = 86_400.0
_NEWEST_SHARE = 0.1
_NEWEST_DAYS_MAX = 30.0


@dataclass(frozen=True)
class Split:
    """Two boundaries, in seconds since 1970, UTC.

    Args:
        rank_from: Events before it train retrieval.
        test_from: Events from ``rank_from`` to before it train the reranker; events from it on
            are the test part.
    """

    rank_from: float
    test_from: float


def split_by_time(
    times: NDArray[np.float64], sessions: NDArray[np.int64], *, test_days: float | None = None
) -> Split:
    """The boundaries for a log: the newest part is for testing, the newest of the rest for ranking.

    Each part is the newest tenth of the remaining span, at most 30 days. A boundary then moves to
    the start of a session, at most a day or a tenth of its part later, where it cuts the fewest
    sessions, if possible none. Of a session that is cut, the events before the boundary belong to
    the earlier part.

    Args:
        times: ``[event] float64``, seconds since 1970, ascending.
        sessions: ``[event] int64``, session numbers from 0 without gaps.
        test_days: Length of the test part; None for the rule above.

    Returns:
        The split; ``Split(0, 0)`` for an empty log. If all events have the same time, they all
        precede both boundaries.

    Raises:
        ConfigError: ``test_days`` is not more than 0 or not less than the span of the log.
    """
    if test_days is not None and not test_days > 0:
        raise ConfigError(f"test_days: expected more than 0, received {test_days}")
    if len(times) == 0:
        return Split(0.0, 0.0)
    first, last = float(times[0]), float(times[-1])
    if test_days is not None and test_days * DAY_SECONDS >= last - first:
        span_days = (last - first) / DAY_SECONDS
        raise ConfigError(
            f"test_days: expected less than the {span_days:.1f} days of the log, "
            f"received {test_days}"
        )
    if first == last:
        return Split(last + 1.0, last + 1.0)
    starts, ends = _session_bounds(times, sessions)
    test_seconds = _newest_part(last - first) if test_days is None else test_days * DAY_SECONDS
    test_from = _uncut(last - test_seconds, last, starts, ends)
    rank_from = _uncut(test_from - _newest_part(test_from - first), test_from, starts, ends)
    return Split(rank_from, test_from)


def cut_session_count(
    boundary: float, times: NDArray[np.float64], sessions: NDArray[np.int64]
) -> int:
    """How many sessions have events on both sides of a boundary; arguments as above."""
    if len(times) == 0:
        return 0
    starts, ends = _session_bounds(times, sessions)
    return int(np.count_nonzero((starts < boundary) & (ends >= boundary)))


def _newest_part(span_seconds: float) -> float:
    return min(span_seconds * _NEWEST_SHARE, _NEWEST_DAYS_MAX * DAY_SECONDS)


def _session_bounds(
    times: NDArray[np.float64], sessions: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    starts = np.empty(int(sessions.max()) + 1)
    ends = np.empty_like(starts)
    # Times ascend, so the last value written per session is its newest, or, reversed, its oldest.
    ends[sessions] = times
    starts[sessions[::-1]] = times[::-1]
    return starts, ends


def _uncut(
    boundary: float, part_end: float, starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> float:
    latest = boundary + min(DAY_SECONDS, (part_end - boundary) * _NEWEST_SHARE)
    candidates = np.unique(starts[(starts >= boundary) & (starts <= latest)])
    if len(candidates) == 0:
        return boundary
    # Sessions cut at t: begun before t, and with an event at t or later.
    begun = np.searchsorted(np.sort(starts), candidates, side="left")
    ended = np.searchsorted(np.sort(ends), candidates, side="left")
    return float(candidates[np.argmin(begun - ended)])
