"""What a spoken search keeps of a bundle, and asks of the engine, by a model that heard a text."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass
from typing import Any

import pytest

from data.errors import RequestError
from serving.api.requests import SearchRequest
from serving.edge.client import Client
from serving.voice.voice_codec import read_voice_answer, write_voice, write_voice_answer
from serving.voice.voice_requests import VoiceRequest
from serving.voice.voice_search import ShopWords, VoiceSearch
from tests.serving.gated_engine import GatedEngine
from tests.towers import shelf
from tests.towers.speech.recordings import tone, wav
from towers.bundle.bundle import load_bundle
from towers.speech.speech_model import Heard, Hypothesis, SpeechModel

pytest.importorskip("soundfile")


@dataclass
class Hearing:
    """Stands for a speech model, which is an external part: it hears the same text always."""

    text: str

    def hear(self, recording: Any, **_: Any) -> Heard:
        return Heard((Hypothesis(self.text, -1.0),), "en")


def searching(engine: GatedEngine, text: str, monkeypatch: pytest.MonkeyPatch) -> VoiceSearch:
    monkeypatch.setattr(SpeechModel, "load", lambda: Hearing(text))
    return VoiceSearch(engine)


SPOKEN = VoiceRequest(wav(tone(0.5)), SearchRequest("", "v", page_size=3))


def test_the_words_of_a_bundle_do_not_keep_it() -> None:
    bundle = load_bundle(shelf.bundle_folder())
    words, kept = ShopWords(bundle), weakref.ref(bundle)
    assert words.is_of(bundle)
    del bundle
    gc.collect()
    assert kept() is None
    # A recording that is being heard meanwhile is still understood.
    heard = words.understanding.transcripts([Hypothesis("espresso", -1.0)])
    assert heard[0].query == "espresso"


def test_a_long_sentence_is_cut_so_that_its_pages_continue(
    engine: GatedEngine, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = ("espresso " * 40).strip()
    found = searching(engine, sentence, monkeypatch).search(SPOKEN)
    query = found.transcripts[0].query
    assert len(query) <= 256 and found.transcripts[0].text == sentence
    assert engine.seen[-1].query == query  # type: ignore[union-attr]
    message = write_voice(SPOKEN)
    answer = read_voice_answer(write_voice_answer(found, message), message).answer
    assert answer.next_offset == 3
    following = SearchRequest(
        query, "v", page_size=3, offset=answer.next_offset, order_key=answer.order_key
    )
    shown = {one.item_id for one in answer.results}
    assert len(client.search(following).results) == 3
    assert shown.isdisjoint(one.item_id for one in client.search(following).results)


def test_sound_without_a_word_is_refused(
    engine: GatedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestError, match="^audio: expected speech, received 'sound in which no"):
        searching(engine, ".", monkeypatch).search(SPOKEN)
    assert not engine.seen
