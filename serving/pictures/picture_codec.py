"""Searches by picture to and from protobuf; the response is that of a search."""

from __future__ import annotations

from typing import Any

from protos import discovery_pb2
from serving.api.answers import Answer
from serving.api.filter_codec import read_filter, write_filter
from serving.api.proto_codec import read_answer, write_answer
from serving.pictures.picture_requests import PictureSearchRequest


def read_picture_search(message: Any) -> PictureSearchRequest:
    """A ``SearchByImageRequest`` as the engine's request; ``page_size`` 0 stays 0."""
    return PictureSearchRequest(
        image=message.image,
        query=message.query,
        visitor_id=message.visitor_id,
        page_size=message.page_size,
        filter=read_filter(message),
        record=message.record if message.HasField("record") else True,
    )


def write_picture_search(request: PictureSearchRequest) -> Any:
    """A ``SearchByImageRequest``."""
    return discovery_pb2.SearchByImageRequest(
        image=request.image,
        query=request.query,
        visitor_id=request.visitor_id,
        page_size=request.page_size,
        filter=write_filter(request.filter),
        record=request.record,
    )


def write_picture_answer(answer: Answer) -> bytes:
    """The bytes of the response; it has one page."""
    return write_answer(answer, discovery_pb2.SearchItemsRequest())


def read_picture_answer(message: Any) -> Answer:
    """A response as an answer."""
    return read_answer(message, discovery_pb2.SearchItemsRequest())
