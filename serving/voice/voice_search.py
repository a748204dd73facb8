"""Hears a recording, and searches for what was asked for."""

from __future__ import annotations

import threading
import weakref
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
        self._words: ShopWords | None = None

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
            heard = model.hear(
                recording,
                languages=languages,
                hint_for=understanding.hint,
                before_pass=before_stage,
            )
        # Cut here rather than for the search, since its further pages are for the query that is told.
        transcripts = tuple(
            replace(one, query=one.query[:QUERY_LENGTH_LIMIT].strip())
            for one in understanding.transcripts(heard.hypotheses)
        )
        if not transcripts:
            raise RequestError("audio", "speech", "sound in which no word was understood")
        answer = self._engine.search(
            replace(request.search, query=transcripts[0].query), before_stage=before_stage
        )
        return VoiceAnswer(transcripts, heard.language, answer)

    def _words_of(self, bundle: Bundle) -> ShopWords:
        if self._words is None or not self._words.is_of(bundle):
            self._words = ShopWords(bundle)
        return self._words


class ShopWords:
    """What a bundle's texts say of how its shoppers speak.

    The bundle itself is referred to weakly: after another one is published, its indexes are let go.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = weakref.ref(bundle)
        texts = list(shop_texts(bundle.catalog))
        self.languages = languages_of(texts)
        # All items as they are now; the texts are a sample.
        is_sold = None if bundle.ranker.sources.lexical is None else self._is_sold
        self.understanding = Understanding(texts, shop_names(bundle.catalog), is_sold)

    def is_of(self, bundle: Bundle) -> bool:
        """Whether these are the words of that bundle."""
        return self._bundle() is bundle

    def _is_sold(self, word: str) -> bool:
        bundle = self._bundle()
        lexical = None if bundle is None else bundle.ranker.sources.lexical
        # Of a bundle that went while a recording was heard, no word is left out.
        return lexical is None or lexical.rewriter.corrector.has_items(word)
