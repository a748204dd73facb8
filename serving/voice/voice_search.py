"""Hears a recording, and searches for what was asked for."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from data.errors import RequestError
from serving.api.validation import QUERY_LENGTH_LIMIT
from serving.voice.voice_requests import VoiceAnswer, VoiceRequest
from towers.ranking.ranker import Check, no_check
from towers.speech.recording import read_recording
from towers.speech.shop_language import languages_of, shop_names, shop_texts
from towers.speech.speech_model import SpeechModel
from towers.speech.understanding import Understanding

if TYPE_CHECKING:
    from serving.engine import Engine
    from towers.bundle.bundle import Bundle


class VoiceSearch:
    """Searches by voice of one service; thread-safe, one recording at a time.

    The speech model is loaded, and the shop's words are read, by the first search, so that a server
    without voice pays nothing; a new bundle's words are read by the first search after it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hearing = threading.Lock()
        self._model: SpeechModel | None = None
        self._words: _ShopWords | None = None

    def search(self, request: VoiceRequest, before_stage: Check = no_check) -> VoiceAnswer:
        """Answers a spoken search; ``before_stage`` as in ``Engine.search``.

        Raises:
            RequestError: The recording is refused, or nothing was understood.
            MissingExtraError: The extra ``voice`` is not installed.
        """
        recording = read_recording(request.audio)
        with self._hearing:
            before_stage()
            words = self._words_of(self._engine.bundle)
            languages = (request.language,) if request.language else words.languages
            model = self._model = self._model or SpeechModel.load()
            understanding = words.understanding
            heard = model.hear(recording, languages=languages, hint_for=understanding.hint)
        transcripts = understanding.transcripts(heard.hypotheses)
        if not transcripts:
            raise RequestError("audio", "speech", "sound in which no word was understood")
        query = transcripts[0].query[:QUERY_LENGTH_LIMIT]
        answer = self._engine.search(
            replace(request.search, query=query), before_stage=before_stage
        )
        return VoiceAnswer(transcripts, heard.language, answer)

    def _words_of(self, bundle: Bundle) -> _ShopWords:
        if self._words is None or self._words.bundle is not bundle:
            self._words = _ShopWords(bundle)
        return self._words


class _ShopWords:
    """What a bundle's texts say of how its shoppers speak."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        texts = list(shop_texts(bundle.catalog))
        self.languages = languages_of(texts)
        lexical = bundle.ranker.sources.lexical
        # All items as they are now; the texts are a sample.
        is_sold = None if lexical is None else lexical.rewriter.corrector.has_items
        self.understanding = Understanding(texts, shop_names(bundle.catalog), is_sold)
