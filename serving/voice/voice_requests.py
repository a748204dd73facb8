"""Request and response types of searches by voice."""

from __future__ import annotations

from dataclasses import dataclass

from serving.api.answers import Answer
from serving.api.requests import SearchRequest
from towers.speech.understanding import Transcript


@dataclass(frozen=True, slots=True)
class VoiceRequest:
    """A spoken search.

    Args:
        audio: A WAV or FLAC file, as ``read_recording`` takes it.
        search: The rest of the request; its query is empty.
        language: Of the speech, as ``en`` or ``zh``; empty: one of the shop's, detected.
    """

    audio: bytes
    search: SearchRequest
    language: str = ""


@dataclass(frozen=True, slots=True)
class VoiceAnswer:
    """The answer to a spoken search.

    Args:
        transcripts: What was heard, and the runner-up where there is one.
        language: Of the speech.
        answer: To a search for the ``query`` of the first transcript.
    """

    transcripts: tuple[Transcript, ...]
    language: str
    answer: Answer
