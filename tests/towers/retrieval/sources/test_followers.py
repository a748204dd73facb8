"""Follow shares: which items follow which in past sessions."""

from __future__ import annotations

from collections import Counter

import numpy as np

from towers.retrieval.sources.cooccurrence import Cooccurrence
from towers.sessions.session_log import SessionLog


def test_follow_shares_count_later_positions_of_a_session_by_one_over_the_distance() -> None:
    rng = np.random.default_rng(2)
    sessions = [list(dict.fromkeys(rng.integers(0, 9, 7).tolist())) for _ in range(60)]
    numbers = np.repeat(np.arange(60), [len(session) for session in sessions])
    log = SessionLog.of(numbers, np.concatenate([np.array(session) for session in sessions]))
    cooccurrence = Cooccurrence.of(log, 9)
    counts: Counter[tuple[int, int]] = Counter()
    for session in sessions:
        for position, item in enumerate(session):
            for distance, later in enumerate(session[position + 1 : position + 5], start=1):
                counts[item, later] += 1 / distance  # type: ignore[assignment]
    held = Counter(item for session in sessions for item in session)
    for item in range(9):
        rows, shares = cooccurrence.followers(np.array([item]), np.ones(1, np.float32))
        expected = [counts[item, other] / (held[item] + 5) for other in rows.tolist()]
        assert len(expected) == 8
        np.testing.assert_allclose(shares, expected, rtol=1e-5)
