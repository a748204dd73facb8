"""The baselines that a shop could take off the shelf."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import ConfigError
from towers.training.encoder import text_baselines as module
from towers.training.encoder.text_baselines import BOTH, ENCODER, TF_IDF, text_baselines
from towers.training.encoder.text_encoder import is_installed

TITLES = ["wooden dining table", "notebook computer", "table lamp", "office chair"]

needs_encoder = pytest.mark.skipif(not is_installed(), reason="the extra `encoder` is not there")


@needs_encoder
def test_words_find_words_and_the_encoder_finds_what_is_meant() -> None:
    rankings = text_baselines(TITLES).rankings("laptop", 4)
    # No title has the word: TF-IDF cannot tell them apart, and lower rows come first.
    assert rankings[TF_IDF].tolist() == [0, 1, 2, 3]
    assert rankings[ENCODER][0] == rankings[BOTH][0] == 1


@needs_encoder
def test_tf_idf_is_that_of_the_titles() -> None:
    rows = text_baselines(TITLES).rankings("table", 2)[TF_IDF]
    # "table lamp" is the shorter of the two titles with the word.
    assert rows.tolist() == [2, 0]


@needs_encoder
def test_both_is_the_sum_of_the_two_relative_to_their_best() -> None:
    baselines = text_baselines(TITLES)
    of_words = np.array([1 / 3**0.5, 0, 1 / 2**0.5, 0])
    encoder = baselines._encoder
    of_text = encoder.encode(TITLES) @ encoder.encode(["table"])[0]
    found = baselines.rankings("table", 4)[BOTH].tolist()
    total = of_words / of_words.max() + of_text / of_text.max()
    assert found[:2] == np.argsort(-total)[:2].tolist()


def test_without_the_encoder_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "installed_encoder", lambda: None)
    with pytest.raises(ConfigError, match="nextclick\\[encoder\\]"):
        text_baselines(TITLES)
