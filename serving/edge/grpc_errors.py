"""The one place where errors become gRPC statuses, and statuses errors again."""

from __future__ import annotations

import ast
import logging
import re
import traceback
import uuid
from collections.abc import Sequence
from typing import NamedTuple

import grpc

from data.errors import BundleError, NextclickError, OverloadError, RequestError

logger = logging.getLogger(__name__)

FIELD_KEY = "nextclick-field"
"""Trailer that names the field of a ``RequestError``."""

MESSAGE_LENGTH_LIMIT = 1_000
_REFUSAL = re.compile(r".*?: expected (?P<expected>.*), received (?P<received>.*)", re.DOTALL)


class Failure(NamedTuple):
    """How a call fails: its status code, what the caller reads, and the field it is about."""

    code: grpc.StatusCode
    message: str
    field: str = ""

    @property
    def trailers(self) -> Sequence[tuple[str, str]]:
        """The trailing metadata of the reply."""
        # Metadata is ASCII; a field can carry the name of an attribute, which need not be.
        return ((FIELD_KEY, self.field),) if self.field and self.field.isascii() else ()


def failure_of(error: Exception, method: str) -> Failure:
    """The failure that a caller sees for what the engine raised in ``method``.

    Errors outside the tree are logged under an id, and the caller gets that id alone.
    """
    message = str(error)[:MESSAGE_LENGTH_LIMIT]
    if isinstance(error, RequestError):
        return Failure(grpc.StatusCode.INVALID_ARGUMENT, message, error.field)
    if isinstance(error, BundleError):
        return Failure(grpc.StatusCode.FAILED_PRECONDITION, message)
    if isinstance(error, OverloadError):
        return Failure(grpc.StatusCode.UNAVAILABLE, message)
    error_id = uuid.uuid4().hex
    # Where it happened and of what kind, but not its text: that may quote a shopper's data.
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed, error id %s: %s\n%s", method, error_id, type(error).__name__, frames)
    return Failure(grpc.StatusCode.INTERNAL, f"internal error, error id {error_id}")


def error_of(error: grpc.RpcError) -> NextclickError:
    """The error of our own tree that a failed call stands for."""
    code, message = error.code(), error.details() or ""
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        trailers = dict(error.trailing_metadata() or ())
        return _request_error(str(trailers.get(FIELD_KEY, "")), message)
    if code is grpc.StatusCode.FAILED_PRECONDITION:
        return BundleError(message)
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


def _request_error(field: str, message: str) -> RequestError:
    found = _REFUSAL.fullmatch(message)
    if found is None:
        return RequestError(field or "request", "a valid request", message)
    try:
        received = ast.literal_eval(found["received"])
    except (ValueError, SyntaxError):
        received = found["received"]
    return RequestError(field or message.split(":")[0], found["expected"], received)
