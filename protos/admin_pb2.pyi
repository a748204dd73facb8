from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class PublishBundleRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class RollbackBundleRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Status(_message.Message):
    __slots__ = ("bundle_id", "bundle_path", "previous_bundle_path", "item_count", "live_item_count", "visitor_count", "logged_event_count", "unknown_item_event_count", "uptime_seconds", "versions", "rules_version", "rules_error", "variant_group_count", "variant_item_count")
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
    def __init__(self, bundle_id: _Optional[str] = ..., bundle_path: _Optional[str] = ..., previous_bundle_path: _Optional[str] = ..., item_count: _Optional[int] = ..., live_item_count: _Optional[int] = ..., visitor_count: _Optional[int] = ..., logged_event_count: _Optional[int] = ..., unknown_item_event_count: _Optional[int] = ..., uptime_seconds: _Optional[float] = ..., versions: _Optional[_Mapping[str, str]] = ..., rules_version: _Optional[str] = ..., rules_error: _Optional[str] = ..., variant_group_count: _Optional[int] = ..., variant_item_count: _Optional[int] = ...) -> None: ...
