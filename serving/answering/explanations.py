"""The results of a page with what moved each of them."""

from __future__ import annotations

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
    bundle: Bundle, shortlist: Shortlist, rows: np.ndarray, results: list[Result]
) -> list[Result]:
    """The results with what moved each; those beyond the shortlist have nothing to tell.

    Args:
        shortlist: As the request was ranked, in whose context the model scored the items.
        rows: ``[results] int64``.
    """
    places = shortlist.places_of(rows)
    listed = places[places >= 0]
    if not len(listed):
        return results
    events = shortlist.encoded.rank_request.session.events
    positions = range(max(0, len(events) - _EXPLAINED_EVENT_COUNT), len(events))
    by_event = iter(event_effects(bundle.ranker, shortlist, listed, positions))
    by_feature = iter(feature_effects(bundle.ranker, shortlist, listed, bundle.feature_means))
    explained = []
    for result, place in zip(results, places.tolist(), strict=True):
        if place < 0:
            explained.append(result)
            continue
        told = [
            EventEffect(
                events[position].type.label,
                events[position].item_id,
                events[position].query,
                float(effect),
            )
            for position, effect in zip(positions, next(by_event), strict=True)
        ]
        effects = next(by_feature)
        strongest = np.argsort(-np.abs(effects))[:_EXPLAINED_FEATURE_COUNT]
        weighed = [
            FeatureEffect(
                FEATURE_NAMES[column],
                float(shortlist.features[place, column]),
                float(effects[column]),
            )
            for column in strongest
        ]
        told.sort(key=lambda effect: -abs(effect.effect))
        explained.append(replace(result, event_effects=tuple(told), feature_effects=tuple(weighed)))
    return explained
