"""Sign test of paired preferences, and the interval of a share.

As ``scipy.stats.binomtest`` has them, which a server is installed without; a test compares the two.
"""

from __future__ import annotations

import math

import numpy as np

_QUANTILE = 1.959963984540054
"""Of the standard normal distribution at 0.975."""


def sign_test(wins: int, losses: int) -> float:
    """The two-sided p-value of as uneven a result, were either as likely; exact, ties left out.

    1 without any wins and losses.
    """
    count, fewer = wins + losses, min(wins, losses)
    if 2 * fewer == count:
        return 1.0
    numbers = np.arange(fewer, dtype=np.float64)
    # Logarithms of the binomial coefficients, each from the one before.
    logs = np.concatenate([[0.0], np.cumsum(np.log((count - numbers) / (numbers + 1)))])
    return float(min(1.0, 2 * np.exp(logs - count * math.log(2)).sum()))


def share_interval(wins: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of which ``wins`` of ``count`` were seen (Wilson 1927).

    0 and 1 where ``count`` is 0.
    """
    if not count:
        return 0.0, 1.0
    share, square = wins / count, _QUANTILE**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    spread = share * (1 - share) / count + square / (4 * count**2)
    half = _QUANTILE * math.sqrt(spread) / (1 + square / count)
    return max(0.0, middle - half), min(1.0, middle + half)
