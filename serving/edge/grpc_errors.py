"""The mapping from errors to gRPC statuses, and from statuses back to errors."""

from __future__ import annotations

import logging
import re
import traceback
import uuid
from typing import Any, NamedTuple, NoReturn

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import BadRequest
from grpc_status import rpc_status

from data.errors import (
    AbandonedError,
    BundleError,
    NextclickError,
    OverloadError,
    RequestError,
    UnsupportedError,
)

logger = logging.getLogger(__name__)

MESSAGE_BYTE_LIMIT = 1_000
"""Trailers hold the message twice, once percent-encoded: three bytes per non-ASCII byte."""

_DESCRIPTION_LENGTH_LIMIT = 200
_REFUSAL = re.compile(r"(?P<field>[^:]+): expected .*, received .*", re.DOTALL)


class Failure(NamedTuple):
    """How a call fails: status code, message for the caller, and the offending field."""

    code: grpc.StatusCode
    message: str
    field: str = ""

    @property
    def status(self) -> status_pb2.Status:
        """As ``google.rpc.Status``, with the field as a ``BadRequest`` violation (AIP-193)."""
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        if self.field:
            description = self.message.removeprefix(f"{self.field}: ")[:_DESCRIPTION_LENGTH_LIMIT]
            violation = BadRequest.FieldViolation(field=self.field, description=description)
            status.details.add().Pack(BadRequest(field_violations=[violation]))
        return status


def failure_of(error: Exception, method: str) -> Failure:
    """The failure that a caller sees for an error raised in ``method``.

    Unexpected errors are logged with an id, and the caller sees only that id.
    """
    # ``ignore`` drops a character that the byte limit cut in half.
    message = str(error).encode(errors="replace")[:MESSAGE_BYTE_LIMIT].decode(errors="ignore")
    if isinstance(error, RequestError):
        return Failure(grpc.StatusCode.INVALID_ARGUMENT, message, error.field)
    if isinstance(error, BundleError):
        return Failure(grpc.StatusCode.FAILED_PRECONDITION, message)
    if isinstance(error, OverloadError):
        return Failure(grpc.StatusCode.UNAVAILABLE, message)
    if isinstance(error, AbandonedError):
        return Failure(grpc.StatusCode.DEADLINE_EXCEEDED, message)
    if isinstance(error, UnsupportedError):
        return Failure(grpc.StatusCode.UNIMPLEMENTED, message)
    error_id = uuid.uuid4().hex
    # Log location and type of the error, but not its text, which may quote personal data.
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed, error id %s: %s\n%s", method, error_id, type(error).__name__, frames)
    return Failure(grpc.StatusCode.INTERNAL, f"internal error, error id {error_id}")


def end_with(context: Any, error: Exception, method: str) -> NoReturn:
    """Aborts a call of ``method`` with the status for ``error``."""
    context.abort_with_status(rpc_status.to_status(failure_of(error, method).status))
    raise AssertionError("abort raises")


def error_of(error: grpc.RpcError) -> NextclickError:
    """The error of our own tree for a failed call."""
    code, message = error.code(), error.details() or ""
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return _request_error(_violated_field(error), message)
    if code is grpc.StatusCode.FAILED_PRECONDITION:
        return BundleError(message)
    if code is grpc.StatusCode.UNIMPLEMENTED and _REFUSAL.match(message):
        return UnsupportedError(message)
    if code in OVERLOAD_CODES:
        return OverloadError(f"{code.name}: {message}")
    return NextclickError(f"{code.name}: {message}")


OVERLOAD_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)
"""Codes after which the same call may succeed later."""


def _violated_field(error: grpc.RpcError) -> str:
    """The offending field; empty if the status names none, as from gRPC itself or a proxy."""
    violations = BadRequest()
    try:
        status = rpc_status.from_call(error)
        for detail in () if status is None else status.details:
            if detail.Unpack(violations) and violations.field_violations:
                return str(violations.field_violations[0].field)
    except (ValueError, DecodeError):
        # The details are missing or do not match the status.
        pass
    return ""


def _request_error(field: str, message: str) -> RequestError:
    # The message is taken whole, since what was received may hold any text, ", received" too.
    if field and message.startswith(f"{field}: expected "):
        return RequestError.of_message(field, message)
    if not field and (found := _REFUSAL.fullmatch(message)):
        return RequestError.of_message(found["field"], message)
    return RequestError(field or "request", "a valid request", message)
