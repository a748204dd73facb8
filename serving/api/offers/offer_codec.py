"""Protobuf messages of offers to our own types, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from data.errors import RequestError
from data.offers.offer import KIND_BY_LABEL, Offer, OfferKind
from protos import offers_pb2
from serving.api.offers.offer_requests import OfferAnswer, OfferReport, OfferRequest, OfferResult
from towers.offers.offer_ranking import OfferOrder, Reason, ReasonKind


def read_offer(message: Any, prefix: str) -> Offer:
    """An ``Offer`` message as a record; ``prefix`` is prepended to field names in errors.

    Raises:
        RequestError: The kind or a time is not valid.
    """
    return Offer(
        message.offer_id,
        _kind(message.kind, f"{prefix}kind"),
        tuple(message.item_ids),
        tuple(tuple(one.path) for one in message.categories),
        _set(message, "percent_off"),
        _set(message, "amount_off"),
        message.audience,
        _seconds(message, "start_time", prefix),
        _seconds(message, "end_time", prefix),
        _set(message, "budget"),
        _set(message, "visitor_limit"),
        message.text,
    )


def write_offer(offer: Offer) -> Any:
    """An ``Offer`` message."""
    return offers_pb2.Offer(
        offer_id=offer.offer_id,
        kind=int(offer.kind),  # type: ignore[arg-type]
        item_ids=offer.item_ids,
        categories=[offers_pb2.OfferCategory(path=path) for path in offer.categories],
        percent_off=offer.percent_off,
        amount_off=offer.amount_off,
        audience=offer.audience,
        start_time=_timestamp(offer.start_time),
        end_time=_timestamp(offer.end_time),
        budget=offer.budget,
        visitor_limit=offer.visitor_limit,
        text=offer.text,
    )


def write_changes(offers: Sequence[Offer], deleted_ids: Sequence[str]) -> Any:
    """A ``BatchUpdateOffersRequest``."""
    return offers_pb2.BatchUpdateOffersRequest(
        offers=map(write_offer, offers), deleted_offer_ids=deleted_ids
    )


def write_report(report: OfferReport) -> Any:
    """A ``BatchUpdateOffersResponse``."""
    return offers_pb2.BatchUpdateOffersResponse(
        added_count=report.added_count,
        updated_count=report.updated_count,
        deleted_count=report.deleted_count,
    )


def read_report(message: Any) -> OfferReport:
    """A ``BatchUpdateOffersResponse`` as counts."""
    return OfferReport(message.added_count, message.updated_count, message.deleted_count)


def read_offer_request(message: Any) -> OfferRequest:
    """A ``RecommendOffersRequest`` as the engine's request; ``limit`` 0 stays 0.

    Raises:
        RequestError: A kind or the order is not one of those there are.
    """
    kinds = tuple(
        _kind(number, f"kinds[{position}]") for position, number in enumerate(message.kinds)
    )
    try:
        order = OfferOrder(message.order_by)
    except ValueError as error:
        names = ", ".join(known.name for known in OfferOrder)
        raise RequestError("order_by", f"one of {names}", message.order_by) from error
    return OfferRequest(message.visitor_id, kinds, tuple(message.item_ids), message.limit, order)


def write_offer_request(request: OfferRequest) -> Any:
    """A ``RecommendOffersRequest``."""
    return offers_pb2.RecommendOffersRequest(
        visitor_id=request.visitor_id,
        kinds=[int(kind) for kind in request.kinds],  # type: ignore[misc]
        item_ids=request.item_ids,
        limit=request.limit,
        order_by=int(request.order_by),  # type: ignore[arg-type]
    )


def write_offer_answer(answer: OfferAnswer) -> Any:
    """A ``RecommendOffersResponse``."""
    return offers_pb2.RecommendOffersResponse(
        offers=map(write_offer_result, answer.offers),
        bundle_id=answer.bundle_id,
        left_out_counts=answer.left_out_counts,
    )


def write_offer_result(one: OfferResult) -> Any:
    """An ``OfferResult`` message."""
    return offers_pb2.OfferResult(
        offer_id=one.offer_id,
        kind=int(one.kind),  # type: ignore[arg-type]
        text=one.text,
        percent_off=one.percent_off,
        amount_off=one.amount_off,
        end_time=_timestamp(one.end_time),
        item_ids=one.item_ids,
        probability=one.probability,
        uplift=one.uplift,
        affinity=one.affinity,
        reason_kind=int(one.reason.kind),  # type: ignore[arg-type]
        reason_item_id=one.reason.item_id,
        reason=one.reason.text,
    )


def read_offer_answer(message: Any) -> OfferAnswer:
    """A ``RecommendOffersResponse`` as an answer."""
    return OfferAnswer(
        tuple(map(read_offer_result, message.offers)),
        message.bundle_id,
        dict(message.left_out_counts),
    )


def read_offer_result(one: Any) -> OfferResult:
    """An ``OfferResult`` message as a result."""
    return OfferResult(
        one.offer_id,
        OfferKind(one.kind),
        one.text,
        _set(one, "percent_off"),
        _set(one, "amount_off"),
        _seconds(one, "end_time", ""),
        tuple(one.item_ids),
        _set(one, "probability"),
        _set(one, "uplift"),
        one.affinity,
        Reason(ReasonKind(one.reason_kind), one.reason_item_id, one.reason),
    )


def _kind(number: int, field: str) -> OfferKind:
    try:
        return OfferKind(number)
    except ValueError as error:
        raise RequestError(field, f"one of {', '.join(KIND_BY_LABEL)}", number) from error


def _set(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _seconds(message: Any, name: str, prefix: str) -> float | None:
    if not message.HasField(name):
        return None
    stamp = getattr(message, name)
    if not 0 <= stamp.nanos < 1_000_000_000:
        raise RequestError(f"{prefix}{name}.nanos", "0 to 999,999,999", stamp.nanos)
    return float(stamp.seconds + stamp.nanos / 1e9)


def _timestamp(seconds: float | None) -> Timestamp | None:
    if seconds is None:
        return None
    whole = math.floor(seconds)
    # Rounding can give 10^9 nanoseconds, which a Timestamp needs carried into its seconds.
    carried, nanos = divmod(round((seconds - whole) * 1e9), 1_000_000_000)
    return Timestamp(seconds=whole + carried, nanos=nanos)
