"""The sign test and the interval, against SciPy's."""

from __future__ import annotations

import pytest

from serving.interleaving.sign_test import share_interval, sign_test


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (5, 5), (12, 3), (40, 61), (0, 9)])
def test_p_value_and_interval_are_scipys(wins: int, losses: int) -> None:
    from scipy.stats import binomtest

    count = wins + losses
    if not count:
        assert sign_test(0, 0) == 1.0 and share_interval(0, 0) == (0.0, 1.0)
        return
    told = binomtest(wins, count, 0.5)
    assert sign_test(wins, losses) == pytest.approx(told.pvalue, abs=1e-12)
    expected = told.proportion_ci(0.95, method="wilson")
    assert share_interval(wins, count) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_large_count_neither_overflows_nor_takes_long() -> None:
    # 501,500 of a million: three standard deviations of 500.
    assert sign_test(501_500, 498_500) == pytest.approx(0.0027, abs=2e-5)
