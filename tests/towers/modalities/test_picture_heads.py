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
