"""Protobuf messages of searches by voice."""

from __future__ import annotations

import re
from typing import Any

from data.errors import RequestError
from protos import discovery_pb2
from serving.api.proto_codec import read_answer, read_search, write_answer, write_search
from serving.api.validation import checked_search
from serving.voice.voice_requests import VoiceAnswer, VoiceRequest
from towers.speech.understanding import Transcript

_LANGUAGE = re.compile("[a-z]{2,3}")
_UNHEARD = "speech"
"""Takes the place of the query while the rest of a request is checked."""


def read_voice(message: Any) -> VoiceRequest:
    """A ``SearchByVoiceRequest``, checked but for its audio and what language it is in.

    Raises:
        RequestError: A field is out of its range.
    """
    if message.language and not _LANGUAGE.fullmatch(message.language):
        raise RequestError("language", "a code such as en or zh", message.language[:8])
    search = checked_search(read_search(_search_message(message, _UNHEARD)))
    return VoiceRequest(message.audio, search, message.language)


def write_voice(request: VoiceRequest) -> Any:
    """A ``SearchByVoiceRequest``."""
    search = write_search(request.search)
    return discovery_pb2.SearchByVoiceRequest(
        audio=request.audio,
        visitor_id=search.visitor_id,
        page_size=search.page_size,
        filter=search.filter,
        record=search.record,
        language=request.language,
    )


def write_voice_answer(answer: VoiceAnswer, request: Any) -> Any:
    """The response to the message ``request``; later pages are those of an ordinary search."""
    response = discovery_pb2.SearchByVoiceResponse(
        transcripts=[
            discovery_pb2.Transcript(text=one.text, query=one.query, probability=one.probability)
            for one in answer.transcripts
        ],
        language=answer.language,
    )
    search = _search_message(request, answer.transcripts[0].query)
    response.answer.ParseFromString(write_answer(answer.answer, search))
    return response


def read_voice_answer(response: Any, request: Any) -> VoiceAnswer:
    """The answer in a response to the message ``request``."""
    transcripts = tuple(
        Transcript(one.text, one.query, one.probability) for one in response.transcripts
    )
    search = _search_message(request, transcripts[0].query)
    return VoiceAnswer(transcripts, response.language, read_answer(response.answer, search))


def _search_message(request: Any, query: str) -> Any:
    """The ordinary search that a spoken one amounts to."""
    return discovery_pb2.SearchItemsRequest(
        query=query,
        visitor_id=request.visitor_id,
        page_size=request.page_size,
        filter=request.filter if request.HasField("filter") else None,
        record=request.record if request.HasField("record") else None,
    )
