"""Protobuf messages to requests and records, and back.

``read_…`` converts a message to our own type, ``write_…`` converts our own type to a message.
Values are checked in ``validation``; here only what our types cannot represent is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from data.errors import RequestError
from data.records import RECORDABLE_TYPES, Event, EventType, Item
from protos import catalog_pb2, discovery_pb2, events_pb2
from serving.api.answers import (
    Answer,
    EmptyReason,
    PolicyStep,
    Relaxation,
    RelaxationKind,
    Segment,
)
from serving.api.filter_codec import (
    read_facet,
    read_facet_requests,
    read_filter,
    read_order,
    write_facet,
    write_facet_requests,
    write_filter,
)
from serving.api.offers.offer_codec import read_offer_result, write_offer_result
from serving.api.page_tokens import OFFSET_LIMIT, PageStart, page_start, page_token
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.api.result_bytes import results_bytes
from serving.api.result_codec import add_result, read_result
from serving.api.result_columns import ResultColumns
from serving.api.understood_codec import add_understood, read_understood


def read_search(message: Any) -> SearchRequest:
    """A ``SearchItemsRequest`` as the engine's request; ``page_size`` 0 stays 0."""
    start = page_start(message, message.page_token)
    return SearchRequest(
        query=message.query,
        visitor_id=message.visitor_id,
        page_size=message.page_size,
        offset=start.offset,
        filter=read_filter(message),
        explain=message.explain,
        predict_actions=message.predict_actions,
        group_by=message.group_by,
        record=message.record if message.HasField("record") else True,
        is_literal=message.literal,
        sort_by=read_order(message.sort_by),
        facets=read_facet_requests(message),
        order_key=start.order_key,
    )


def write_search(request: SearchRequest) -> Any:
    """A ``SearchItemsRequest``."""
    message = discovery_pb2.SearchItemsRequest(
        query=request.query,
        visitor_id=request.visitor_id,
        page_size=request.page_size,
        filter=write_filter(request.filter),
        explain=request.explain,
        predict_actions=request.predict_actions,
        group_by=request.group_by,
        record=request.record,
        literal=request.is_literal,
        sort_by=int(request.sort_by),  # type: ignore[arg-type]
        facets=write_facet_requests(request.facets),
    )
    if request.offset:
        message.page_token = page_token(message, PageStart(request.offset, request.order_key))
    return message


def read_recommend(message: Any) -> RecommendRequest:
    """A ``RecommendItemsRequest`` as the engine's request; ``page_size`` 0 stays 0."""
    try:
        placement = Placement(message.placement)
    except ValueError as error:
        names = ", ".join(known.name for known in Placement if known)
        raise RequestError("placement", f"one of {names}", message.placement) from error
    start = page_start(message, message.page_token)
    return RecommendRequest(
        placement=placement,
        visitor_id=message.visitor_id,
        item_ids=tuple(message.item_ids),
        page_size=message.page_size,
        offset=start.offset,
        filter=read_filter(message),
        explain=message.explain,
        predict_actions=message.predict_actions,
        group_by=message.group_by,
        sort_by=read_order(message.sort_by),
        facets=read_facet_requests(message),
        order_key=start.order_key,
    )


def write_recommend(request: RecommendRequest) -> Any:
    """A ``RecommendItemsRequest``."""
    message = discovery_pb2.RecommendItemsRequest(
        placement=int(request.placement),  # type: ignore[arg-type]
        visitor_id=request.visitor_id,
        item_ids=request.item_ids,
        page_size=request.page_size,
        filter=write_filter(request.filter),
        explain=request.explain,
        predict_actions=request.predict_actions,
        group_by=request.group_by,
        sort_by=int(request.sort_by),  # type: ignore[arg-type]
        facets=write_facet_requests(request.facets),
    )
    if request.offset:
        message.page_token = page_token(message, PageStart(request.offset, request.order_key))
    return message


def read_answer(message: Any, request: Any) -> Answer:
    """A search or recommend response as an answer; ``request`` is the message it responds to."""
    is_search = isinstance(request, discovery_pb2.SearchItemsRequest)
    token = message.next_page_token
    start = page_start(request, token)
    return Answer(
        results=tuple(read_result(result) for result in message.results),
        attribution_token=message.attribution_token,
        bundle_id=message.bundle_id,
        next_offset=start.offset if token else None,
        missing=tuple(message.missing),
        facets=tuple(read_facet(facet) for facet in message.facets),
        match_count=message.match_count if message.HasField("match_count") else None,
        relaxations=tuple(
            Relaxation(RelaxationKind(one.kind), one.text)
            for one in getattr(message, "relaxations", ())
        ),
        empty_reason=EmptyReason(message.empty_reason),
        redirect_uri=message.redirect_uri,
        rules=tuple(message.rules),
        rules_version=message.rules_version,
        session_event_count=message.session_event_count,
        order_key=start.order_key,
        is_order_expired=message.order_expired,
        is_match_count_lower_bound=message.match_count_is_lower_bound,
        relevant_count=(
            message.relevant_count if is_search and message.HasField("relevant_count") else None
        ),
        understood=tuple(map(read_understood, getattr(message, "understood", ()))),
        segment=Segment(message.segment),
        policy_steps=tuple(PolicyStep(one.name, one.moved_count) for one in message.policy_steps),
        services=tuple(map(read_offer_result, getattr(message, "services", ()))),
        interleaved_bundle_id=message.interleaved_bundle_id,
        group_by=message.group_by,
        group_count=message.group_count if message.HasField("group_count") else None,
    )


def write_answer(answer: Answer, request: Any) -> bytes:
    """The bytes of the response to the search or recommend message ``request``."""
    is_search = isinstance(request, discovery_pb2.SearchItemsRequest)
    kind = "SearchItemsResponse" if is_search else "RecommendItemsResponse"
    start = PageStart(answer.next_offset or 0, answer.order_key)
    has_next = 0 < start.offset <= OFFSET_LIMIT
    message = getattr(discovery_pb2, kind)(
        attribution_token=answer.attribution_token,
        bundle_id=answer.bundle_id,
        next_page_token=page_token(request, start) if has_next else "",
        match_count=answer.match_count,
        empty_reason=int(answer.empty_reason),
        redirect_uri=answer.redirect_uri,
        rules_version=answer.rules_version,
        session_event_count=answer.session_event_count,
        order_expired=answer.is_order_expired,
        match_count_is_lower_bound=answer.is_match_count_lower_bound,
        segment=int(answer.segment),
        interleaved_bundle_id=answer.interleaved_bundle_id,
        group_by=answer.group_by,
        group_count=answer.group_count,
    )
    # Of most answers all of these are empty.
    if answer.missing:
        message.missing.extend(answer.missing)
    if answer.rules:
        message.rules.extend(answer.rules)
    for facet in answer.facets:
        message.facets.append(write_facet(facet))
    for step in answer.policy_steps:
        message.policy_steps.add(name=step.name, moved_count=step.moved_count)
    # A browse page has no query to relax or to understand, nor to be relevant to.
    if is_search:
        if answer.relevant_count is not None:
            message.relevant_count = answer.relevant_count
        for one in answer.relaxations:
            message.relaxations.add(kind=int(one.kind), text=one.text)
        for part in answer.understood:
            add_understood(message.understood, part)
    else:
        for service in answer.services:
            message.services.append(write_offer_result(service))
    if isinstance(answer.results, ResultColumns):
        return bytes(message.SerializeToString() + results_bytes(answer.results))
    for result in answer.results:
        add_result(message.results, result)
    return bytes(message.SerializeToString())


def read_event(message: Any, prefix: str, *, now: float, new_id: Callable[[], str]) -> Event:
    """An ``Event`` message as a record, with id, time and quantity filled in where they are left out.

    Args:
        message: The event.
        prefix: Prepended to field names in errors: ``events[3].``.
        now: Time of an event without one, seconds since 1970.
        new_id: Generates the id of an event without one.

    Raises:
        RequestError: The type or the time is not valid.
    """
    try:
        type_ = EventType(message.type)
    except ValueError as error:
        names = ", ".join(known.label for known in RECORDABLE_TYPES)
        raise RequestError(f"{prefix}type", f"one of {names}", message.type) from error
    has_time = message.HasField("time")
    return Event(
        event_id=message.event_id or new_id(),
        type=type_,
        visitor_id=message.visitor_id,
        time=_read_time(message.time, f"{prefix}time") if has_time else now,
        item_id=message.item_id,
        query=message.query,
        session_id=message.session_id,
        quantity=message.quantity or 1,
        price=message.price if message.HasField("price") else None,
        rating=message.rating if message.HasField("rating") else None,
        text=message.text,
        surface=message.surface,
        attribution_token=message.attribution_token,
        dwell_seconds=message.dwell_seconds if message.HasField("dwell_seconds") else None,
        offer_id=message.offer_id,
    )


def write_event(event: Event) -> Any:
    """An ``Event`` message."""
    return events_pb2.Event(
        event_id=event.event_id,
        type=int(event.type),  # type: ignore[arg-type]
        visitor_id=event.visitor_id,
        time=_write_time(event.time),
        item_id=event.item_id,
        query=event.query,
        session_id=event.session_id,
        quantity=event.quantity,
        price=event.price,
        rating=event.rating,
        text=event.text,
        surface=event.surface,
        attribution_token=event.attribution_token,
        dwell_seconds=event.dwell_seconds,
        offer_id=event.offer_id,
    )


def read_item(message: Any, prefix: str) -> Item:
    """An ``Item`` message as a record; ``prefix`` precedes field names in errors: ``items[3].``."""
    created_time: datetime | None = None
    if message.HasField("created_time"):
        seconds = _read_time(message.created_time, f"{prefix}created_time")
        try:
            created_time = datetime.fromtimestamp(seconds, tz=UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise RequestError(f"{prefix}created_time", "a year of 1 to 9999", seconds) from error
    return Item(
        item_id=message.item_id,
        title=message.title,
        description=message.description,
        category=tuple(message.category),
        brand=message.brand,
        price=message.price if message.HasField("price") else None,
        currency=message.currency,
        in_stock=message.in_stock if message.HasField("in_stock") else True,
        attributes=dict(message.attributes),
        image=message.image,
        audio=message.audio,
        created_time=created_time,
    )


def write_item(item: Item) -> Any:
    """An ``Item`` message."""
    created = item.created_time
    return catalog_pb2.Item(
        item_id=item.item_id,
        title=item.title,
        description=item.description,
        category=item.category,
        brand=item.brand,
        price=item.price,
        currency=item.currency,
        in_stock=item.in_stock,
        attributes=item.attributes,
        image=item.image,
        audio=item.audio,
        created_time=_write_time(created.timestamp()) if created else None,
    )


def _read_time(message: Any, field: str) -> float:
    if not 0 <= message.nanos < 1_000_000_000:
        raise RequestError(f"{field}.nanos", "0 to 999,999,999", message.nanos)
    return float(message.seconds + message.nanos / 1e9)


def _write_time(seconds: float) -> Any:
    if not math.isfinite(seconds):
        raise RequestError("time", "a finite number of seconds", seconds)
    whole = math.floor(seconds)
    # Rounding can give 10^9 nanoseconds, which a Timestamp needs carried into its seconds.
    carried, nanos = divmod(round((seconds - whole) * 1e9), 1_000_000_000)
    return Timestamp(seconds=whole + carried, nanos=nanos)
