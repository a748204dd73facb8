from protos import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Placement(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLACEMENT_UNSPECIFIED: _ClassVar[Placement]
    PLACEMENT_HOME: _ClassVar[Placement]
    PLACEMENT_CATEGORY: _ClassVar[Placement]
    PLACEMENT_ITEM: _ClassVar[Placement]
    PLACEMENT_CART: _ClassVar[Placement]
PLACEMENT_UNSPECIFIED: Placement
PLACEMENT_HOME: Placement
PLACEMENT_CATEGORY: Placement
PLACEMENT_ITEM: Placement
PLACEMENT_CART: Placement

class Filter(_message.Message):
    __slots__ = ("category", "brands", "min_price", "max_price", "in_stock_only")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BRANDS_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_ONLY_FIELD_NUMBER: _ClassVar[int]
    category: _containers.RepeatedScalarFieldContainer[str]
    brands: _containers.RepeatedScalarFieldContainer[str]
    min_price: float
    max_price: float
    in_stock_only: bool
    def __init__(self, category: _Optional[_Iterable[str]] = ..., brands: _Optional[_Iterable[str]] = ..., min_price: _Optional[float] = ..., max_price: _Optional[float] = ..., in_stock_only: _Optional[bool] = ...) -> None: ...

class SearchItemsRequest(_message.Message):
    __slots__ = ("query", "visitor_id", "page_size", "page_token", "filter", "explain", "record")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    query: str
    visitor_id: str
    page_size: int
    page_token: str
    filter: Filter
    explain: bool
    record: bool
    def __init__(self, query: _Optional[str] = ..., visitor_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., explain: _Optional[bool] = ..., record: _Optional[bool] = ...) -> None: ...

class SearchItemsResponse(_message.Message):
    __slots__ = ("results", "attribution_token", "bundle_id", "next_page_token", "missing", "session_event_count")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    SESSION_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[Result]
    attribution_token: str
    bundle_id: str
    next_page_token: str
    missing: _containers.RepeatedScalarFieldContainer[str]
    session_event_count: int
    def __init__(self, results: _Optional[_Iterable[_Union[Result, _Mapping]]] = ..., attribution_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., next_page_token: _Optional[str] = ..., missing: _Optional[_Iterable[str]] = ..., session_event_count: _Optional[int] = ...) -> None: ...

class RecommendItemsRequest(_message.Message):
    __slots__ = ("placement", "visitor_id", "item_ids", "page_size", "page_token", "filter", "explain")
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    placement: Placement
    visitor_id: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    page_size: int
    page_token: str
    filter: Filter
    explain: bool
    def __init__(self, placement: _Optional[_Union[Placement, str]] = ..., visitor_id: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., explain: _Optional[bool] = ...) -> None: ...

class RecommendItemsResponse(_message.Message):
    __slots__ = ("results", "attribution_token", "bundle_id", "next_page_token", "missing", "session_event_count")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    SESSION_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[Result]
    attribution_token: str
    bundle_id: str
    next_page_token: str
    missing: _containers.RepeatedScalarFieldContainer[str]
    session_event_count: int
    def __init__(self, results: _Optional[_Iterable[_Union[Result, _Mapping]]] = ..., attribution_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., next_page_token: _Optional[str] = ..., missing: _Optional[_Iterable[str]] = ..., session_event_count: _Optional[int] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("item_id", "title", "category", "brand", "price", "in_stock", "score", "sources", "event_effects", "feature_effects", "purchase_probability")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    EVENT_EFFECTS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_EFFECTS_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    title: str
    category: _containers.RepeatedScalarFieldContainer[str]
    brand: str
    price: float
    in_stock: bool
    score: float
    sources: _containers.RepeatedCompositeFieldContainer[SourceHit]
    event_effects: _containers.RepeatedCompositeFieldContainer[EventEffect]
    feature_effects: _containers.RepeatedCompositeFieldContainer[FeatureEffect]
    purchase_probability: float
    def __init__(self, item_id: _Optional[str] = ..., title: _Optional[str] = ..., category: _Optional[_Iterable[str]] = ..., brand: _Optional[str] = ..., price: _Optional[float] = ..., in_stock: _Optional[bool] = ..., score: _Optional[float] = ..., sources: _Optional[_Iterable[_Union[SourceHit, _Mapping]]] = ..., event_effects: _Optional[_Iterable[_Union[EventEffect, _Mapping]]] = ..., feature_effects: _Optional[_Iterable[_Union[FeatureEffect, _Mapping]]] = ..., purchase_probability: _Optional[float] = ...) -> None: ...

class SourceHit(_message.Message):
    __slots__ = ("source", "rank")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    source: str
    rank: int
    def __init__(self, source: _Optional[str] = ..., rank: _Optional[int] = ...) -> None: ...

class EventEffect(_message.Message):
    __slots__ = ("event_type", "item_id", "query", "effect")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    event_type: _events_pb2.EventType
    item_id: str
    query: str
    effect: float
    def __init__(self, event_type: _Optional[_Union[_events_pb2.EventType, str]] = ..., item_id: _Optional[str] = ..., query: _Optional[str] = ..., effect: _Optional[float] = ...) -> None: ...

class FeatureEffect(_message.Message):
    __slots__ = ("feature", "value", "effect")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    feature: str
    value: float
    effect: float
    def __init__(self, feature: _Optional[str] = ..., value: _Optional[float] = ..., effect: _Optional[float] = ...) -> None: ...
