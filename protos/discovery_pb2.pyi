from protos import events_pb2 as _events_pb2
from protos import offers_pb2 as _offers_pb2
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
    PLACEMENT_CROSS_SELL: _ClassVar[Placement]
    PLACEMENT_PROMOTION: _ClassVar[Placement]
    PLACEMENT_AFTER_SALES: _ClassVar[Placement]

class SortOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SORT_ORDER_RELEVANCE: _ClassVar[SortOrder]
    SORT_ORDER_PRICE_LOW: _ClassVar[SortOrder]
    SORT_ORDER_PRICE_HIGH: _ClassVar[SortOrder]
    SORT_ORDER_NEWEST: _ClassVar[SortOrder]
    SORT_ORDER_POPULARITY: _ClassVar[SortOrder]

class Segment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEGMENT_UNSPECIFIED: _ClassVar[Segment]
    SEGMENT_NEW_VISITOR: _ClassVar[Segment]
    SEGMENT_RETURNING: _ClassVar[Segment]
    SEGMENT_HEAVY_BUYER: _ClassVar[Segment]
    SEGMENT_BARGAIN_HUNTER: _ClassVar[Segment]

class RelaxationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELAXATION_KIND_UNSPECIFIED: _ClassVar[RelaxationKind]
    RELAXATION_KIND_TYPO_CORRECTED: _ClassVar[RelaxationKind]
    RELAXATION_KIND_WORD_DROPPED: _ClassVar[RelaxationKind]
    RELAXATION_KIND_MEANING_ONLY: _ClassVar[RelaxationKind]

class UnderstoodKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNDERSTOOD_KIND_UNSPECIFIED: _ClassVar[UnderstoodKind]
    UNDERSTOOD_KIND_BRAND: _ClassVar[UnderstoodKind]
    UNDERSTOOD_KIND_COLOUR: _ClassVar[UnderstoodKind]
    UNDERSTOOD_KIND_SIZE: _ClassVar[UnderstoodKind]
    UNDERSTOOD_KIND_CATEGORY: _ClassVar[UnderstoodKind]
    UNDERSTOOD_KIND_PRICE: _ClassVar[UnderstoodKind]
    UNDERSTOOD_KIND_STOCK: _ClassVar[UnderstoodKind]

class UnderstoodUse(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNDERSTOOD_USE_UNSPECIFIED: _ClassVar[UnderstoodUse]
    UNDERSTOOD_USE_RECOGNISED: _ClassVar[UnderstoodUse]
    UNDERSTOOD_USE_FILTER: _ClassVar[UnderstoodUse]
    UNDERSTOOD_USE_SORT: _ClassVar[UnderstoodUse]
    UNDERSTOOD_USE_PREFERENCE: _ClassVar[UnderstoodUse]
    UNDERSTOOD_USE_OVERRIDDEN: _ClassVar[UnderstoodUse]
    UNDERSTOOD_USE_NO_ITEM_LEFT: _ClassVar[UnderstoodUse]
    UNDERSTOOD_USE_TEXT: _ClassVar[UnderstoodUse]

class EmptyReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EMPTY_REASON_UNSPECIFIED: _ClassVar[EmptyReason]
    EMPTY_REASON_NO_ITEM_PASSES_FILTER: _ClassVar[EmptyReason]
    EMPTY_REASON_NO_ITEM_LEFT: _ClassVar[EmptyReason]
    EMPTY_REASON_NOTHING_ON_OFFER: _ClassVar[EmptyReason]
    EMPTY_REASON_NOTHING_GOES_ON: _ClassVar[EmptyReason]

class SuggestionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUGGESTION_KIND_UNSPECIFIED: _ClassVar[SuggestionKind]
    SUGGESTION_KIND_QUERY: _ClassVar[SuggestionKind]
    SUGGESTION_KIND_CATEGORY: _ClassVar[SuggestionKind]
    SUGGESTION_KIND_ITEM: _ClassVar[SuggestionKind]
PLACEMENT_UNSPECIFIED: Placement
PLACEMENT_HOME: Placement
PLACEMENT_CATEGORY: Placement
PLACEMENT_ITEM: Placement
PLACEMENT_CART: Placement
PLACEMENT_CROSS_SELL: Placement
PLACEMENT_PROMOTION: Placement
PLACEMENT_AFTER_SALES: Placement
SORT_ORDER_RELEVANCE: SortOrder
SORT_ORDER_PRICE_LOW: SortOrder
SORT_ORDER_PRICE_HIGH: SortOrder
SORT_ORDER_NEWEST: SortOrder
SORT_ORDER_POPULARITY: SortOrder
SEGMENT_UNSPECIFIED: Segment
SEGMENT_NEW_VISITOR: Segment
SEGMENT_RETURNING: Segment
SEGMENT_HEAVY_BUYER: Segment
SEGMENT_BARGAIN_HUNTER: Segment
RELAXATION_KIND_UNSPECIFIED: RelaxationKind
RELAXATION_KIND_TYPO_CORRECTED: RelaxationKind
RELAXATION_KIND_WORD_DROPPED: RelaxationKind
RELAXATION_KIND_MEANING_ONLY: RelaxationKind
UNDERSTOOD_KIND_UNSPECIFIED: UnderstoodKind
UNDERSTOOD_KIND_BRAND: UnderstoodKind
UNDERSTOOD_KIND_COLOUR: UnderstoodKind
UNDERSTOOD_KIND_SIZE: UnderstoodKind
UNDERSTOOD_KIND_CATEGORY: UnderstoodKind
UNDERSTOOD_KIND_PRICE: UnderstoodKind
UNDERSTOOD_KIND_STOCK: UnderstoodKind
UNDERSTOOD_USE_UNSPECIFIED: UnderstoodUse
UNDERSTOOD_USE_RECOGNISED: UnderstoodUse
UNDERSTOOD_USE_FILTER: UnderstoodUse
UNDERSTOOD_USE_SORT: UnderstoodUse
UNDERSTOOD_USE_PREFERENCE: UnderstoodUse
UNDERSTOOD_USE_OVERRIDDEN: UnderstoodUse
UNDERSTOOD_USE_NO_ITEM_LEFT: UnderstoodUse
UNDERSTOOD_USE_TEXT: UnderstoodUse
EMPTY_REASON_UNSPECIFIED: EmptyReason
EMPTY_REASON_NO_ITEM_PASSES_FILTER: EmptyReason
EMPTY_REASON_NO_ITEM_LEFT: EmptyReason
EMPTY_REASON_NOTHING_ON_OFFER: EmptyReason
EMPTY_REASON_NOTHING_GOES_ON: EmptyReason
SUGGESTION_KIND_UNSPECIFIED: SuggestionKind
SUGGESTION_KIND_QUERY: SuggestionKind
SUGGESTION_KIND_CATEGORY: SuggestionKind
SUGGESTION_KIND_ITEM: SuggestionKind

class PolicyStep(_message.Message):
    __slots__ = ("name", "moved_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MOVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    moved_count: int
    def __init__(self, name: _Optional[str] = ..., moved_count: _Optional[int] = ...) -> None: ...

class AttributeCondition(_message.Message):
    __slots__ = ("name", "values", "min_value", "max_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    MIN_VALUE_FIELD_NUMBER: _ClassVar[int]
    MAX_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[str]
    min_value: float
    max_value: float
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., min_value: _Optional[float] = ..., max_value: _Optional[float] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("category", "brands", "min_price", "max_price", "in_stock_only", "attributes")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BRANDS_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_ONLY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    category: _containers.RepeatedScalarFieldContainer[str]
    brands: _containers.RepeatedScalarFieldContainer[str]
    min_price: float
    max_price: float
    in_stock_only: bool
    attributes: _containers.RepeatedCompositeFieldContainer[AttributeCondition]
    def __init__(self, category: _Optional[_Iterable[str]] = ..., brands: _Optional[_Iterable[str]] = ..., min_price: _Optional[float] = ..., max_price: _Optional[float] = ..., in_stock_only: _Optional[bool] = ..., attributes: _Optional[_Iterable[_Union[AttributeCondition, _Mapping]]] = ...) -> None: ...

class FacetRequest(_message.Message):
    __slots__ = ("name", "limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Facet(_message.Message):
    __slots__ = ("name", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedCompositeFieldContainer[FacetValue]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[_Union[FacetValue, _Mapping]]] = ...) -> None: ...

class FacetValue(_message.Message):
    __slots__ = ("count", "value", "category", "min_price", "max_price")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_FIELD_NUMBER: _ClassVar[int]
    count: int
    value: str
    category: _containers.RepeatedScalarFieldContainer[str]
    min_price: float
    max_price: float
    def __init__(self, count: _Optional[int] = ..., value: _Optional[str] = ..., category: _Optional[_Iterable[str]] = ..., min_price: _Optional[float] = ..., max_price: _Optional[float] = ...) -> None: ...

class SearchItemsRequest(_message.Message):
    __slots__ = ("query", "visitor_id", "page_size", "page_token", "filter", "explain", "record", "sort_by", "facets", "literal", "predict_actions", "group_by")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    SORT_BY_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    LITERAL_FIELD_NUMBER: _ClassVar[int]
    PREDICT_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    query: str
    visitor_id: str
    page_size: int
    page_token: str
    filter: Filter
    explain: bool
    record: bool
    sort_by: SortOrder
    facets: _containers.RepeatedCompositeFieldContainer[FacetRequest]
    literal: bool
    predict_actions: bool
    group_by: str
    def __init__(self, query: _Optional[str] = ..., visitor_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., explain: _Optional[bool] = ..., record: _Optional[bool] = ..., sort_by: _Optional[_Union[SortOrder, str]] = ..., facets: _Optional[_Iterable[_Union[FacetRequest, _Mapping]]] = ..., literal: _Optional[bool] = ..., predict_actions: _Optional[bool] = ..., group_by: _Optional[str] = ...) -> None: ...

class SearchByImageRequest(_message.Message):
    __slots__ = ("image", "query", "visitor_id", "page_size", "filter", "record")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    query: str
    visitor_id: str
    page_size: int
    filter: Filter
    record: bool
    def __init__(self, image: _Optional[bytes] = ..., query: _Optional[str] = ..., visitor_id: _Optional[str] = ..., page_size: _Optional[int] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., record: _Optional[bool] = ...) -> None: ...

class SearchItemsResponse(_message.Message):
    __slots__ = ("results", "attribution_token", "bundle_id", "next_page_token", "missing", "facets", "match_count", "relaxations", "empty_reason", "redirect_uri", "rules", "rules_version", "understood", "session_event_count", "order_expired", "match_count_is_lower_bound", "relevant_count", "segment", "policy_steps", "interleaved_bundle_id", "group_by", "group_count")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    MATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    RELAXATIONS_FIELD_NUMBER: _ClassVar[int]
    EMPTY_REASON_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    UNDERSTOOD_FIELD_NUMBER: _ClassVar[int]
    SESSION_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_EXPIRED_FIELD_NUMBER: _ClassVar[int]
    MATCH_COUNT_IS_LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    RELEVANT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    POLICY_STEPS_FIELD_NUMBER: _ClassVar[int]
    INTERLEAVED_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[Result]
    attribution_token: str
    bundle_id: str
    next_page_token: str
    missing: _containers.RepeatedScalarFieldContainer[str]
    facets: _containers.RepeatedCompositeFieldContainer[Facet]
    match_count: int
    relaxations: _containers.RepeatedCompositeFieldContainer[Relaxation]
    empty_reason: EmptyReason
    redirect_uri: str
    rules: _containers.RepeatedScalarFieldContainer[str]
    rules_version: str
    understood: _containers.RepeatedCompositeFieldContainer[Understood]
    session_event_count: int
    order_expired: bool
    match_count_is_lower_bound: bool
    relevant_count: int
    segment: Segment
    policy_steps: _containers.RepeatedCompositeFieldContainer[PolicyStep]
    interleaved_bundle_id: str
    group_by: str
    group_count: int
    def __init__(self, results: _Optional[_Iterable[_Union[Result, _Mapping]]] = ..., attribution_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., next_page_token: _Optional[str] = ..., missing: _Optional[_Iterable[str]] = ..., facets: _Optional[_Iterable[_Union[Facet, _Mapping]]] = ..., match_count: _Optional[int] = ..., relaxations: _Optional[_Iterable[_Union[Relaxation, _Mapping]]] = ..., empty_reason: _Optional[_Union[EmptyReason, str]] = ..., redirect_uri: _Optional[str] = ..., rules: _Optional[_Iterable[str]] = ..., rules_version: _Optional[str] = ..., understood: _Optional[_Iterable[_Union[Understood, _Mapping]]] = ..., session_event_count: _Optional[int] = ..., order_expired: _Optional[bool] = ..., match_count_is_lower_bound: _Optional[bool] = ..., relevant_count: _Optional[int] = ..., segment: _Optional[_Union[Segment, str]] = ..., policy_steps: _Optional[_Iterable[_Union[PolicyStep, _Mapping]]] = ..., interleaved_bundle_id: _Optional[str] = ..., group_by: _Optional[str] = ..., group_count: _Optional[int] = ...) -> None: ...

class RecommendItemsRequest(_message.Message):
    __slots__ = ("placement", "visitor_id", "item_ids", "page_size", "page_token", "filter", "explain", "sort_by", "facets", "predict_actions", "group_by")
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    SORT_BY_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    PREDICT_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    placement: Placement
    visitor_id: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    page_size: int
    page_token: str
    filter: Filter
    explain: bool
    sort_by: SortOrder
    facets: _containers.RepeatedCompositeFieldContainer[FacetRequest]
    predict_actions: bool
    group_by: str
    def __init__(self, placement: _Optional[_Union[Placement, str]] = ..., visitor_id: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., explain: _Optional[bool] = ..., sort_by: _Optional[_Union[SortOrder, str]] = ..., facets: _Optional[_Iterable[_Union[FacetRequest, _Mapping]]] = ..., predict_actions: _Optional[bool] = ..., group_by: _Optional[str] = ...) -> None: ...

class RecommendItemsResponse(_message.Message):
    __slots__ = ("results", "attribution_token", "bundle_id", "next_page_token", "missing", "facets", "match_count", "empty_reason", "redirect_uri", "rules", "rules_version", "session_event_count", "order_expired", "match_count_is_lower_bound", "segment", "policy_steps", "services", "interleaved_bundle_id", "group_by", "group_count")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    MATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    EMPTY_REASON_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    SESSION_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_EXPIRED_FIELD_NUMBER: _ClassVar[int]
    MATCH_COUNT_IS_LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    POLICY_STEPS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    INTERLEAVED_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[Result]
    attribution_token: str
    bundle_id: str
    next_page_token: str
    missing: _containers.RepeatedScalarFieldContainer[str]
    facets: _containers.RepeatedCompositeFieldContainer[Facet]
    match_count: int
    empty_reason: EmptyReason
    redirect_uri: str
    rules: _containers.RepeatedScalarFieldContainer[str]
    rules_version: str
    session_event_count: int
    order_expired: bool
    match_count_is_lower_bound: bool
    segment: Segment
    policy_steps: _containers.RepeatedCompositeFieldContainer[PolicyStep]
    services: _containers.RepeatedCompositeFieldContainer[_offers_pb2.OfferResult]
    interleaved_bundle_id: str
    group_by: str
    group_count: int
    def __init__(self, results: _Optional[_Iterable[_Union[Result, _Mapping]]] = ..., attribution_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., next_page_token: _Optional[str] = ..., missing: _Optional[_Iterable[str]] = ..., facets: _Optional[_Iterable[_Union[Facet, _Mapping]]] = ..., match_count: _Optional[int] = ..., empty_reason: _Optional[_Union[EmptyReason, str]] = ..., redirect_uri: _Optional[str] = ..., rules: _Optional[_Iterable[str]] = ..., rules_version: _Optional[str] = ..., session_event_count: _Optional[int] = ..., order_expired: _Optional[bool] = ..., match_count_is_lower_bound: _Optional[bool] = ..., segment: _Optional[_Union[Segment, str]] = ..., policy_steps: _Optional[_Iterable[_Union[PolicyStep, _Mapping]]] = ..., services: _Optional[_Iterable[_Union[_offers_pb2.OfferResult, _Mapping]]] = ..., interleaved_bundle_id: _Optional[str] = ..., group_by: _Optional[str] = ..., group_count: _Optional[int] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("item_id", "title", "category", "brand", "price", "in_stock", "score", "sources", "event_effects", "feature_effects", "rules", "purchase_probability", "model_score", "adjustments", "merchandising", "reason", "predicted_attributes", "offer_id", "earlier_price", "actions", "modalities", "variant_count", "variant_ids")
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
    RULES_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    MODEL_SCORE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    MERCHANDISING_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    OFFER_ID_FIELD_NUMBER: _ClassVar[int]
    EARLIER_PRICE_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    MODALITIES_FIELD_NUMBER: _ClassVar[int]
    VARIANT_COUNT_FIELD_NUMBER: _ClassVar[int]
    VARIANT_IDS_FIELD_NUMBER: _ClassVar[int]
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
    rules: _containers.RepeatedScalarFieldContainer[str]
    purchase_probability: float
    model_score: float
    adjustments: _containers.RepeatedCompositeFieldContainer[ScorePart]
    merchandising: _containers.RepeatedCompositeFieldContainer[ScorePart]
    reason: str
    predicted_attributes: _containers.RepeatedScalarFieldContainer[str]
    offer_id: str
    earlier_price: float
    actions: _containers.RepeatedCompositeFieldContainer[ActionProbability]
    modalities: _containers.RepeatedCompositeFieldContainer[ModalityShare]
    variant_count: int
    variant_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, item_id: _Optional[str] = ..., title: _Optional[str] = ..., category: _Optional[_Iterable[str]] = ..., brand: _Optional[str] = ..., price: _Optional[float] = ..., in_stock: _Optional[bool] = ..., score: _Optional[float] = ..., sources: _Optional[_Iterable[_Union[SourceHit, _Mapping]]] = ..., event_effects: _Optional[_Iterable[_Union[EventEffect, _Mapping]]] = ..., feature_effects: _Optional[_Iterable[_Union[FeatureEffect, _Mapping]]] = ..., rules: _Optional[_Iterable[str]] = ..., purchase_probability: _Optional[float] = ..., model_score: _Optional[float] = ..., adjustments: _Optional[_Iterable[_Union[ScorePart, _Mapping]]] = ..., merchandising: _Optional[_Iterable[_Union[ScorePart, _Mapping]]] = ..., reason: _Optional[str] = ..., predicted_attributes: _Optional[_Iterable[str]] = ..., offer_id: _Optional[str] = ..., earlier_price: _Optional[float] = ..., actions: _Optional[_Iterable[_Union[ActionProbability, _Mapping]]] = ..., modalities: _Optional[_Iterable[_Union[ModalityShare, _Mapping]]] = ..., variant_count: _Optional[int] = ..., variant_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ActionProbability(_message.Message):
    __slots__ = ("action", "probability")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    action: str
    probability: float
    def __init__(self, action: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class ModalityShare(_message.Message):
    __slots__ = ("name", "share")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    name: str
    share: float
    def __init__(self, name: _Optional[str] = ..., share: _Optional[float] = ...) -> None: ...

class ScorePart(_message.Message):
    __slots__ = ("name", "amount")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    amount: float
    def __init__(self, name: _Optional[str] = ..., amount: _Optional[float] = ...) -> None: ...

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

class Relaxation(_message.Message):
    __slots__ = ("kind", "text")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    kind: RelaxationKind
    text: str
    def __init__(self, kind: _Optional[_Union[RelaxationKind, str]] = ..., text: _Optional[str] = ...) -> None: ...

class Understood(_message.Message):
    __slots__ = ("kind", "text", "value", "use", "attribute", "category", "min_price", "max_price")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_FIELD_NUMBER: _ClassVar[int]
    kind: UnderstoodKind
    text: str
    value: str
    use: UnderstoodUse
    attribute: str
    category: _containers.RepeatedScalarFieldContainer[str]
    min_price: float
    max_price: float
    def __init__(self, kind: _Optional[_Union[UnderstoodKind, str]] = ..., text: _Optional[str] = ..., value: _Optional[str] = ..., use: _Optional[_Union[UnderstoodUse, str]] = ..., attribute: _Optional[str] = ..., category: _Optional[_Iterable[str]] = ..., min_price: _Optional[float] = ..., max_price: _Optional[float] = ...) -> None: ...

class CompleteRequest(_message.Message):
    __slots__ = ("text", "max_results", "kinds")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MAX_RESULTS_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    text: str
    max_results: int
    kinds: _containers.RepeatedScalarFieldContainer[SuggestionKind]
    def __init__(self, text: _Optional[str] = ..., max_results: _Optional[int] = ..., kinds: _Optional[_Iterable[_Union[SuggestionKind, str]]] = ...) -> None: ...

class CompleteResponse(_message.Message):
    __slots__ = ("suggestions", "corrected_text", "bundle_id")
    SUGGESTIONS_FIELD_NUMBER: _ClassVar[int]
    CORRECTED_TEXT_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    suggestions: _containers.RepeatedCompositeFieldContainer[Suggestion]
    corrected_text: str
    bundle_id: str
    def __init__(self, suggestions: _Optional[_Iterable[_Union[Suggestion, _Mapping]]] = ..., corrected_text: _Optional[str] = ..., bundle_id: _Optional[str] = ...) -> None: ...

class Suggestion(_message.Message):
    __slots__ = ("kind", "text", "item_id", "category", "highlights")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    HIGHLIGHTS_FIELD_NUMBER: _ClassVar[int]
    kind: SuggestionKind
    text: str
    item_id: str
    category: _containers.RepeatedScalarFieldContainer[str]
    highlights: _containers.RepeatedCompositeFieldContainer[Highlight]
    def __init__(self, kind: _Optional[_Union[SuggestionKind, str]] = ..., text: _Optional[str] = ..., item_id: _Optional[str] = ..., category: _Optional[_Iterable[str]] = ..., highlights: _Optional[_Iterable[_Union[Highlight, _Mapping]]] = ...) -> None: ...

class Highlight(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class SearchByVoiceRequest(_message.Message):
    __slots__ = ("audio", "visitor_id", "page_size", "filter", "record", "language")
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    audio: bytes
    visitor_id: str
    page_size: int
    filter: Filter
    record: bool
    language: str
    def __init__(self, audio: _Optional[bytes] = ..., visitor_id: _Optional[str] = ..., page_size: _Optional[int] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., record: _Optional[bool] = ..., language: _Optional[str] = ...) -> None: ...

class SearchByVoiceResponse(_message.Message):
    __slots__ = ("transcripts", "language", "answer")
    TRANSCRIPTS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    transcripts: _containers.RepeatedCompositeFieldContainer[Transcript]
    language: str
    answer: SearchItemsResponse
    def __init__(self, transcripts: _Optional[_Iterable[_Union[Transcript, _Mapping]]] = ..., language: _Optional[str] = ..., answer: _Optional[_Union[SearchItemsResponse, _Mapping]] = ...) -> None: ...

class Transcript(_message.Message):
    __slots__ = ("text", "query", "probability")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    text: str
    query: str
    probability: float
    def __init__(self, text: _Optional[str] = ..., query: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...
