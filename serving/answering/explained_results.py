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

    def told(
        result: Result,
        by_event: tuple[EventEffect, ...] = (),
        by_feature: tuple[FeatureEffect, ...] = (),
    ) -> Result:
        reason = reason_of(
            result,
            by_event,
            query=rank_request.text,
            is_anonymous=is_anonymous,
            title_of=lambda item_id: _title_of(catalog, item_id),
        )
        return replace(
            result,
            event_effects=by_event,
            feature_effects=by_feature,
            reason=reason,
            modalities=_modalities(bundle, result.item_id),
        )

    positions = shortlist.positions_of(rows)
    listed = positions[positions >= 0]
    if not len(listed):
        return tuple(map(told, results))
    events = session.events[-_EXPLAINED_EVENT_COUNT:]
    begin = len(session.events) - len(events)
    numbers = range(begin, len(session.events))
    by_event = event_effects(bundle.ranker, shortlist, listed, numbers)
    by_feature = feature_effects(bundle.ranker, shortlist, listed, bundle.feature_means)
    strongest = np.argsort(-np.abs(by_feature), axis=1)[:, :_EXPLAINED_FEATURE_COUNT]
    values = np.take_along_axis(shortlist.features_at(listed), strongest, axis=1).tolist()
    amounts = np.take_along_axis(by_feature, strongest, axis=1).tolist()
    orders = np.argsort(-np.abs(by_event), axis=1, kind="stable").tolist()
    labels = [event.type.label for event in events]
    place_of = dict(zip(np.flatnonzero(positions >= 0).tolist(), range(len(listed)), strict=True))
    explained = []
    for number, result in enumerate(results):
        place = place_of.get(number)
        if place is None:
            explained.append(told(result))
            continue
        effects = by_event[place].tolist()
        of_events = tuple(
            EventEffect(labels[one], events[one].item_id, events[one].query, effects[one])
            for one in orders[place]
        )
        named = (FEATURE_NAMES[column] for column in strongest[place].tolist())
        told_features = map(FeatureEffect, named, values[place], amounts[place])
        of_features = tuple(one for one in told_features if one.effect)
        explained.append(told(result, of_events, of_features))
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
