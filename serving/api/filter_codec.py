"""Filters, sort orders and facets to and from protobuf messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.errors import RequestError
from protos import discovery_pb2
from serving.api.answers import Facet, FacetValue
from serving.api.requests import (
    NO_FILTER,
    AttributeCondition,
    FacetRequest,
    Filter,
    SortOrder,
)


def read_filter(request: Any) -> Filter:
    """The filter of a request message."""
    if not request.HasField("filter"):
        return NO_FILTER
    message = request.filter
    return Filter(
        category=tuple(message.category),
        brands=tuple(message.brands),
        min_price=message.min_price if message.HasField("min_price") else None,
        max_price=message.max_price if message.HasField("max_price") else None,
        in_stock_only=message.in_stock_only,
        attributes=tuple(
            AttributeCondition(
                one.name,
                tuple(one.values),
                one.min_value if one.HasField("min_value") else None,
                one.max_value if one.HasField("max_value") else None,
            )
            for one in message.attributes
        ),
    )


def logged_filter(conditions: Mapping[str, Any]) -> Filter:
    """The filter of an impression, whose fields the log keeps as JSON."""
    fields = dict(conditions)
    for name in ("category", "brands"):
        fields[name] = tuple(fields.get(name, ()))
    fields["attributes"] = tuple(
        AttributeCondition(**{**one, "values": tuple(one["values"])})
        for one in fields.get("attributes", ())
    )
    return Filter(**fields)


def write_filter(condition: Filter) -> Any:
    """A ``Filter`` message; None for no condition."""
    if condition == NO_FILTER:
        return None
    return discovery_pb2.Filter(
        category=condition.category,
        brands=condition.brands,
        min_price=condition.min_price,
        max_price=condition.max_price,
        in_stock_only=condition.in_stock_only,
        attributes=[
            discovery_pb2.AttributeCondition(
                name=one.name,
                values=one.values,
                min_value=one.min_value,
                max_value=one.max_value,
            )
            for one in condition.attributes
        ],
    )


def read_order(number: int) -> SortOrder:
    """The ``SortOrder`` of a protobuf enum number.

    Raises:
        RequestError: No sort order has this number.
    """
    try:
        return SortOrder(number)
    except ValueError as error:
        names = ", ".join(known.name for known in SortOrder)
        raise RequestError("sort_by", f"one of {names}", number) from error


def read_facet_requests(message: Any) -> tuple[FacetRequest, ...]:
    """The facet requests of a request message."""
    facets = message.facets
    return tuple([FacetRequest(facet.name, facet.limit) for facet in facets]) if facets else ()


def write_facet_requests(facets: Sequence[FacetRequest]) -> list[Any]:
    """``FacetRequest`` messages."""
    return [discovery_pb2.FacetRequest(name=facet.name, limit=facet.limit) for facet in facets]


def read_facet(message: Any) -> Facet:
    """A ``Facet`` message as a facet of an answer."""
    return Facet(
        message.name,
        tuple(
            FacetValue(
                value.count,
                value.value,
                tuple(value.category),
                value.min_price if value.HasField("min_price") else None,
                value.max_price if value.HasField("max_price") else None,
            )
            for value in message.values
        ),
    )


def write_facet(facet: Facet) -> Any:
    """A ``Facet`` message."""
    values = [
        discovery_pb2.FacetValue(
            count=value.count,
            value=value.value,
            category=value.category,
            min_price=value.min_price,
            max_price=value.max_price,
        )
        for value in facet.values
    ]
    return discovery_pb2.Facet(name=facet.name, values=values)
