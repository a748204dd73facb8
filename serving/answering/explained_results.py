"""The results of a page with the effects of session events and features on their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from serving.api.answers import EventEffect, FeatureEffect, Result
from towers.bundle.bundle import Bundle
from towers.ranking.explanations import event_effects, feature_effects
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.shortlist import Shortlist

_EXPLAINED_EVENT_COUNT = 8
_EXPLAINED_FEATURE_COUNT = 5


def explained(
    bundle: Bundle, shortlist: Shortlist, rows: np.ndarray, results: Sequence[Result]
) -> Sequence[Result]:
    """The results with their strongest effects; results beyond the shortlist get none.

    Args:
        shortlist: The ranked request, in whose context the model scored the items.
        rows: ``[results] int64``.
    """
    positions = shortlist.positions_of(rows)
    listed = positions[positions >= 0]
    if not len(listed):
        return results
    events = shortlist.encoded.rank_request.session.events
    event_numbers = range(max(0, len(events) - _EXPLAINED_EVENT_COUNT), len(events))
    by_event = iter(event_effects(bundle.ranker, shortlist, listed, event_numbers))
    by_feature = iter(feature_effects(bundle.ranker, shortlist, listed, bundle.feature_means))
    explained = []
    features = shortlist.features
    for result, position in zip(results, positions.tolist(), strict=True):
        if position < 0:
            explained.append(result)
            continue
        event_effects_of_item = [
            EventEffect(
                events[event_number].type.label,
                events[event_number].item_id,
                events[event_number].query,
                float(effect),
            )
            for event_number, effect in zip(event_numbers, next(by_event), strict=True)
        ]
        effects = next(by_feature)
        strongest = np.argsort(-np.abs(effects))[:_EXPLAINED_FEATURE_COUNT]
        strongest_effects = [
            FeatureEffect(
                FEATURE_NAMES[column],
                float(features[position, column]),
                float(effects[column]),
            )
            for column in strongest
        ]
        event_effects_of_item.sort(key=lambda effect: -abs(effect.effect))
        explained.append(
            replace(
                result,
                event_effects=tuple(event_effects_of_item),
                feature_effects=tuple(strongest_effects),
            )
        )
    return tuple(explained)
