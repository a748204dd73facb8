"""IPS, SNIPS and doubly robust estimates of what a policy is worth, with intervals.

Of answers logged with the propensity of what was shown in one slot, what would another policy's choice
for that slot be worth? Assumed is that the propensities are those of the draws; that an answer's choice
changes neither later answers nor what other slots are worth; and support: where the logging policy could
never show the other policy's choice, IPS counts nothing, SNIPS takes the rest for typical, and the doubly
robust estimate trusts its model. ``support`` tells the share that is not so.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 1_000
_PRIOR_COUNT = 20.0
"""Showings of an item after which its own rate weighs as much as the rate of all."""


@dataclass(frozen=True)
class LoggedChoices:
    """What was shown and what another policy would show, an entry for each answer.

    Args:
        visitors: ``[n]`` whom the answers were for; answers to one are not independent. An empty id is a
            visitor of its own.
        shown, chosen: ``[n]`` item ids; empty in ``chosen`` where the other policy shows nothing there.
        propensities: ``[n] float64`` of what was shown, above 0.
        rewards: ``[n] float64``.
    """

    visitors: Sequence[str]
    shown: Sequence[str]
    chosen: Sequence[str]
    propensities: np.ndarray
    rewards: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """``[n] float64`` importance weights: 1 ÷ propensity where both policies agree, else 0."""
        is_same = np.array([a == b for a, b in zip(self.shown, self.chosen, strict=True)], bool)
        return np.where(is_same, 1.0 / self.propensities, 0.0)


def estimates(choices: LoggedChoices, *, seed: int) -> dict[str, dict[str, float]]:
    """Estimates of the mean reward, each with its 95 % interval.

    The intervals are percentiles of a bootstrap over visitors.

    Returns:
        By name, ``mean``, ``low`` and ``high``: ``logged``, the value of what was shown; ``matched``, the
        plain mean where both policies agree, which chance has not made alike and which is shown for
        comparison alone; ``ips`` (Horvitz and Thompson 1952); ``snips``, self-normalised (Swaminathan and
        Joachims 2015); ``dr``, doubly robust (Dudík et al. 2011) with the rates of items as the model,
        cross-fitted over two halves of the visitors; ``support``, the mean weight, 1 where the logging
        policy could show every choice.
    """
    weights, rewards = choices.weights, choices.rewards
    of_shown, of_chosen = _modelled(choices)
    matched = (weights > 0).astype(np.float64)
    ones = np.ones(len(rewards))
    ratios: Mapping[str, tuple[np.ndarray, np.ndarray]] = {
        "logged": (rewards, ones),
        "matched": (matched * rewards, matched),
        "ips": (weights * rewards, ones),
        "snips": (weights * rewards, weights),
        "dr": (of_chosen + weights * (rewards - of_shown), ones),
        "support": (weights, ones),
    }
    clusters = _clusters(choices.visitors)
    count = int(clusters.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(count, np.full(count, 1.0 / count), _RESAMPLES)
    found = {}
    for name, (above, below) in ratios.items():
        sums = np.bincount(clusters, above, count), np.bincount(clusters, below, count)
        drawn = _ratio(draws @ sums[0], draws @ sums[1])
        low, high = np.quantile(drawn, [0.025, 0.975])
        mean = float(_ratio(above.sum(), below.sum()))
        found[name] = {"mean": mean, "low": float(low), "high": float(high)}
    return found


def effective_sample_size(weights: np.ndarray) -> float:
    """How many answers without weights would tell as much (Kish 1965); 0 where no weight is above 0."""
    return float(_ratio(weights.sum() ** 2, (weights**2).sum()))


def _modelled(choices: LoggedChoices) -> tuple[np.ndarray, np.ndarray]:
    """Modelled rewards of what was shown and of what would be, ``[n] float64`` each.

    An item's mean reward, drawn to that of all, as the other half of the visitors has it.
    """
    half = np.array([zlib.crc32(one.encode()) % 2 for one in _names(choices.visitors)])
    of_shown, of_chosen = np.zeros(len(half)), np.zeros(len(half))
    for side in (0, 1):
        rate = _rates(choices, np.flatnonzero(half != side))
        for number in np.flatnonzero(half == side).tolist():
            shown, chosen = choices.shown[number], choices.chosen[number]
            of_shown[number] = rate(shown)
            of_chosen[number] = rate(chosen) if chosen else 0.0
    return of_shown, of_chosen


def _rates(choices: LoggedChoices, numbers: np.ndarray) -> Callable[[str], float]:
    """The mean reward of an item over some of the answers, drawn to that of all items."""
    rewards: dict[str, list[float]] = {}
    for number in numbers.tolist():
        rewards.setdefault(choices.shown[number], []).append(float(choices.rewards[number]))
    overall = float(choices.rewards[numbers].mean()) if len(numbers) else 0.0

    def rate(item_id: str) -> float:
        own = rewards.get(item_id, [])
        return (sum(own) + _PRIOR_COUNT * overall) / (len(own) + _PRIOR_COUNT)

    return rate


def _clusters(visitors: Sequence[str]) -> np.ndarray:
    """``[n] int64`` number of each answer's visitor, from 0."""
    return np.unique(np.array(_names(visitors)), return_inverse=True)[1].astype(np.int64)


def _names(visitors: Sequence[str]) -> list[str]:
    # A line break is in no id.
    return [one or f"\n{number}" for number, one in enumerate(visitors)]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotients, 0 where nothing is to be divided by."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)
