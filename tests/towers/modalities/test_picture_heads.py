"""What an encoder learnt comes back from the bundle, and tells classes by a linear function."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from towers.modalities.picture_heads import EncoderClasses, PictureHead


def test_classes_come_back_the_same_and_score_by_hand(tmp_path: Path) -> None:
    weights = np.array([[2, 0], [0, 3], [0.5, -0.5]], np.float32)
    keys = np.array([7, 2**63], np.uint64)
    EncoderClasses({"colour": PictureHead(("red", "blue"), weights)}, keys).save(tmp_path)
    found = EncoderClasses.load(tmp_path)
    head = found.heads["colour"]
    assert head.classes == ("red", "blue") and np.array_equal(found.learnt_keys, keys)
    scores = head.scores(np.array([[1, 0], [0.6, 0.8]], np.float32))
    assert np.allclose(scores, [[2.5, -0.5], [1.7, 1.9]])


def test_a_bundle_without_classes_has_none(tmp_path: Path) -> None:
    found = EncoderClasses.load(tmp_path)
    assert not found.heads and not len(found.learnt_keys)
