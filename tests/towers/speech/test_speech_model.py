"""What a model's texts are checked for, without a model."""

from __future__ import annotations

import pytest

from towers.speech.speech_model import repeats_itself


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
