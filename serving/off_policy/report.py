"""The estimates of what a bundle and policy are worth, from the log of a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from serving.answering.rules import Rules, read_rules
from serving.off_policy.estimators import LoggedChoices, effective_sample_size, estimates
from serving.off_policy.logged_slots import read_slots
from serving.off_policy.replay import chosen_items
from towers.bundle.bundle import load_bundle


def off_policy_report(
    bundle_path: Path,
    state: Path,
    rules_path: Path | None,
    *,
    seed: int,
    progress: Callable[[int], object],
) -> dict[str, Any]:
    """Estimates of clicks and purchases per answer in the slot that was up to chance.

    Only that slot has support: nothing is told of the rest of the page.

    Args:
        state: State folder of the server whose policy explored; it may be in use.
        rules_path: Rules and policy to judge; None: none.

    Returns:
        ``slot_count``, ``drawn_count`` of slots with a drawn item, ``matched_count`` of those in which
        both policies agree, ``effective_sample_size``, and the estimates of ``click`` and
        ``purchase`` by name, as ``estimators.estimates`` gives them.

    Raises:
        BundleError: The bundle is damaged.
        ConfigError: The rules are not valid.
        InputError: The log cannot be read, or holds no propensities.
    """
    slots = read_slots(state)
    rules = Rules() if rules_path is None else read_rules(rules_path)
    bundle = load_bundle(bundle_path)
    chosen = chosen_items(bundle, rules, state, progress)
    report: dict[str, Any] = {"bundle_id": bundle.manifest.bundle_id, "slot_count": len(slots)}
    for name, rewards in (
        ("click", [slot.is_clicked for slot in slots]),
        ("purchase", [slot.is_bought for slot in slots]),
    ):
        choices = LoggedChoices(
            [slot.visitor_id for slot in slots],
            [slot.item_id for slot in slots],
            [chosen[slot.token] for slot in slots],
            np.array([slot.propensity for slot in slots]),
            np.array(rewards, np.float64),
        )
        weights = choices.weights
        # An exploring policy leaves the slot as it is far more often than it draws any one item.
        report["drawn_count"] = int(np.count_nonzero(choices.propensities < 0.5))
        report["matched_count"] = int(np.count_nonzero(weights))
        report["effective_sample_size"] = effective_sample_size(weights)
        report[name] = estimates(choices, seed=seed)
    return report
