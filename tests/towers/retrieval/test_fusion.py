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


NOTHING = np.zeros(3, np.float32)


def test_scores_fuse_to_shares_of_the_best_weighted_and_added_up() -> None:
    lexical = np.array([20.0, 0.0, 10.0], np.float32)
    learnt = np.array([0.2, 0.8, 0.4], np.float32)
    semantic = np.array([0.1, 0.4, 0.5], np.float32)
    of_words = fused_scores(lexical, NOTHING, NOTHING)
    of_learnt = fused_scores(NOTHING, learnt, NOTHING)
    of_text = fused_scores(NOTHING, NOTHING, semantic)
    assert of_words.tolist() == [1.0, 0.0, 0.5]
    assert (of_learnt / of_learnt.max()).tolist() == pytest.approx([0.25, 1.0, 0.5])
    assert (of_text / of_text.max()).tolist() == pytest.approx([0.2, 0.8, 1.0])
    assert 0 < of_learnt.max() < of_text.max() < of_words.max()
    expected = of_words + of_learnt + of_text
    assert fused_scores(lexical, learnt, semantic).tolist() == pytest.approx(expected.tolist())


def test_where_no_vector_is_near_the_rest_still_decides() -> None:
    lexical = np.array([20.0, 19.0], np.float32)
    away = np.array([-0.3, -0.001], np.float32)
    scores = fused_scores(lexical, NOTHING[:2], away)
    assert np.abs(scores).max() < 3
    assert fused_scores(lexical, NOTHING[:2], np.full(2, -1e-3, np.float32)).argmax() == 0


def test_an_item_that_all_lists_praise_beats_the_best_of_one() -> None:
    lexical = np.array([10.0, 9.0, 0.0], np.float32)
    learnt = np.array([0.0, 0.85, 0.9], np.float32)
    semantic = np.array([0.0, 0.7, 0.8], np.float32)
    assert int(np.argmax(fused_scores(lexical, learnt, semantic))) == 1


def test_what_is_asked_for_by_its_number_comes_before_all_words() -> None:
    lexical = np.array([CODE_SCORE + 1.0, 30.0], np.float32)
    far, near = -0.8, 0.9
    vectors = np.array([far, near], np.float32)
    assert int(np.argmax(fused_scores(lexical, vectors, vectors))) == 0


def test_lists_in_which_nothing_was_found_leave_all_at_nothing() -> None:
    assert fused_scores(NOTHING, NOTHING, NOTHING).tolist() == [0.0, 0.0, 0.0]
    assert fused_scores(NOTHING[:0], NOTHING[:0], NOTHING[:0]).tolist() == []
