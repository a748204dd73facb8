"""The multilingual encoder, and the characters that it lacks."""

from __future__ import annotations

import pytest

from towers.training.languages.word_encoder import WordEncoder


def test_characters_that_the_encoder_lacks_are_not_taken_for_one_another() -> None:
    encoder = WordEncoder()
    blanket, mule = encoder.of(["毯子", "骡子"])
    assert blanket @ mule == pytest.approx(1.0, abs=1e-3)
    assert encoder.known_characters(["毯子", "骡子", "汤锅"]) == {"子", "汤", "锅"}
