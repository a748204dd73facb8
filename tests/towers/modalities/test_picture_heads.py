"""What an encoder learnt comes back from the bundle, and tells classes by parts of the vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from towers.modalities.picture_heads import EncoderClasses, PictureHead


def test_classes_come_back_the_same_and_score_by_hand(tmp_path: Path) -> None:
    keys = np.array([7, 2**63], np.uint64)
    EncoderClasses({"colour": PictureHead(("red", "blue"), 1)}, keys).save(tmp_path)
    found = EncoderClasses.load(tmp_path)
    head = found.heads["colour"]
    assert head.classes == ("red", "blue") and np.array_equal(found.learnt_keys, keys)
    vectors = np.array([[9, 0.5, 0.25, 9], [9, 0.0, 0.5, 9]], np.float32)
    scores = head.scores(vectors)
    # Of shares 4 to 1; and of none to all.
    assert scores[0, 0] - scores[0, 1] == np.float32(2 * np.log(2.0))
    assert scores[1, 1] - scores[1, 0] > 20


def test_a_bundle_without_classes_has_none(tmp_path: Path) -> None:
    found = EncoderClasses.load(tmp_path)
    assert not found.heads and not len(found.learnt_keys)


def test_pictures_that_one_network_has_not_seen_are_scored_by_it(tmp_path: Path) -> None:
    heads = {"form": PictureHead(("disc",), 0), "colour": PictureHead(("red", "blue"), 1)}
    shares = np.array([[0.8, 0.2], [0.5, 0.5]], np.float32)
    own_keys = np.array([7, 0], np.uint64)
    own = {"colour": shares, "form": np.ones((2, 1), np.float32)}
    EncoderClasses(heads, own_keys[:1], own_keys, own).save(tmp_path)
    found = EncoderClasses.load(tmp_path)
    is_own, scores = found.unseen_scores("colour", np.array([0, 7, 8], np.uint64))
    # 0 stands for no picture.
    assert is_own.tolist() == [False, True, False]
    np.testing.assert_allclose(scores, np.log([[0.8, 0.2]]), atol=1e-5)
    assert found.unseen_scores("form", np.array([7], np.uint64))[1].tolist() == [[0.0]]
    without = EncoderClasses(heads, own_keys)
    is_own, scores = without.unseen_scores("colour", np.array([7], np.uint64))
    assert not is_own.any() and scores.shape == (0, 2)
