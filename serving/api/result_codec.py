"""Results to and from protobuf messages."""

from __future__ import annotations

from typing import Any

from data.records import EventType
from serving.api.answers import (
    ActionProbability,
    EventEffect,
    FeatureEffect,
    ModalityShare,
    Result,
    ScorePart,
    SourceHit,
)
from serving.api.result_columns import Effects


def read_result(message: Any) -> Result:
    """A ``Result`` message as a result."""
    return Result(
        item_id=message.item_id,
        title=message.title,
        category=tuple(message.category),
        brand=message.brand,
        price=message.price if message.HasField("price") else None,
        in_stock=message.in_stock,
        score=message.score,
        sources=tuple(SourceHit(hit.source, hit.rank) for hit in message.sources),
        purchase_probability=(
            message.purchase_probability if message.HasField("purchase_probability") else None
        ),
        event_effects=tuple(
            EventEffect(EventType(part.event_type).label, part.item_id, part.query, part.effect)
            for part in message.event_effects
        ),
        feature_effects=tuple(
            FeatureEffect(part.feature, part.value, part.effect) for part in message.feature_effects
        ),
        rules=tuple(message.rules),
        model_score=message.model_score,
        adjustments=tuple(ScorePart(part.name, part.amount) for part in message.adjustments),
        merchandising=tuple(ScorePart(part.name, part.amount) for part in message.merchandising),
        reason=message.reason,
        actions=tuple(ActionProbability(one.action, one.probability) for one in message.actions),
        offer_id=message.offer_id,
        earlier_price=message.earlier_price if message.HasField("earlier_price") else None,
        modalities=tuple(ModalityShare(one.name, one.share) for one in message.modalities),
        predicted_attributes=tuple(message.predicted_attributes),
        variant_count=message.variant_count,
        variant_ids=tuple(message.variant_ids),
    )


def add_result(results: Any, result: Result) -> None:
    """Adds a result to the ``results`` of a message."""
    # Build submessages in place: passing them to a message constructor would copy them.
    message = results.add(
        item_id=result.item_id,
        title=result.title,
        category=result.category,
        brand=result.brand,
        price=result.price,
        in_stock=result.in_stock,
        score=result.score,
        purchase_probability=result.purchase_probability,
        rules=result.rules,
        model_score=result.model_score,
        offer_id=result.offer_id,
        earlier_price=result.earlier_price,
        predicted_attributes=result.predicted_attributes,
        variant_count=result.variant_count,
        variant_ids=result.variant_ids,
    )
    for column, parts in (
        (message.adjustments, result.adjustments),
        (message.merchandising, result.merchandising),
    ):
        for one in parts:
            column.add(name=one.name, amount=one.amount)
    add_effects(message, result)
    for hit in result.sources:
        message.sources.add(source=hit.source, rank=hit.rank)
    for action in result.actions:
        message.actions.add(action=action.action, probability=action.probability)


def add_effects(message: Any, effects: Result | Effects) -> None:
    """Adds to a ``Result`` message why the result is where it is."""
    message.reason = effects.reason
    for modality in effects.modalities:
        message.modalities.add(name=modality.name, share=modality.share)
    for event in effects.event_effects:
        message.event_effects.add(
            event_type=int(EventType[event.event_type.upper()]),
            item_id=event.item_id,
            query=event.query,
            effect=event.effect,
        )
    for part in effects.feature_effects:
        message.feature_effects.add(feature=part.feature, value=part.value, effect=part.effect)
