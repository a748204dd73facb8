from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Leader(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEADER_UNSPECIFIED: _ClassVar[Leader]
    LEADER_ACTIVE: _ClassVar[Leader]
    LEADER_OTHER: _ClassVar[Leader]
LEADER_UNSPECIFIED: Leader
LEADER_ACTIVE: Leader
LEADER_OTHER: Leader

class PublishBundleRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class RollbackBundleRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InterleaveBundleRequest(_message.Message):
    __slots__ = ("path", "share")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    path: str
    share: float
    def __init__(self, path: _Optional[str] = ..., share: _Optional[float] = ...) -> None: ...

class StopInterleavingRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Status(_message.Message):
    __slots__ = ("bundle_id", "bundle_path", "previous_bundle_path", "item_count", "live_item_count", "visitor_count", "logged_event_count", "unknown_item_event_count", "uptime_seconds", "versions", "rules_version", "rules_error", "variant_group_count", "variant_item_count", "interleaving")
    class VersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_PATH_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_BUNDLE_PATH_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    LIVE_ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    VISITOR_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOGGED_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_ITEM_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    RULES_ERROR_FIELD_NUMBER: _ClassVar[int]
    VARIANT_GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    INTERLEAVING_FIELD_NUMBER: _ClassVar[int]
    bundle_id: str
    bundle_path: str
    previous_bundle_path: str
    item_count: int
    live_item_count: int
    visitor_count: int
    logged_event_count: int
    unknown_item_event_count: int
    uptime_seconds: float
    versions: _containers.ScalarMap[str, str]
    rules_version: str
    rules_error: str
    variant_group_count: int
    variant_item_count: int
    interleaving: Interleaving
    def __init__(self, bundle_id: _Optional[str] = ..., bundle_path: _Optional[str] = ..., previous_bundle_path: _Optional[str] = ..., item_count: _Optional[int] = ..., live_item_count: _Optional[int] = ..., visitor_count: _Optional[int] = ..., logged_event_count: _Optional[int] = ..., unknown_item_event_count: _Optional[int] = ..., uptime_seconds: _Optional[float] = ..., versions: _Optional[_Mapping[str, str]] = ..., rules_version: _Optional[str] = ..., rules_error: _Optional[str] = ..., variant_group_count: _Optional[int] = ..., variant_item_count: _Optional[int] = ..., interleaving: _Optional[_Union[Interleaving, _Mapping]] = ...) -> None: ...

class Interleaving(_message.Message):
    __slots__ = ("bundle_id", "bundle_path", "active_bundle_id", "share", "start_time", "is_running", "end_reason", "visitor_count", "failure_count", "tallies")
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_PATH_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    IS_RUNNING_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    VISITOR_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TALLIES_FIELD_NUMBER: _ClassVar[int]
    bundle_id: str
    bundle_path: str
    active_bundle_id: str
    share: float
    start_time: float
    is_running: bool
    end_reason: str
    visitor_count: int
    failure_count: int
    tallies: _containers.RepeatedCompositeFieldContainer[InterleavingTally]
    def __init__(self, bundle_id: _Optional[str] = ..., bundle_path: _Optional[str] = ..., active_bundle_id: _Optional[str] = ..., share: _Optional[float] = ..., start_time: _Optional[float] = ..., is_running: _Optional[bool] = ..., end_reason: _Optional[str] = ..., visitor_count: _Optional[int] = ..., failure_count: _Optional[int] = ..., tallies: _Optional[_Iterable[_Union[InterleavingTally, _Mapping]]] = ...) -> None: ...

class InterleavingTally(_message.Message):
    __slots__ = ("surface", "action", "answer_count", "win_count", "loss_count", "tie_count", "preferring_other_count", "preferring_active_count", "low", "high", "p_value", "leader")
    SURFACE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ANSWER_COUNT_FIELD_NUMBER: _ClassVar[int]
    WIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOSS_COUNT_FIELD_NUMBER: _ClassVar[int]
    TIE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PREFERRING_OTHER_COUNT_FIELD_NUMBER: _ClassVar[int]
    PREFERRING_ACTIVE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    surface: str
    action: str
    answer_count: int
    win_count: int
    loss_count: int
    tie_count: int
    preferring_other_count: int
    preferring_active_count: int
    low: float
    high: float
    p_value: float
    leader: Leader
    def __init__(self, surface: _Optional[str] = ..., action: _Optional[str] = ..., answer_count: _Optional[int] = ..., win_count: _Optional[int] = ..., loss_count: _Optional[int] = ..., tie_count: _Optional[int] = ..., preferring_other_count: _Optional[int] = ..., preferring_active_count: _Optional[int] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., p_value: _Optional[float] = ..., leader: _Optional[_Union[Leader, str]] = ...) -> None: ...
