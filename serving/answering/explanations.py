"""The results of a page with what moved each of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from serving.answering.paging import Page
from serving.api.answers import EventEffect, FeatureEffect, Result
from towers.bundle.bundle import Bundle
from towers.ranking.explanations import event_effects, feature_effects
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.shortlist import Shortlist

_EXPLAINED_EVENT_COUNT = 8
_EXPLAINED_FEATURE_COUNT = 5


def explained(
    bundle: Bundle, shortlist: Shortlist, page: Page, results: list[Result]
) -> list[Result]:
    """The results with what moved each; those beyond the shortlist have nothing to tell."""
    count = int(page.places.max(initial=-1)) + 1
    if not count:
        return results
    events = shortlist.encoded.rank_request.session.events
    positions = range(max(0, len(events) - _EXPLAINED_EVENT_COUNT), len(events))
    by_event = event_effects(bundle.ranker, shortlist, count, positions)
    by_feature = feature_effects(bundle.ranker, shortlist, count, bundle.feature_means)
    explained = []
    for result, place in zip(results, page.places.tolist(), strict=True):
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
            for position, effect in zip(positions, by_event[place], strict=True)
        ]
        strongest = np.argsort(-np.abs(by_feature[place]))[:_EXPLAINED_FEATURE_COUNT]
        weighed = [
            FeatureEffect(
                FEATURE_NAMES[column],
                float(shortlist.features[place, column]),
                float(by_feature[place, column]),
            )
            for column in strongest
        ]
        told.sort(key=lambda effect: -abs(effect.effect))
        explained.append(replace(result, event_effects=tuple(told), feature_effects=tuple(weighed)))
    return explained
