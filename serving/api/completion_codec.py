"""Completion requests and responses to and from protobuf messages."""

from __future__ import annotations

from typing import Any

from data.errors import RequestError
from protos import discovery_pb2
from serving.api.answers import Completed, Suggestion
from serving.api.requests import CompleteRequest, SuggestionKind


def read_complete(message: Any) -> CompleteRequest:
    """A ``CompleteRequest`` message as the engine's request; ``max_results`` 0 stays 0 (validation
    replaces it by the default)."""
    kinds = []
    for position, number in enumerate(message.kinds):
        try:
            kinds.append(SuggestionKind(number))
        except ValueError as error:
            names = ", ".join(known.name for known in SuggestionKind if known)
            raise RequestError(f"kinds[{position}]", f"one of {names}", number) from error
    return CompleteRequest(message.text, message.max_results, tuple(kinds))


def write_complete(request: CompleteRequest) -> Any:
    """A ``CompleteRequest`` message."""
    return discovery_pb2.CompleteRequest(
        text=request.text,
        max_results=request.max_results,
        kinds=[int(kind) for kind in request.kinds],  # type: ignore[misc]
    )


def read_completed(message: Any) -> Completed:
    """A ``CompleteResponse`` as suggestions."""
    return Completed(
        tuple(
            Suggestion(
                SuggestionKind(one.kind),
                one.text,
                one.item_id,
                tuple(one.category),
                tuple((part.start, part.end) for part in one.highlights),
            )
            for one in message.suggestions
        ),
        message.corrected_text,
        message.bundle_id,
    )


def write_completed(completed: Completed) -> Any:
    """A ``CompleteResponse``."""
    return discovery_pb2.CompleteResponse(
        suggestions=[
            discovery_pb2.Suggestion(
                kind=int(one.kind),  # type: ignore[arg-type]
                text=one.text,
                item_id=one.item_id,
                category=one.category,
                highlights=[
                    discovery_pb2.Highlight(start=start, end=end) for start, end in one.highlights
                ],
            )
            for one in completed.suggestions
        ],
        corrected_text=completed.corrected_text,
        bundle_id=completed.bundle_id,
    )
