"""Each error has one status, and nothing that it did not mean to say leaves the house."""

from __future__ import annotations

import logging
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from data.errors import (
    AbandonedError,
    BundleError,
    ConfigError,
    InputError,
    MissingExtraError,
    NextclickError,
    OverloadError,
    RequestError,
)
from serving.edge.grpc_errors import error_of, failure_of


class FailedCall(grpc.RpcError):
    """What a stub raises, with the four answers that it has."""

    def __init__(
        self, code: grpc.StatusCode, message: str, trailers: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        super().__init__()
        self.parts = code, message, trailers

    def code(self) -> grpc.StatusCode:
        return self.parts[0]

    def details(self) -> str:
        return self.parts[1]

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return self.parts[2]


@pytest.mark.parametrize(
    ("error", "code", "field"),
    [
        (RequestError("query", "words", 3), grpc.StatusCode.INVALID_ARGUMENT, "query"),
        (BundleError("no manifest"), grpc.StatusCode.FAILED_PRECONDITION, ""),
        (OverloadError("full"), grpc.StatusCode.UNAVAILABLE, ""),
        (AbandonedError("late"), grpc.StatusCode.DEADLINE_EXCEEDED, ""),
        (MissingExtraError("voice", "voice", "av"), grpc.StatusCode.UNIMPLEMENTED, ""),
    ],
)
def test_what_the_product_refuses_says_why(
    error: NextclickError, code: grpc.StatusCode, field: str
) -> None:
    failure = failure_of(error, "SearchItems")
    assert (failure.code, failure.message, failure.field) == (code, str(error), field)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("canary"),
        KeyError("canary"),
        InputError("canary"),
        ConfigError("canary"),
        NextclickError("canary"),
    ],
)
def test_all_else_is_an_id_and_the_log_has_the_place_but_not_the_text(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise error
    except Exception as raised:
        with caplog.at_level(logging.ERROR):
            failure = failure_of(raised, "SearchItems")
    assert failure.code is grpc.StatusCode.INTERNAL
    assert "canary" not in failure.message
    error_id = failure.message.split()[-1]
    assert error_id in caplog.text
    assert type(error).__name__ in caplog.text
    assert Path(__file__).name in caplog.text
    assert "canary')" not in caplog.text.replace('ValueError("canary")', "")


@pytest.mark.parametrize(
    "error",
    [
        RequestError("events[3].rating", "1 to 5", 9.5),
        RequestError("query", "1 to 256 characters", ""),
        RequestError("query", "no control characters", "it's: expected\x00, received"),
        RequestError("query", "no control characters", "a\x01b, received q"),
        RequestError("query", "the text x, received by mail", "'q', received 7"),
        RequestError("attributes.a: expected b, received c", "a text", "q"),
        RequestError("rating", "1 to 5", float("nan")),
        RequestError("type", "a known type", grpc.StatusCode.ABORTED),
        RequestError("query", "at most 8 characters", ", received " * 300),
        RequestError("attributes.尺寸", "at most 1,024 characters", 2_000),
        BundleError("manifest.json: expected a manifest, received nothing"),
        OverloadError("full"),
    ],
)
def test_an_error_comes_out_of_the_client_as_it_went_into_the_server(error: Exception) -> None:
    failure = failure_of(error, "SearchItems")
    trailers = (("grpc-status-details-bin", failure.status.SerializeToString()),)
    again = error_of(FailedCall(failure.code, failure.message, trailers))
    assert type(again) is type(error)
    if isinstance(error, RequestError):
        assert isinstance(again, RequestError)
        assert (again.field, str(again)) == (error.field, failure.message)
        assert failure.message == str(error)[:1_000]


def test_a_refusal_whose_details_were_lost_keeps_its_message() -> None:
    error = RequestError("query", "no control characters", "a\x01b, received q")
    again = error_of(FailedCall(grpc.StatusCode.INVALID_ARGUMENT, str(error)))
    assert isinstance(again, RequestError)
    assert (again.field, str(again)) == ("query", str(error))


def test_the_violation_of_another_making_names_the_field() -> None:
    status = status_pb2.Status(code=3, message="bad")
    violation = error_details_pb2.BadRequest.FieldViolation(field="page_size")
    status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    error = error_of(FailedCall(grpc.StatusCode.INVALID_ARGUMENT, "bad", trailers))
    assert str(error) == "page_size: expected a valid request, received 'bad'"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, OverloadError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, OverloadError),
        (grpc.StatusCode.CANCELLED, OverloadError),
        (grpc.StatusCode.INTERNAL, NextclickError),
        (grpc.StatusCode.UNIMPLEMENTED, NextclickError),
    ],
)
def test_other_codes_have_an_error_too(code: grpc.StatusCode, kind: type[Exception]) -> None:
    error = error_of(FailedCall(code, "why"))
    assert type(error) is kind
    assert str(error) == f"{code.name}: why"


def test_a_refusal_of_another_making_is_still_a_request_error() -> None:
    error = error_of(FailedCall(grpc.StatusCode.INVALID_ARGUMENT, "bad"))
    assert str(error) == "request: expected a valid request, received 'bad'"


def test_a_refused_field_is_a_violation_as_google_writes_it() -> None:
    failure = failure_of(RequestError("attributes.尺寸", "1 to 5", 9.5), "SearchItems")
    (detail,) = failure.status.details
    assert detail.type_url == "type.googleapis.com/google.rpc.BadRequest"
    found = error_details_pb2.BadRequest.FromString(detail.value)
    assert [(one.field, one.description) for one in found.field_violations] == [
        ("attributes.尺寸", "expected 1 to 5, received 9.5")
    ]
    assert (failure.status.code, failure.status.message) == (3, failure.message)
    assert not failure_of(BundleError("no manifest"), "PublishBundle").status.details


@pytest.mark.parametrize(
    "details",
    [
        b"\xff\xff",
        status_pb2.Status(code=3, message="another message").SerializeToString(),
        status_pb2.Status(code=5, message="bad").SerializeToString(),
        status_pb2.Status(code=3, message="bad").SerializeToString(),
    ],
)
def test_details_of_another_making_are_passed_over(details: bytes) -> None:
    trailers = (("grpc-status-details-bin", details),)
    error = error_of(FailedCall(grpc.StatusCode.INVALID_ARGUMENT, "bad", trailers))
    assert str(error) == "request: expected a valid request, received 'bad'"


@pytest.mark.parametrize("letter", ["x", "é", "鞋", "\ud800", "😀"])
def test_a_long_message_is_cut_to_what_trailers_hold(letter: str) -> None:
    error = RequestError("attributes." + "尺" * 128, letter * 500, letter * 100_000)
    failure = failure_of(error, "m")
    assert 990 <= len(failure.message.encode()) <= 1_000
    # A byte that is no ASCII takes three in the one trailer, and each byte 4/3 in the other.
    taken = 3 * len(failure.message.encode()) + 4 * len(failure.status.SerializeToString()) / 3
    assert taken < 8 * 1024
