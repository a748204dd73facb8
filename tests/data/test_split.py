"""The boundaries of training and testing: at the start of a session, cutting as few as can be."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from data.split import Split, cut_session_count, split_by_time

DAY = 86_400.0
Session = list[float]


def log_of(sessions: list[Session]) -> tuple[np.ndarray, np.ndarray]:
    """Times, ascending, and session numbers of a log."""
    pairs = sorted((time, number) for number, times in enumerate(sessions) for time in times)
    times, numbers = zip(*pairs, strict=True)
    return np.array(times, dtype=np.float64), np.array(numbers, dtype=np.int64)


def cuts(boundary: float, sessions: list[Session]) -> int:
    return sum(min(times) < boundary <= max(times) for times in sessions)


def fewest_cuts(begin: float, end: float, sessions: list[Session]) -> float | None:
    """The first start of a session from ``begin`` on, in the time allowed, with the fewest cuts."""
    latest = begin + min(DAY, (end - begin) / 10)
    starts = sorted({min(times) for times in sessions})
    allowed = [start for start in starts if begin <= start <= latest]
    return min(allowed, key=lambda start: cuts(start, sessions), default=None)


def test_the_newest_tenth_is_for_testing_and_a_tenth_of_the_rest_for_ranking() -> None:
    # A session of one event an hour, for 100 hours and the first moment.
    sessions = [[hour * 3_600.0] for hour in range(101)]
    split = split_by_time(*log_of(sessions))
    assert split == Split(rank_from=81 * 3_600.0, test_from=90 * 3_600.0)


def test_a_part_has_thirty_days_at_most() -> None:
    sessions = [[day * DAY] for day in range(1_001)]
    split = split_by_time(*log_of(sessions))
    assert split == Split(rank_from=940 * DAY, test_from=970 * DAY)


def test_a_test_part_of_a_given_length() -> None:
    sessions = [[day * DAY] for day in range(101)]
    assert split_by_time(*log_of(sessions), test_days=20.0) == Split(72 * DAY, 80 * DAY)


def test_a_boundary_moves_out_of_a_session() -> None:
    # At 90 the first session is open; the second begins at 90.5, when the first is over.
    sessions = [[0.0], [50.0], [89.0, 90.2], [90.5, 91.0], [100.0]]
    split = split_by_time(*log_of(sessions))
    assert split.test_from == 90.5
    assert cuts(90.0, sessions) == 1
    assert cuts(split.test_from, sessions) == 0


def test_a_session_without_end_is_cut_where_nothing_else_is() -> None:
    sessions = [[float(time) for time in range(101)]]
    split = split_by_time(*log_of(sessions))
    assert split == Split(81.0, 90.0)
    assert cut_session_count(split.test_from, *log_of(sessions)) == 1


times = st.integers(0, 2_000).map(float)
logs = st.lists(st.lists(times, min_size=1, max_size=6), min_size=1, max_size=30).filter(
    lambda sessions: len({time for session in sessions for time in session}) > 1
)


@given(logs)
def test_boundaries_ascend_and_cut_as_few_sessions_as_a_start_allows(
    sessions: list[Session],
) -> None:
    split = split_by_time(*log_of(sessions))
    every = [time for session in sessions for time in session]
    assert min(every) <= split.rank_from <= split.test_from <= max(every)
    begin = max(every) - (max(every) - min(every)) * 0.1
    expected = fewest_cuts(begin, max(every), sessions)
    assert split.test_from == (begin if expected is None else expected)
    begin = split.test_from - (split.test_from - min(every)) * 0.1
    expected = fewest_cuts(begin, split.test_from, sessions)
    assert split.rank_from == (begin if expected is None else expected)


@given(logs, times)
def test_cut_sessions_are_counted(sessions: list[Session], boundary: float) -> None:
    assert cut_session_count(boundary, *log_of(sessions)) == cuts(boundary, sessions)


def test_an_empty_log_has_a_split_and_cuts_nothing() -> None:
    empty = np.zeros(0), np.zeros(0, dtype=np.int64)
    assert split_by_time(*empty) == Split(0.0, 0.0)
    assert split_by_time(*empty, test_days=3.0) == Split(0.0, 0.0)
    assert cut_session_count(5.0, *empty) == 0


def test_a_log_of_one_moment_is_all_for_training() -> None:
    split = split_by_time(*log_of([[7.0, 7.0], [7.0]]))
    assert 7.0 < split.rank_from == split.test_from


@pytest.mark.parametrize("test_days", [0.0, -1.0, float("nan")])
def test_a_test_part_without_length_is_refused(test_days: float) -> None:
    expected = f"^test_days: expected more than 0, received {test_days}$"
    with pytest.raises(ConfigError, match=expected):
        split_by_time(*log_of([[0.0], [DAY]]), test_days=test_days)


@pytest.mark.parametrize("test_days", [2.5, 4.0, float("inf")])
def test_a_test_part_of_the_whole_log_is_refused(test_days: float) -> None:
    expected = f"test_days: expected less than the 2.5 days of the log, received {test_days}"
    with pytest.raises(ConfigError, match=re.escape(expected)):
        split_by_time(*log_of([[9 * DAY], [11.5 * DAY]]), test_days=test_days)
