"""The results of a page with the effects of session events and features on their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from serving.answering.reasons import reason_of
from serving.api.answers import EventEffect, FeatureEffect, ModalityShare, Result
from towers.bundle.bundle import Bundle
from towers.catalog.items import Catalog
from towers.modalities.modality_list import WORDS
from towers.ranking.explanations import event_effects, feature_effects
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.shortlist import Shortlist

_EXPLAINED_EVENT_COUNT = 8
_EXPLAINED_FEATURE_COUNT = 5


def explained(
    bundle: Bundle, shortlist: Shortlist, rows: np.ndarray, results: Sequence[Result]
) -> Sequence[Result]:
    """The results with their strongest effects and a reason; those beyond the shortlist without effects.

    Args:
        shortlist: The ranked request, in whose context the model scored the items.
        rows: ``[results] int64``.
    """
    rank_request, catalog = shortlist.encoded.rank_request, bundle.catalog
    session = rank_request.session
    is_anonymous = not (session.events or session.bought)

    def with_reason(result: Result) -> Result:
        reason = reason_of(
            result,
            query=rank_request.text,
            is_anonymous=is_anonymous,
            title_of=lambda item_id: _title_of(catalog, item_id),
        )
        return replace(result, reason=reason, modalities=_modalities(bundle, result.item_id))

    positions = shortlist.positions_of(rows)
    listed = positions[positions >= 0]
    if not len(listed):
        return tuple(map(with_reason, results))
    events = session.events
    event_numbers = range(max(0, len(events) - _EXPLAINED_EVENT_COUNT), len(events))
    by_event = iter(event_effects(bundle.ranker, shortlist, listed, event_numbers))
    by_feature = iter(feature_effects(bundle.ranker, shortlist, listed, bundle.feature_means))
    explained = []
    features = shortlist.features
    for result, position in zip(results, positions.tolist(), strict=True):
        if position < 0:
            explained.append(with_reason(result))
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
            with_reason(
                replace(
                    result,
                    event_effects=tuple(event_effects_of_item),
                    feature_effects=tuple(strongest_effects),
                )
            )
        )
    return tuple(explained)


def _modalities(bundle: Bundle, item_id: str) -> tuple[ModalityShare, ...]:
    """The shares of words, picture and sound in an item's vector; none where it has words alone."""
    row = bundle.catalog.row_of.get(item_id, -1)
    if row < 0:
        return ()
    weights = {name: one.weight_of(row) for name, one in bundle.modalities.items()}
    shares = [ModalityShare(name, weight) for name, weight in weights.items() if weight]
    return (ModalityShare(WORDS, 1 - sum(weights.values())), *shares) if shares else ()


def _title_of(catalog: Catalog, item_id: str) -> str:
    row = catalog.row_of.get(item_id, -1)
    return "" if row < 0 else catalog.titles[row]
