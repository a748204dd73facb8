"""Validation of requests, events and items: the limits of every field, in one file.

Every function returns its argument normalised (blanks stripped, defaults filled in) and raises
``RequestError`` with the field's protobuf name: ``events[3].rating: expected …``. ``prefix`` is
prepended to that name: ``events[3].``.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import replace

from data.errors import RequestError
from data.markup import without_markup
from data.records import (
    CONTROL_CHARACTER,
    ID_LENGTH_LIMIT,
    PRICE_LIMIT,
    RECORDABLE_TYPES,
    Event,
    EventType,
    Item,
)
from serving.api.requests import (
    ITEM_COUNTS,
    KINDS,
    NO_FILTER,
    RESERVED_NAMES,
    AttributeCondition,
    CompleteRequest,
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SuggestionKind,
    group_names,
)
from towers.catalog.attributes import Attributes

DEFAULT_PAGE_SIZE = 20
PAGE_SIZE_LIMIT = 100
DEFAULT_SUGGESTION_COUNT = 10
SUGGESTION_COUNT_LIMIT = 50
BATCH_LIMIT = 1_000

QUERY_LENGTH_LIMIT = 256
NAME_LENGTH_LIMIT = 256
TITLE_LENGTH_LIMIT = 1_024
ADDRESS_LENGTH_LIMIT = 2_048
PATH_LENGTH_LIMIT = 4_096
TEXT_BYTE_LIMIT = 8_192
CATEGORY_DEPTH_LIMIT = 16
BRAND_COUNT_LIMIT = 100
ATTRIBUTE_COUNT_LIMIT = 128
CONDITION_COUNT_LIMIT = 32
VALUE_COUNT_LIMIT = 100
FACET_COUNT_LIMIT = 32
DEFAULT_FACET_LIMIT = 20
FACET_LIMIT = 100
_NAMED_COUNT = 20
"""Names that an error lists at most."""
QUANTITY_LIMIT = 1_000_000
_TYPE_NAMES = f"one of {', '.join(type_.label for type_ in RECORDABLE_TYPES)}"

DWELL_LIMIT_SECONDS = 24 * 3_600
FUTURE_LIMIT_SECONDS = 5 * 60
PAST_LIMIT_YEARS = 10
PAST_LIMIT_SECONDS = PAST_LIMIT_YEARS * 365.25 * 24 * 3_600


def checked_search(request: SearchRequest) -> SearchRequest:
    """The request with the query stripped and the page size clipped to its range."""
    query = request.query.strip()
    _check_text("query", query, QUERY_LENGTH_LIMIT, required=True)
    _check_text("visitor_id", request.visitor_id, ID_LENGTH_LIMIT)
    _check_filter(request.filter)
    facets = request.facets and _checked_facets(request.facets)
    size = _page_size(request.page_size)
    is_unchanged = query == request.query and size == request.page_size and not facets
    return request if is_unchanged else replace(request, query=query, page_size=size, facets=facets)


def checked_recommend(request: RecommendRequest) -> RecommendRequest:
    """The request with the page size clipped to its range."""
    placement, item_ids = request.placement, request.item_ids
    if placement is Placement.UNSPECIFIED:
        names = ", ".join(known.name for known in Placement if known is not Placement.UNSPECIFIED)
        raise RequestError("placement", f"one of {names}", placement.name)
    _check_text("visitor_id", request.visitor_id, ID_LENGTH_LIMIT)
    if placement in ITEM_COUNTS:
        check_count("item_ids", len(item_ids), *ITEM_COUNTS[placement])
    elif item_ids:
        raise RequestError("item_ids", f"none with placement {placement.name}", len(item_ids))
    for position, item_id in enumerate(item_ids):
        _check_text(f"item_ids[{position}]", item_id, ID_LENGTH_LIMIT, required=True)
    _check_filter(request.filter)
    if placement is Placement.CATEGORY and not request.filter.category:
        raise RequestError("filter.category", "a path with placement CATEGORY", ())
    facets = request.facets and _checked_facets(request.facets)
    size = _page_size(request.page_size)
    is_unchanged = size == request.page_size and not facets
    return request if is_unchanged else replace(request, page_size=size, facets=facets)


def check_attributes(
    request: SearchRequest | RecommendRequest, attributes: Attributes, has_variants: bool = False
) -> None:
    """Refuses conditions, facets and groups by attributes that the catalogue does not know.

    Args:
        has_variants: Whether the bundle holds groups of variants.
    """
    _check_group_by(request.group_by, attributes, has_variants)
    if not request.filter.attributes and not request.facets:
        return
    names = [
        (f"filter.attributes[{position}].name", condition.name)
        for position, condition in enumerate(request.filter.attributes)
    ]
    names += [
        (f"facets[{position}].name", facet.name)
        for position, facet in enumerate(request.facets)
        if facet.name not in RESERVED_NAMES
    ]
    for field, name in names:
        if attributes.names.get(name) < 0:
            near = difflib.get_close_matches(name, attributes.names.names, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise RequestError(field, f"an attribute of the catalogue{hint}", name)


def checked_complete(request: CompleteRequest) -> CompleteRequest:
    """The request with the text stripped and the number of results clipped to its range."""
    text = request.text.strip()
    _check_text("text", text, QUERY_LENGTH_LIMIT, required=True)
    if request.max_results < 0:
        raise RequestError("max_results", "0 or more", request.max_results)
    count = min(request.max_results or DEFAULT_SUGGESTION_COUNT, SUGGESTION_COUNT_LIMIT)
    for position, kind in enumerate(request.kinds):
        if kind is SuggestionKind.UNSPECIFIED or kind in request.kinds[:position]:
            names = ", ".join(known.name for known in KINDS)
            raise RequestError(f"kinds[{position}]", f"one of {names}, each once", kind.name)
    return replace(request, text=text, max_results=count, kinds=request.kinds or KINDS)


def checked_event(event: Event, prefix: str = "", *, now: float) -> Event:
    """The event with the query stripped and a quantity of at least 1.

    ``now`` (seconds since 1970) bounds the time of the event.
    """
    if event.type not in RECORDABLE_TYPES:
        raise RequestError(f"{prefix}type", _TYPE_NAMES, event.type.label)
    _check_text(f"{prefix}event_id", event.event_id, ID_LENGTH_LIMIT)
    _check_text(f"{prefix}visitor_id", event.visitor_id, ID_LENGTH_LIMIT, required=True)
    _check_time(f"{prefix}time", event.time, now)
    is_search = event.type is EventType.SEARCH
    query = event.query and event.query.strip()
    if is_search and event.item_id:
        raise RequestError(f"{prefix}item_id", "none for a search", event.item_id[:ID_LENGTH_LIMIT])
    if query and not is_search:
        received = query[:QUERY_LENGTH_LIMIT]
        raise RequestError(f"{prefix}query", f"none for the type {event.type.label}", received)
    _check_text(f"{prefix}item_id", event.item_id, ID_LENGTH_LIMIT, required=not is_search)
    _check_text(f"{prefix}query", query, QUERY_LENGTH_LIMIT, required=is_search)
    for name in ("session_id", "surface", "attribution_token"):
        _check_text(f"{prefix}{name}", getattr(event, name), ID_LENGTH_LIMIT)
    check_count(f"{prefix}quantity", event.quantity, 0, QUANTITY_LIMIT)
    _check_price(f"{prefix}price", event.price)
    _check_rating(f"{prefix}rating", event)
    _check_dwell(f"{prefix}dwell_seconds", event)
    _check_text(f"{prefix}offer_id", event.offer_id, ID_LENGTH_LIMIT)
    if event.offer_id and event.type is not EventType.PURCHASE:
        expected = f"none for the type {event.type.label}"
        raise RequestError(f"{prefix}offer_id", expected, event.offer_id)
    _check_bytes(f"{prefix}text", event.text)
    is_unchanged = query == event.query and event.quantity
    return event if is_unchanged else replace(event, query=query, quantity=event.quantity or 1)


def checked_item(item: Item, prefix: str = "") -> Item:
    """The item if all its fields are valid, without HTML and web addresses in its texts."""
    _check_text(f"{prefix}item_id", item.item_id, ID_LENGTH_LIMIT, required=True)
    _check_text(f"{prefix}title", item.title, TITLE_LENGTH_LIMIT)
    _check_bytes(f"{prefix}description", item.description)
    _check_category(f"{prefix}category", item.category)
    _check_text(f"{prefix}brand", item.brand, NAME_LENGTH_LIMIT)
    _check_price(f"{prefix}price", item.price)
    if item.currency and not re.fullmatch("[A-Za-z]{3}", item.currency):
        raise RequestError(f"{prefix}currency", "3 letters or nothing", item.currency[:8])
    check_count(f"{prefix}attributes", len(item.attributes), 0, ATTRIBUTE_COUNT_LIMIT)
    for name, value in item.attributes.items():
        _check_text(f"{prefix}attributes", name, ID_LENGTH_LIMIT, required=True)
        _check_text(f"{prefix}attributes.{name}", value, TITLE_LENGTH_LIMIT)
    _check_text(f"{prefix}image", item.image, ADDRESS_LENGTH_LIMIT)
    _check_text(f"{prefix}audio", item.audio, ADDRESS_LENGTH_LIMIT)
    return without_markup(item)


def checked_item_ids(item_ids: Sequence[str]) -> tuple[str, ...]:
    """The ids of a batch, unchanged, if valid."""
    check_count("item_ids", len(item_ids), 1, BATCH_LIMIT)
    for position, item_id in enumerate(item_ids):
        _check_text(f"item_ids[{position}]", item_id, ID_LENGTH_LIMIT, required=True)
    return tuple(item_ids)


def checked_path(path: str) -> str:
    """The path, unchanged, if it is valid text; the engine checks that a bundle is there."""
    _check_text("path", path, PATH_LENGTH_LIMIT, required=True)
    return path


def checked_share(share: float) -> float:
    """The share of the visitors whose answers are interleaved, unchanged."""
    if not 0 < share <= 1:
        raise RequestError("share", "above 0, at most 1", share)
    return share


def check_count(field: str, count: int, least: int, most: int) -> None:
    """Refuses a count outside ``least`` to ``most``, both inclusive."""
    if not least <= count <= most:
        expected = f"{least:,} to {most:,}" if least < most else f"exactly {least:,}"
        raise RequestError(field, expected, count)


def _check_group_by(group_by: str, attributes: Attributes, has_variants: bool) -> None:
    if not group_by:
        return
    _check_text("group_by", group_by, ID_LENGTH_LIMIT)
    names = group_names(attributes.names.names, has_variants)
    if group_by not in names:
        raise RequestError("group_by", one_of(names, group_by), group_by)


def one_of(names: Sequence[str], received: str) -> str:
    """What was expected in place of a name that is none of ``names``, for messages."""
    near = difflib.get_close_matches(received, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    more = ", …" if len(names) > _NAMED_COUNT else ""
    return f"one of {', '.join(names[:_NAMED_COUNT])}{more}{hint}"


def _page_size(page_size: int) -> int:
    if page_size < 0:
        raise RequestError("page_size", "0 or more", page_size)
    return min(page_size or DEFAULT_PAGE_SIZE, PAGE_SIZE_LIMIT)


def _check_filter(condition: Filter) -> None:
    if condition is NO_FILTER:
        return
    _check_category("filter.category", condition.category)
    check_count("filter.brands", len(condition.brands), 0, BRAND_COUNT_LIMIT)
    for position, brand in enumerate(condition.brands):
        _check_text(f"filter.brands[{position}]", brand, NAME_LENGTH_LIMIT, required=True)
    low, high = condition.min_price, condition.max_price
    _check_price("filter.min_price", low)
    _check_price("filter.max_price", high)
    if low is not None and high is not None and low > high:
        raise RequestError("filter.max_price", f"{low:g} (min_price) or more", high)
    check_count("filter.attributes", len(condition.attributes), 0, CONDITION_COUNT_LIMIT)
    for position, one in enumerate(condition.attributes):
        _check_attribute(f"filter.attributes[{position}]", one)


def _check_attribute(prefix: str, condition: AttributeCondition) -> None:
    _check_text(f"{prefix}.name", condition.name, ID_LENGTH_LIMIT, required=True)
    low, high = condition.min_value, condition.max_value
    check_count(f"{prefix}.values", len(condition.values), 0, VALUE_COUNT_LIMIT)
    if not condition.values and low is None and high is None:
        raise RequestError(f"{prefix}.values", "a value, or min_value or max_value beside it", ())
    for position, value in enumerate(condition.values):
        _check_text(f"{prefix}.values[{position}]", value, TITLE_LENGTH_LIMIT, required=True)
    for name, bound in (("min_value", low), ("max_value", high)):
        if bound is not None and not math.isfinite(bound):
            raise RequestError(f"{prefix}.{name}", "a finite number", bound)
    if low is not None and high is not None and low > high:
        raise RequestError(f"{prefix}.max_value", f"{low:g} (min_value) or more", high)


def _checked_facets(facets: Sequence[FacetRequest]) -> tuple[FacetRequest, ...]:
    check_count("facets", len(facets), 0, FACET_COUNT_LIMIT)
    names: set[str] = set()
    for position, facet in enumerate(facets):
        _check_text(f"facets[{position}].name", facet.name, ID_LENGTH_LIMIT, required=True)
        if facet.name in names:
            raise RequestError(f"facets[{position}].name", "each facet once", facet.name)
        names.add(facet.name)
        check_count(f"facets[{position}].limit", facet.limit, 0, FACET_LIMIT)
    return tuple(replace(facet, limit=facet.limit or DEFAULT_FACET_LIMIT) for facet in facets)


def _check_category(field: str, category: Sequence[str]) -> None:
    check_count(field, len(category), 0, CATEGORY_DEPTH_LIMIT)
    for position, part in enumerate(category):
        _check_text(f"{field}[{position}]", part, NAME_LENGTH_LIMIT, required=True)


def _check_text(field: str, text: str, length_limit: int, *, required: bool = False) -> None:
    if required and not text:
        raise RequestError(field, f"1 to {length_limit:,} characters", text)
    # Reports the length, not the text: an error must fit into the gRPC trailers.
    if len(text) > length_limit:
        raise RequestError(field, f"at most {length_limit:,} characters", len(text))
    if text and CONTROL_CHARACTER.search(text):
        raise RequestError(field, "no control characters", text)


def _check_bytes(field: str, text: str) -> None:
    byte_count = len(text.encode("utf-8"))
    if byte_count > TEXT_BYTE_LIMIT:
        raise RequestError(field, f"at most {TEXT_BYTE_LIMIT:,} bytes of UTF-8", byte_count)


def _check_price(field: str, price: float | None) -> None:
    if price is not None and not (math.isfinite(price) and price >= 0):
        raise RequestError(field, "0 or more and finite", price)
    if price is not None and price > PRICE_LIMIT:
        raise RequestError(field, f"at most {PRICE_LIMIT:,.0f}", price)


def _check_rating(field: str, event: Event) -> None:
    if event.rating is None:
        return
    if event.type is not EventType.REVIEW:
        raise RequestError(field, f"none for the type {event.type.label}", event.rating)
    if not 1 <= event.rating <= 5:
        raise RequestError(field, "1 to 5", event.rating)


def _check_dwell(field: str, event: Event) -> None:
    if event.dwell_seconds is None:
        return
    if event.type is not EventType.VIEW:
        raise RequestError(field, f"none for the type {event.type.label}", event.dwell_seconds)
    if not 0 <= event.dwell_seconds <= DWELL_LIMIT_SECONDS:
        raise RequestError(field, f"0 to {DWELL_LIMIT_SECONDS:,}", event.dwell_seconds)


def _check_time(field: str, time: float, now: float) -> None:
    if not time <= now + FUTURE_LIMIT_SECONDS:
        ahead = "at most 5 minutes ahead of the service's clock"
        raise RequestError(field, ahead, f"{time - now:,.0f} s ahead")
    if time < now - PAST_LIMIT_SECONDS:
        raise RequestError(field, f"at most {PAST_LIMIT_YEARS} years ago", f"{now - time:,.0f} s")
