"""The results of a page with the effects of session events and features on their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from serving.answering.reasons import Shown, reason_of
from serving.api.answers import EventEffect, FeatureEffect, ModalityShare, Result
from serving.api.result_columns import Effects, ResultColumns
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

    Effects are computed here; a result is made of them only where somebody reads it.

    Args:
        shortlist: The ranked request, in whose context the model scored the items.
        rows: ``[results] int64``.
    """
    rank_request, session = shortlist.encoded.rank_request, shortlist.encoded.rank_request.session
    positions = shortlist.positions_of(rows)
    listed = positions[positions >= 0]
    events = session.events[-_EXPLAINED_EVENT_COUNT:]
    effects = _Effects([], [])
    if len(listed):
        begin = len(session.events) - len(events)
        numbers = range(begin, len(session.events))
        by_event = event_effects(bundle.ranker, shortlist, listed, numbers)
        by_feature = feature_effects(bundle.ranker, shortlist, listed, bundle.feature_means)
        effects = _Effects.of(by_event, shortlist.features_at(listed), by_feature)
    place_of = dict(zip(np.flatnonzero(positions >= 0).tolist(), range(len(listed)), strict=True))
    told_events = [(event.type.label, event.item_id, event.query) for event in events]
    title_of = partial(_title_of, bundle.catalog)
    is_anonymous = not (session.events or session.bought)

    def told(number: int, shown: Result | Shown) -> Effects:
        of_events: tuple[EventEffect, ...] = ()
        of_features: tuple[FeatureEffect, ...] = ()
        place = place_of.get(number)
        if place is not None:
            of_events = tuple(
                [EventEffect(*told_events[one], effect) for one, effect in effects.events[place]]
            )
            of_features = tuple([FeatureEffect(*one) for one in effects.features[place]])
        reason = reason_of(
            shown,
            of_events,
            query=rank_request.text,
            is_anonymous=is_anonymous,
            title_of=title_of,
        )
        return Effects(of_events, of_features, reason, _modalities(bundle, shown.item_id))

    if isinstance(results, ResultColumns):
        plain = results

        def effects_at(number: int) -> Effects:
            card = plain.cards[number]
            return told(number, Shown(card.item_id, card.title, plain.hits(number)))

        return replace(plain, effects=effects_at)
    return tuple(
        replace(result, **told(number, result)._asdict()) for number, result in enumerate(results)
    )


class _Effects(NamedTuple):
    """The effects on some results, the strongest first.

    Args:
        events: By result: the event's number, and its effect.
        features: By result: the feature's name, its value, and its effect.
    """

    events: list[list[tuple[int, float]]]
    features: list[list[tuple[str, float, float]]]

    @classmethod
    def of(cls, by_event: np.ndarray, values: np.ndarray, by_feature: np.ndarray) -> _Effects:
        """Of ``by_event [n, events]``, and ``values`` and ``by_feature [n, features]``."""
        order = np.argsort(-np.abs(by_event), axis=1, kind="stable")
        amounts = np.take_along_axis(by_event, order, axis=1).tolist()
        of_events = zip(order.tolist(), amounts, strict=True)
        strongest = np.argsort(-np.abs(by_feature), axis=1)[:, :_EXPLAINED_FEATURE_COUNT]
        of_features = zip(
            strongest.tolist(),
            np.take_along_axis(values, strongest, axis=1).tolist(),
            np.take_along_axis(by_feature, strongest, axis=1).tolist(),
            strict=True,
        )
        return cls(
            [[*zip(*columns, strict=True)] for columns in of_events],
            [
                [
                    (FEATURE_NAMES[column], value, effect)
                    for column, value, effect in zip(*columns, strict=True)
                    if effect
                ]
                for columns in of_features
            ],
        )


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
