"""Rank and score fusion by fixed rules."""

from __future__ import annotations

import numpy as np
import pytest

from towers.indexes.lexical_index import CODE_SCORE
from towers.retrieval.fusion import fused_ranks, fused_scores


def test_ranks_fuse_to_reciprocals_added_up() -> None:
    ranks = np.array([[0, -1, 4], [-1, -1, -1], [2, 2, 2]])
    expected = [1 / 60 + 1 / 64, 0.0, 3 / 62]
    assert fused_ranks(ranks).tolist() == pytest.approx(expected)


def test_scores_fuse_to_shares_of_the_best_added_up() -> None:
    lexical = np.array([20.0, 0.0, 10.0], np.float32)
    learnt = np.array([0.2, 0.8, 0.4], np.float32)
    expected = [1 + 0.6 * 0.25, 0 + 0.6, 0.5 + 0.6 * 0.5]
    assert fused_scores(lexical, learnt).tolist() == pytest.approx(expected)


def test_an_item_that_both_lists_praise_beats_the_best_of_either() -> None:
    lexical = np.array([10.0, 9.0, 0.0], np.float32)
    learnt = np.array([0.0, 0.85, 0.9], np.float32)
    assert int(np.argmax(fused_scores(lexical, learnt))) == 1


def test_what_is_asked_for_by_its_number_comes_before_all_words() -> None:
    lexical = np.array([CODE_SCORE + 1.0, 30.0], np.float32)
    learnt = np.array([-0.1, 0.9], np.float32)
    assert int(np.argmax(fused_scores(lexical, learnt))) == 0


def test_lists_in_which_nothing_was_found_leave_all_at_nothing() -> None:
    nothing = np.zeros(3, np.float32)
    assert fused_scores(nothing, nothing).tolist() == [0.0, 0.0, 0.0]
    assert fused_scores(nothing[:0], nothing[:0]).tolist() == []
