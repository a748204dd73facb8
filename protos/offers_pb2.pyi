import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OfferKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFFER_KIND_UNSPECIFIED: _ClassVar[OfferKind]
    OFFER_KIND_COUPON: _ClassVar[OfferKind]
    OFFER_KIND_PROMOTION: _ClassVar[OfferKind]
    OFFER_KIND_SERVICE: _ClassVar[OfferKind]

class OfferOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFFER_ORDER_PROBABILITY: _ClassVar[OfferOrder]
    OFFER_ORDER_UPLIFT: _ClassVar[OfferOrder]

class OfferReasonKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFFER_REASON_KIND_UNSPECIFIED: _ClassVar[OfferReasonKind]
    OFFER_REASON_KIND_SESSION: _ClassVar[OfferReasonKind]
    OFFER_REASON_KIND_BOUGHT: _ClassVar[OfferReasonKind]
    OFFER_REASON_KIND_CATEGORY: _ClassVar[OfferReasonKind]
    OFFER_REASON_KIND_SIMILAR: _ClassVar[OfferReasonKind]
    OFFER_REASON_KIND_POPULAR: _ClassVar[OfferReasonKind]
OFFER_KIND_UNSPECIFIED: OfferKind
OFFER_KIND_COUPON: OfferKind
OFFER_KIND_PROMOTION: OfferKind
OFFER_KIND_SERVICE: OfferKind
OFFER_ORDER_PROBABILITY: OfferOrder
OFFER_ORDER_UPLIFT: OfferOrder
OFFER_REASON_KIND_UNSPECIFIED: OfferReasonKind
OFFER_REASON_KIND_SESSION: OfferReasonKind
OFFER_REASON_KIND_BOUGHT: OfferReasonKind
OFFER_REASON_KIND_CATEGORY: OfferReasonKind
OFFER_REASON_KIND_SIMILAR: OfferReasonKind
OFFER_REASON_KIND_POPULAR: OfferReasonKind

class OfferCategory(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, path: _Optional[_Iterable[str]] = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("offer_id", "kind", "item_ids", "categories", "percent_off", "amount_off", "audience", "start_time", "end_time", "budget", "visitor_limit", "text")
    OFFER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    PERCENT_OFF_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_OFF_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    VISITOR_LIMIT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    offer_id: str
    kind: OfferKind
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    categories: _containers.RepeatedCompositeFieldContainer[OfferCategory]
    percent_off: float
    amount_off: float
    audience: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    budget: float
    visitor_limit: int
    text: str
    def __init__(self, offer_id: _Optional[str] = ..., kind: _Optional[_Union[OfferKind, str]] = ..., item_ids: _Optional[_Iterable[str]] = ..., categories: _Optional[_Iterable[_Union[OfferCategory, _Mapping]]] = ..., percent_off: _Optional[float] = ..., amount_off: _Optional[float] = ..., audience: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., budget: _Optional[float] = ..., visitor_limit: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class BatchUpdateOffersRequest(_message.Message):
    __slots__ = ("offers", "deleted_offer_ids")
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    DELETED_OFFER_IDS_FIELD_NUMBER: _ClassVar[int]
    offers: _containers.RepeatedCompositeFieldContainer[Offer]
    deleted_offer_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, offers: _Optional[_Iterable[_Union[Offer, _Mapping]]] = ..., deleted_offer_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchUpdateOffersResponse(_message.Message):
    __slots__ = ("added_count", "updated_count", "deleted_count")
    ADDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    added_count: int
    updated_count: int
    deleted_count: int
    def __init__(self, added_count: _Optional[int] = ..., updated_count: _Optional[int] = ..., deleted_count: _Optional[int] = ...) -> None: ...

class RecommendOffersRequest(_message.Message):
    __slots__ = ("visitor_id", "kinds", "item_ids", "limit", "order_by")
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    visitor_id: str
    kinds: _containers.RepeatedScalarFieldContainer[OfferKind]
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    order_by: OfferOrder
    def __init__(self, visitor_id: _Optional[str] = ..., kinds: _Optional[_Iterable[_Union[OfferKind, str]]] = ..., item_ids: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., order_by: _Optional[_Union[OfferOrder, str]] = ...) -> None: ...

class RecommendOffersResponse(_message.Message):
    __slots__ = ("offers", "bundle_id", "left_out_counts")
    class LeftOutCountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_COUNTS_FIELD_NUMBER: _ClassVar[int]
    offers: _containers.RepeatedCompositeFieldContainer[OfferResult]
    bundle_id: str
    left_out_counts: _containers.ScalarMap[str, int]
    def __init__(self, offers: _Optional[_Iterable[_Union[OfferResult, _Mapping]]] = ..., bundle_id: _Optional[str] = ..., left_out_counts: _Optional[_Mapping[str, int]] = ...) -> None: ...

class OfferResult(_message.Message):
    __slots__ = ("offer_id", "kind", "text", "percent_off", "amount_off", "end_time", "item_ids", "probability", "uplift", "affinity", "reason_kind", "reason_item_id", "reason")
    OFFER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PERCENT_OFF_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_OFF_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    UPLIFT_FIELD_NUMBER: _ClassVar[int]
    AFFINITY_FIELD_NUMBER: _ClassVar[int]
    REASON_KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    offer_id: str
    kind: OfferKind
    text: str
    percent_off: float
    amount_off: float
    end_time: _timestamp_pb2.Timestamp
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    probability: float
    uplift: float
    affinity: float
    reason_kind: OfferReasonKind
    reason_item_id: str
    reason: str
    def __init__(self, offer_id: _Optional[str] = ..., kind: _Optional[_Union[OfferKind, str]] = ..., text: _Optional[str] = ..., percent_off: _Optional[float] = ..., amount_off: _Optional[float] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., item_ids: _Optional[_Iterable[str]] = ..., probability: _Optional[float] = ..., uplift: _Optional[float] = ..., affinity: _Optional[float] = ..., reason_kind: _Optional[_Union[OfferReasonKind, str]] = ..., reason_item_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
